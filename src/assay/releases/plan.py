"""``release create``, decided: what the release binds and what its record will hold."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.audit.chain import Entry, line_of
from assay.errors import Conflict
from assay.git.trees import list_below
from assay.pipelines.model import Pipeline
from assay.pipelines.params import parse_params
from assay.releases.contents import Content, Snapshot, content_at, describe
from assay.releases.declared import METRIC, Declaration
from assay.releases.gates.metric import metric_path
from assay.releases.release import FILE, Artifact, Release, StageRun
from assay.releases.stages import (
    entry_of,
    graph_of,
    matching_run,
    stages_behind,
    undeclared_files,
)

PACKAGES_FILE = "environment/packages.txt"
_PARAMETERS = "parameters"
_PARAMETER_ENDINGS = (".yaml", ".yml", ".json", ".toml")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """The release, the further files of its record, and what its artifacts hold."""

    release: Release
    files: Mapping[str, bytes]
    contents: Mapping[bytes, Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is given from outside: which repository and policy, which version, when and why."""

    repository: str
    policy: str | None
    version: str
    message: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of past runs: records, newest first, and lists of packages by digest."""

    runs: list[Entry]
    packages: Mapping[str, bytes]


def plan_release(
    declaration: Declaration,
    snapshot: Snapshot,
    pipelines: Mapping[bytes, Pipeline],
    history: History,
    identity: Identity,
    *,
    read_blob: Callable[[bytes], bytes],
) -> ReleasePlan:
    """Bind what the declaration names, as the snapshot has it.

    ``read_blob`` gives the bytes of a file that the cache keeps.  Raises :class:`NotFound` or
    :class:`Conflict` naming what is not in the commit.
    """
    contents: dict[bytes, Content] = {}
    artifacts: list[Artifact] = []
    for item in declaration.artifacts:
        content = content_at(snapshot, item.path)
        contents[item.path] = content
        artifacts.append(describe(item.role, item.path, content))
    graph = graph_of(pipelines)
    stages = stages_behind(graph, _judged_paths(declaration))
    _require_committed(
        snapshot, undeclared_files(graph, stages, {t.path for t in snapshot.tracked})
    )
    parameters = _artifact_parameters(snapshot, artifacts, contents, read_blob)
    files: dict[str, bytes] = {}
    runs: list[StageRun] = []
    unrecorded: list[str] = []
    environment: dict[str, str] = {}
    for number, address in enumerate(stages, 1):
        entry = entry_of(pipelines, graph.stages[address])
        if entry is None:
            raise _never_run(address)
        for name, values in entry.params.items():
            parameters.setdefault(name, {}).update(plain(values))
        found = matching_run(history.runs, graph.stages[address], entry)
        if found is None:
            unrecorded.append(address)
            continue
        run = _stage_run(number, address, found)
        files[run.file] = line_of(found)
        runs.append(run)
        environment = _environment(found)
    packages = history.packages.get(environment.get("packages", ""))
    if packages is not None:
        files[PACKAGES_FILE] = packages
    release = Release(
        repository=identity.repository,
        policy=identity.policy,
        name=declaration.name,
        version=identity.version,
        commit=snapshot.commit,
        artifacts=tuple(artifacts),
        parameters=parameters,
        environment=environment,
        locks=_locks(snapshot, pipelines),
        runs=tuple(runs),
        unrecorded=tuple(unrecorded),
        gates=declaration.gates,
        channels=declaration.channels,
        pipeline_path=os.fsdecode(declaration.pipeline_path),
        message=identity.message,
        created=identity.created,
    )
    return ReleasePlan(release=release, files=files, contents=contents)


def _judged_paths(declaration: Declaration) -> list[bytes]:
    """What the release binds, and the metrics that it is judged by."""
    pipeline = os.fsdecode(declaration.pipeline_path)
    metrics = [metric_path(g, pipeline) for g in declaration.gates.values() if g.kind == METRIC]
    return [*(item.path for item in declaration.artifacts), *metrics]


def _require_committed(snapshot: Snapshot, paths: Iterable[bytes]) -> None:
    lost = [path for path in paths if not list_below(snapshot.reader, snapshot.commit, path)]
    if lost:
        names = tuple(map(os.fsdecode, lost))
        raise Conflict(
            "release-dirty",
            f"{', '.join(names[:5])} went into the release's artifacts, but no commit has it.",
            why="A release is bound to a commit: whoever takes it must find there what made it.",
            fix=f"git add {names[0]} && git commit, run `assay repro`, then try again.",
            paths=names,
        )


def _never_run(address: str) -> Conflict:
    return Conflict(
        "release-stale",
        f"Stage {address!r} has never run, or its run is not committed.",
        why="The lock of the commit has no record of it.",
        fix="Run `assay repro`, commit the lock, then try again.",
    )


def _stage_run(number: int, address: str, entry: Entry) -> StageRun:
    from blake3 import blake3

    return StageRun(
        stage=address, file=f"runs/{number:03d}.json", digest=blake3(line_of(entry)).hexdigest()
    )


def _environment(run: Entry) -> dict[str, str]:
    body = run.body
    return {
        "python": str(body.get("python", "")),
        "system": str(body.get("system", "")),
        "packages": str(body.get("packages", "")),
        "stage": str(body.get("stage", "")),
    }


def _locks(snapshot: Snapshot, pipelines: Mapping[bytes, Pipeline]) -> dict[str, str]:
    from blake3 import blake3

    found = {}
    for pipeline in pipelines.values():
        data = snapshot.reader.read_path(snapshot.commit, pipeline.lock_path)
        if data is not None:
            found[os.fsdecode(pipeline.lock_path)] = blake3(data).hexdigest()
    return found


def _artifact_parameters(
    snapshot: Snapshot,
    artifacts: Iterable[Artifact],
    contents: Mapping[bytes, Content],
    read_blob: Callable[[bytes], bytes],
) -> dict[str, dict[str, Any]]:
    """The values of artifacts that are parameter files."""
    found: dict[str, dict[str, Any]] = {}
    for artifact in artifacts:
        is_file = artifact.kind == FILE and artifact.name.endswith(_PARAMETER_ENDINGS)
        if artifact.role != _PARAMETERS or not is_file or artifact.size_bytes > _MOST_BYTES:
            continue
        content = contents[artifact.path]
        if content.tracked is None:
            data = snapshot.reader.read(content.blobs[b""])
        else:
            data = read_blob(artifact.digest)
        if data is not None:
            found[artifact.name] = plain(parse_params(data, name=artifact.name))
    return found


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON can say them: dates and numbers without end become text."""
    text = json.dumps(values, default=str)
    plain_values: dict[str, Any] = json.loads(text, parse_constant=str)
    return plain_values
