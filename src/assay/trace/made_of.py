"""Upwards from a release: gates, channels, artifacts, the runs that made them, data, commit."""

from __future__ import annotations

from typing import Any

from assay.audit.chain import Entry
from assay.core.pointer import Output
from assay.errors import AssayError
from assay.lineage.model import Finding, Node
from assay.pipelines.model import LockEntry, Stage
from assay.releases.channel import ChannelState
from assay.releases.contents import describe
from assay.releases.judge import Signed, require_tag
from assay.releases.release import GIT, Artifact
from assay.releases.stages import digests, is_as_recorded
from assay.trace.builder import Builder, finding_of
from assay.trace.facts import (
    gate_facts,
    parameter_facts,
    release_facts,
    rows_facts,
    run_facts,
    size_facts,
    verdict_words,
)
from assay.trace.sight import Sight, name_of, short

_ROLE_ORDER = ("model", "prompts", "data", "parameters", "environment")


def tell_release(builder: Builder, sight: Sight, *, channel: Signed[ChannelState] | None) -> str:
    """Add a release and everything above it; the id of its node.

    ``channel`` is the state through which it was taken, where there is one.
    """
    release = sight.release
    signed = sight.evidence.release
    finding, because = finding_of(_tag_problem(sight), signed.signed_by)
    id = builder.node(
        Node(
            id=f"release {release.title}",
            kind="release",
            title=release.title,
            facts=release_facts(sight.evidence),
            finding=finding,
            because=because,
        )
    )
    _tell_gates(builder, sight, id)
    if channel is not None:
        _tell_channel(builder, sight, id, channel)
    listed = sorted(
        release.artifacts,
        key=lambda a: _ROLE_ORDER.index(a.role) if a.role in _ROLE_ORDER else len(_ROLE_ORDER),
    )
    for artifact in listed:
        builder.link(id, tell_artifact(builder, sight, artifact), "binds")
    if release.environment:
        builder.link(id, _tell_environment(builder, sight), "was made in")
    builder.link(id, tell_commit(builder, sight), "is bound to")
    return id


def _tag_problem(sight: Sight) -> str:
    try:
        require_tag(sight.evidence)
    except AssayError as error:
        return error.what
    return ""


def _tell_gates(builder: Builder, sight: Sight, release_id: str) -> None:
    for name in sight.release.gates:
        found = sight.evidence.results.get(name)
        id = f"gate {sight.release.title} {name}"
        if found is None:
            stale = sight.evidence.stale.get(name)
            builder.node(
                Node(
                    id=id,
                    kind="gate",
                    title=f"{name}: {'no result that counts' if stale else 'never run'}",
                    finding=Finding.BROKEN if stale else Finding.UNRECORDED,
                    because=stale or "the gate was never run on this release",
                )
            )
        else:
            finding, because = finding_of("", found.signed_by)
            builder.node(
                Node(
                    id=id,
                    kind="gate",
                    title=f"{name}: {verdict_words(found.value)}",
                    facts=gate_facts(found),
                    finding=finding,
                    because=because,
                )
            )
        builder.link(release_id, id, "was judged by")


def _tell_channel(
    builder: Builder, sight: Sight, release_id: str, state: Signed[ChannelState]
) -> None:
    said = state.value
    is_same = said.release_digest == sight.evidence.release.digest
    problem = "" if is_same else "the channel's state binds another release"
    finding, because = finding_of(problem, state.signed_by)
    facts = [("state", str(said.sequence)), (said.action, said.at[:19].replace("T", " "))]
    facts += [("by", state.signed_by)] if state.signed_by else []
    facts += [("reason", said.reason)] if said.reason else []
    id = builder.node(
        Node(
            id=f"channel {said.name}@{said.channel}#{said.sequence}",
            kind="channel",
            title=f"{said.name}@{said.channel}",
            facts=tuple(facts),
            finding=finding,
            because=because,
        )
    )
    builder.link(release_id, id, "was served by")


def _tell_environment(builder: Builder, sight: Sight) -> str:
    said = sight.release.environment
    facts = [("Python", said.get("python", "")), ("system", said.get("system", ""))]
    packages = said.get("packages", "")
    if packages:
        facts.append(("packages", short(packages)))
    return builder.node(
        Node(
            id=f"environment {sight.release.title}",
            kind="environment",
            title=f"of stage {said.get('stage', '')}",
            facts=tuple(facts),
        )
    )


def tell_commit(builder: Builder, sight: Sight) -> str:
    """Add the commit that the release is bound to."""
    commit = sight.snapshot.commit
    found = sight.snapshot.reader.lookup(commit)
    subject, who = "", ""
    if found is not None and found.kind == "commit":
        head, _, text = found.body.decode("utf-8", "replace").partition("\n\n")
        subject = text.split("\n")[0]
        author = next((x for x in head.split("\n") if x.startswith("author ")), "")
        who = author.removeprefix("author ").partition(" <")[0]
    finding, because = finding_of("" if found else "Git does not have it")
    return builder.node(
        Node(
            id=f"commit {commit}",
            kind="commit",
            title=f"{commit[:12]} {subject}".rstrip(),
            facts=(("author", who),) if who else (),
            finding=finding,
            because=because,
        )
    )


# -- artifacts ----------------------------------------------------------------------------


def tell_artifact(builder: Builder, sight: Sight, artifact: Artifact) -> str:
    """Add an artifact, and what it was made of."""
    problem = ""
    try:
        content = sight.content(artifact.path)
        if describe(artifact.role, artifact.path, content) != artifact:
            problem = "the commit has something else at this path than the release binds"
    except AssayError as error:
        problem = error.what
    finding, because = finding_of(problem)
    facts = size_facts(artifact.size_bytes, artifact.file_count, artifact.kind)
    facts += rows_facts(sight.evidence, artifact)
    facts += (("digest", short(artifact.digest.hex())),)
    if artifact.keeper == GIT:
        facts += (("kept", "in Git"),)
    id = builder.node(
        Node(
            id=f"path {name_of(artifact.path)}",
            kind=artifact.role,
            title=artifact.name,
            facts=facts,
            finding=finding,
            because=because,
        )
    )
    tell_making(builder, sight, id, artifact.path, artifact.digest)
    return id


def tell_making(builder: Builder, sight: Sight, id: str, path: bytes, digest: bytes) -> None:
    """Link a path to the run that made it; nothing for what was added or written by hand."""
    making = sight.making(path)
    if making is None:
        return
    stage = making.stage
    try:
        is_same = is_as_recorded(making, path, digest, sight.content)
    except AssayError:  # told where the content is
        is_same = False
    finding, because = finding_of("" if is_same else "the lock recorded other bytes")
    known = builder.has(f"run {stage.address}")
    run_id = _tell_run(builder, sight, stage)
    builder.link(id, run_id, "was made by", finding=finding, because=because)
    entry = sight.entry(stage)
    if entry is not None and not known:
        _tell_inputs(builder, sight, run_id, stage, entry)


def _tell_run(builder: Builder, sight: Sight, stage: Stage) -> str:
    finding, because = Finding.VERIFIED, ""
    facts: tuple[tuple[str, str], ...] = (("command", " && ".join(stage.commands)),)
    try:
        found = sight.run(stage.address)
        if found is None:
            finding, because = Finding.UNRECORDED, "the release carries no record of its run"
        else:
            entry = sight.entry(stage)
            facts = run_facts(found[1])
            problem = _run_problem(found[1], entry)
            if problem:
                finding, because = Finding.BROKEN, problem
    except AssayError as error:
        finding, because = Finding.BROKEN, error.what
    return builder.node(
        Node(
            id=f"run {stage.address}",
            kind="run",
            title=f"stage {stage.address}",
            facts=facts,
            finding=finding,
            because=because,
        )
    )


def _run_problem(run: Entry, entry: LockEntry | None) -> str:
    """What of a run's record contradicts the lock."""
    if entry is None:
        return "the lock does not know the stage"
    for key, items in (("deps", entry.deps), ("outs", entry.outs)):
        if run.body.get(key) != digests(items):
            return f"its {key} are not those of the lock"
    params: dict[str, dict[str, Any]] = {name: dict(v) for name, v in entry.params.items()}
    return "" if run.body.get("params") == params else "its parameters are not those of the lock"


def _tell_inputs(
    builder: Builder, sight: Sight, run_id: str, stage: Stage, entry: LockEntry
) -> None:
    for name, values in entry.params.items():
        id = builder.node(
            Node(
                id=f"parameters {stage.address} {name}",
                kind="parameters",
                title=name,
                facts=parameter_facts(values),
            )
        )
        builder.link(run_id, id, "was set by")
    paths = {dep.name: dep.path for dep in stage.deps}
    for output in entry.deps:
        path = paths.get(output.path)
        if path is not None and output.digest is not None:
            builder.link(run_id, _tell_input(builder, sight, path, output), "read")


def _tell_input(builder: Builder, sight: Sight, path: bytes, output: Output) -> str:
    assert output.digest is not None
    id = f"path {name_of(path)}"
    kind, now = _kind_and_digest(sight, path)
    finding, because = finding_of(
        "" if now == output.digest else "the commit has other bytes than the run read"
    )
    facts = size_facts(
        output.size_bytes or 0, output.file_count or 1, "folder" if output.is_folder else "file"
    )
    builder.node(
        Node(
            id=id,
            kind=kind,
            title=name_of(path),
            facts=(*facts, ("digest", short(output.digest.hex()))),
            finding=finding,
            because=because,
        )
    )
    tell_making(builder, sight, id, path, output.digest)
    return id


def _kind_and_digest(sight: Sight, path: bytes) -> tuple[str, bytes | None]:
    """What sort of input a path is, and what the commit has there."""
    try:
        content = sight.content(path)
    except AssayError:
        return "file", None
    if content.tracked is None:
        return "code", content.digest
    return ("data" if sight.is_added(path) else "file"), content.digest
