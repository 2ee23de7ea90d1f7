"""Downwards: from a path or a release to what was made of it, and who was served that."""

from __future__ import annotations

from dataclasses import dataclass

from assay.core.pointer import Output
from assay.data.model import is_at_or_below
from assay.jobs.record import Kept
from assay.lineage.model import Finding, Node
from assay.pipelines.graph import Graph
from assay.releases.judge import Evidence
from assay.releases.ledger import Ledger
from assay.releases.release import Artifact
from assay.trace.builder import Builder, finding_of
from assay.trace.facts import release_facts, size_facts
from assay.trace.job_runs import job_run_node
from assay.trace.sight import name_of, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What downstream is looked for in: the stages of the workspace, what each path holds now,
    every release, and the runs of jobs that this user knows."""

    graph: Graph
    now: dict[bytes, Output]
    ledger: Ledger
    releases: list[Evidence]
    runs: list[Kept]


def tell_uses_of_path(builder: Builder, use: Use, path: bytes) -> str:
    """Add a path of the workspace and what came of it; the id of its node."""
    id = _tell_path(builder, use, path)
    seen = {path}
    pending = [(path, id)]
    while pending:
        current, current_id = pending.pop()
        for evidence in use.releases:
            _tell_binding(builder, use, evidence, current, current_id)
        for address, stage in use.graph.stages.items():
            if not any(_meet(current, read) for read in stage.inputs):
                continue
            stage_id = builder.node(
                Node(
                    id=f"stage {address}",
                    kind="stage",
                    title=address,
                    facts=(("command", " && ".join(stage.commands)),),
                )
            )
            builder.link(current_id, stage_id, "is read by")
            for out in stage.outs:
                out_id = _tell_path(builder, use, out.path)
                builder.link(stage_id, out_id, "writes")
                if out.path not in seen:
                    seen.add(out.path)
                    pending.append((out.path, out_id))
    return id


def _meet(one: bytes, other: bytes) -> bool:
    return is_at_or_below(one, other) or is_at_or_below(other, one)


def _tell_path(builder: Builder, use: Use, path: bytes) -> str:
    found = use.now.get(path)
    facts: tuple[tuple[str, str], ...] = ()
    if found is not None and found.digest is not None:
        kind = "folder" if found.is_folder else "file"
        facts = size_facts(found.size_bytes or 0, found.file_count or 1, kind)
        facts += (("digest", short(found.digest.hex())),)
    return builder.node(
        Node(id=f"path {name_of(path)}", kind="path", title=name_of(path), facts=facts)
    )


def _tell_binding(
    builder: Builder, use: Use, evidence: Evidence, path: bytes, path_id: str
) -> None:
    for artifact in evidence.release.value.artifacts:
        if _meet(path, artifact.path):
            release_id = tell_uses_of_release(builder, use, evidence)
            relation, finding, because = _binding(use, artifact, path)
            builder.link(path_id, release_id, relation, finding=finding, because=because)


def _binding(use: Use, artifact: Artifact, path: bytes) -> tuple[str, Finding, str]:
    """Whether a release binds a path as it is now, or as it was."""
    now = use.now.get(artifact.path) if artifact.path == path else None
    if now is not None and now.digest == artifact.digest:
        return "is bound, as it is now, by", Finding.VERIFIED, ""
    if now is not None:
        return "is bound, as it was then, by", Finding.VERIFIED, ""
    return "lies in what is bound by", Finding.VERIFIED, ""


def tell_uses_of_release(builder: Builder, use: Use, evidence: Evidence) -> str:
    """Add a release, the channels that served it and the runs that used it; its node's id."""
    release = evidence.release
    id = f"release {release.value.title}"
    if builder.has(id):
        return id
    finding, because = finding_of("", release.signed_by)
    builder.node(
        Node(
            id=id,
            kind="release",
            title=release.value.title,
            facts=release_facts(evidence),
            finding=finding,
            because=because,
        )
    )
    for channel in use.ledger.channels(release.value.name):
        _tell_service(builder, use, evidence, channel, id)
    for kept in use.runs:
        if kept.run.release_digest == release.digest:
            builder.link(id, builder.node(job_run_node(kept, use.ledger.trust)), "was used by")
    return id


def _tell_service(
    builder: Builder, use: Use, evidence: Evidence, channel: str, release_id: str
) -> None:
    states = use.ledger.states(evidence.release.value.name, channel)
    mine = [s for s in states if s.value.release_digest == evidence.release.digest]
    if not mine:
        return
    is_now = states[-1].value.release_digest == evidence.release.digest
    last = mine[-1]
    finding, because = finding_of("", last.signed_by)
    id = builder.node(
        Node(
            id=f"channel {last.value.name}@{channel} {evidence.release.value.version}",
            kind="channel",
            title=f"{last.value.name}@{channel}",
            facts=(
                ("serves it", "now" if is_now else "no longer"),
                ("since", last.value.at[:19].replace("T", " ")),
                ("state", str(last.value.sequence)),
            ),
            finding=finding,
            because=because,
        )
    )
    builder.link(release_id, id, "is served by" if is_now else "was served by")
