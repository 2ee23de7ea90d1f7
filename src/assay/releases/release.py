"""A release: the immutable, versioned binding of artifacts to one commit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.attestations.envelope import invalid
from assay.attestations.statement import Statement, Subject
from assay.core.paths import path_problem
from assay.releases.declared import (
    KINDS,
    ChannelDeclaration,
    GateDefinition,
    artifact_problem,
)
from assay.releases.names import version_of
from assay.releases.predicate import Fields

KIND = "release"
FILE, FOLDER = "file", "folder"
GIT, CACHE = "git", "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One path that the release binds, with everything that its bytes depend on.

    ``digest``: of a file its content's, of a folder its manifest's (paths, modes, sizes and
    digests).  ``keeper`` says whether Git or the cache and its remotes keep the bytes; ``tracked``
    is the tracked path that holds a cached one, ``tracked_digest`` what that records.
    """

    role: str
    path: bytes
    kind: str
    digest: bytes
    size_bytes: int
    file_count: int
    is_executable: bool = False
    keeper: str = CACHE
    tracked: bytes = b""
    tracked_digest: bytes = b""

    @property
    def name(self) -> str:
        """The path as people read it."""
        return os.fsdecode(self.path)

    def as_dict(self) -> dict[str, Any]:
        """The artifact as the record has it."""
        shown: dict[str, Any] = {
            "role": self.role,
            "path": self.name,
            "kind": self.kind,
            "digest": self.digest.hex(),
            "size": self.size_bytes,
            "files": self.file_count,
            "executable": self.is_executable,
            "keeper": self.keeper,
        }
        if self.keeper == CACHE:
            shown["tracked"] = os.fsdecode(self.tracked)
            shown["tracked_digest"] = self.tracked_digest.hex()
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun:
    """The record of a stage's run: its file in the release's ref, and that file's digest."""

    stage: str
    file: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release's record says.

    ``parameters``: values by file.  ``environment``: Python, system, and the digest of the list
    of packages in which the artifacts were made; empty where no run was recorded.  ``locks``:
    BLAKE3 of each pipeline lock by path.  ``unrecorded``: stages without a record of their run.
    """

    repository: str
    policy: str | None
    name: str
    version: str
    commit: str
    artifacts: tuple[Artifact, ...]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    locks: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[StageRun, ...] = ()
    unrecorded: tuple[str, ...] = ()
    gates: Mapping[str, GateDefinition] = field(default_factory=dict)
    channels: Mapping[str, ChannelDeclaration] = field(default_factory=dict)
    pipeline_path: str = ""
    message: str = ""
    created: str = ""

    @property
    def title(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"

    @property
    def size_bytes(self) -> int:
        """Bytes of all artifacts."""
        return sum(artifact.size_bytes for artifact in self.artifacts)

    def artifact(self, wanted: str) -> Artifact | None:
        """The artifact at a path, or else the first of a role."""
        by_path = (a for a in self.artifacts if a.name == wanted)
        by_role = (a for a in self.artifacts if a.role == wanted)
        return next(by_path, None) or next(by_role, None)

    def holder(self, path: bytes) -> Artifact | None:
        """The artifact that is ``path`` or holds it."""
        for artifact in self.artifacts:
            if path == artifact.path or path.startswith(artifact.path + b"/"):
                return artifact
        return None

    def statement(self) -> Statement:
        """The release as it is signed."""
        return Statement(kind=KIND, subjects=self._subjects(), predicate=self._predicate())

    def _subjects(self) -> tuple[Subject, ...]:
        found = [Subject(name=self.title, digest={"gitCommit": self.commit})]
        for artifact in self.artifacts:
            algorithm = "blake3" if artifact.kind == FILE else "assayManifest"
            found.append(Subject(name=artifact.name, digest={algorithm: artifact.digest.hex()}))
        return tuple(found)

    def _predicate(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "policy": self.policy,
            "name": self.name,
            "version": self.version,
            "commit": self.commit,
            "artifacts": [artifact.as_dict() for artifact in self.artifacts],
            "parameters": {name: dict(values) for name, values in self.parameters.items()},
            "environment": dict(self.environment),
            "locks": dict(self.locks),
            "runs": [
                {"stage": run.stage, "file": run.file, "digest": run.digest} for run in self.runs
            ],
            "unrecorded": list(self.unrecorded),
            "gates": [
                {"name": gate.name, "kind": gate.kind, "fields": dict(gate.fields)}
                for gate in self.gates.values()
            ],
            "channels": {
                name: {"protected": channel.is_protected, "requires": list(channel.requires)}
                for name, channel in self.channels.items()
            },
            "pipeline": self.pipeline_path,
            "message": self.message,
            "created": self.created,
        }


def parse_release(statement: Statement, *, where: str) -> Release:
    """A release from its statement; :class:`IntegrityError` when it is not one."""
    said = Fields(values=statement.predicate, where=where)
    version = said.text("version")
    if version_of(version) != version:
        raise invalid(where, "its version is not a semantic version")
    artifacts = tuple(_artifact(row) for row in said.rows("artifacts"))
    if not artifacts:
        raise invalid(where, "it binds nothing")
    return Release(
        repository=said.text("repository", default=""),
        policy=said.optional_hex("policy"),
        name=said.text("name"),
        version=version,
        commit=said.commit("commit"),
        artifacts=artifacts,
        parameters={
            k: _parameters(said.below("parameters"), k) for k in said.mapping("parameters")
        },
        environment={k: str(v) for k, v in said.mapping("environment").items()},
        locks={k: said.below("locks").hex(k) for k in said.mapping("locks")},
        runs=tuple(
            StageRun(stage=row.text("stage"), file=row.text("file"), digest=row.hex("digest"))
            for row in said.rows("runs")
        ),
        unrecorded=said.names("unrecorded"),
        gates={gate.name: gate for gate in map(_gate, said.rows("gates"))},
        channels={
            name: _channel(said.below("channels"), name) for name in said.mapping("channels")
        },
        pipeline_path=said.text("pipeline", default=""),
        message=said.text("message", default=""),
        created=said.text("created", default=""),
    )


def _parameters(parameters: Fields, file: str) -> Mapping[str, Any]:
    return parameters.mapping(file)


def _gate(row: Fields) -> GateDefinition:
    kind = row.text("kind")
    if kind not in KINDS:
        raise invalid(row.where, f"a gate is of the unknown kind {kind[:40]!r}")
    return GateDefinition(name=row.text("name"), kind=kind, fields=dict(row.mapping("fields")))


def _channel(channels: Fields, name: str) -> ChannelDeclaration:
    fields = channels.below(name)
    return ChannelDeclaration(
        is_protected=fields.flag("protected", default=True), requires=fields.names("requires")
    )


def _artifact(row: Fields) -> Artifact:
    path, tracked = (os.fsencode(row.text(key, default="")) for key in ("path", "tracked"))
    kind, keeper = row.text("kind"), row.text("keeper")
    problem = artifact_problem(path) or (path_problem(tracked) if tracked else "")
    if problem:
        raise invalid(row.where, f"its path is one that nothing may be written to: {problem}")
    if kind not in (FILE, FOLDER) or keeper not in (GIT, CACHE):
        raise invalid(row.where, "its kind or keeper is not known")
    if keeper == CACHE and not (path == tracked or path.startswith(tracked + b"/")):
        raise invalid(row.where, "it does not lie in the tracked path that it names")
    return Artifact(
        role=row.text("role"),
        path=path,
        kind=kind,
        digest=bytes.fromhex(row.hex("digest")),
        size_bytes=row.count("size"),
        file_count=row.count("files"),
        is_executable=row.flag("executable"),
        keeper=keeper,
        tracked=tracked,
        tracked_digest=bytes.fromhex(row.hex("tracked_digest")) if keeper == CACHE else b"",
    )
