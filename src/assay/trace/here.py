"""Upwards from a path of the workspace: whether it is what is recorded, and what made that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.audit.chain import Entry
from assay.core.pointer import Output
from assay.data.access import content_of, find_output
from assay.data.model import Tracked
from assay.errors import AssayError
from assay.lineage.model import Finding, Node
from assay.pipelines.graph import Graph
from assay.pipelines.model import LockEntry, Pipeline, Stage
from assay.pipelines.observe import Observer
from assay.pipelines.plan import is_same
from assay.releases.contents import Content
from assay.releases.stages import entry_of, making_of, matching_run
from assay.trace.builder import Builder, finding_of
from assay.trace.facts import parameter_facts, run_facts, size_facts
from assay.trace.sight import name_of, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The workspace: pipelines, what is tracked, a look at paths, and the runs of this clone.

    ``read_node`` gives the manifest nodes of what is tracked.
    """

    pipelines: Mapping[bytes, Pipeline]
    graph: Graph
    tracked: list[Tracked]
    observer: Observer
    runs: list[Entry]
    read_node: Callable[[bytes], bytes]


def tell_path(builder: Builder, here: Here, path: bytes) -> str:
    """Add a path and everything above it; the id of its node."""
    id = f"path {name_of(path)}"
    if builder.has(id):
        return id
    now = here.observer.at(path, name_of(path))
    found = find_output(here.tracked, path)
    recorded = found[0] if found else None
    finding, because = _compared(now, recorded)
    if found and found[1] and now is not None and finding is Finding.BROKEN:
        finding, because = finding_of(_part_problem(here, *found, now))
    facts: tuple[tuple[str, str], ...] = ()
    if now is not None and now.digest is not None:
        kind = "folder" if now.is_folder else "file"
        facts = size_facts(now.size_bytes or 0, now.file_count or 1, kind)
        facts += (("digest", short(now.digest.hex())),)
    if recorded is not None and not recorded.maker:
        facts += (("recorded in", recorded.pointer_name),)
    builder.node(
        Node(
            id=id,
            kind=_kind(recorded),
            title=name_of(path),
            facts=facts,
            finding=finding,
            because=because,
        )
    )
    making = making_of(here.pipelines.values(), path)
    if making is not None:
        builder.link(id, _tell_stage(builder, here, making.stage), "was made by")
    return id


def _kind(recorded: Tracked | None) -> str:
    if recorded is None:
        return "file"
    return "output" if recorded.maker else "data"


def _part_problem(here: Here, tracked: Tracked, inside: bytes, now: Output) -> str:
    """Why what lies within a tracked folder is not what the folder's manifest has there."""
    try:
        rows, is_file = content_of(tracked, inside, here.read_node)
    except AssayError as error:
        return error.what
    is_same = Content(rows=rows, is_file=is_file).digest == now.digest
    return "" if is_same else f"it is not as {tracked.pointer_name} records it"


def _compared(now: Output | None, recorded: Tracked | None) -> tuple[Finding, str]:
    if recorded is None:
        return finding_of("" if now is not None else "it is not there")
    if now is None:
        return Finding.BROKEN, "it is recorded, but not there"
    if recorded.output.digest is None:
        return Finding.UNRECORDED, "its stage never ran"
    if is_same(recorded.output, now):
        return Finding.VERIFIED, ""
    return Finding.BROKEN, f"it is not as {recorded.pointer_name} records it"


def _tell_stage(builder: Builder, here: Here, stage: Stage) -> str:
    id = f"run {stage.address}"
    if builder.has(id):
        return id
    entry = entry_of(here.pipelines, stage)
    run = matching_run(here.runs, stage, entry) if entry is not None else None
    finding, because = Finding.VERIFIED, ""
    if entry is None:
        finding, because = Finding.UNRECORDED, "it never ran"
    elif run is None:
        finding, because = Finding.UNRECORDED, "this clone has no record of the run that made it"
    builder.node(
        Node(
            id=id,
            kind="run",
            title=f"stage {stage.address}",
            facts=run_facts(run) if run else (("command", " && ".join(stage.commands)),),
            finding=finding,
            because=because,
        )
    )
    if entry is not None:
        _tell_inputs(builder, here, id, stage, entry)
    return id


def _tell_inputs(builder: Builder, here: Here, run_id: str, stage: Stage, entry: LockEntry) -> None:
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
        if path is None:
            continue
        now = here.observer.at(path, output.path)
        same = now is not None and is_same(output, now)
        finding, because = finding_of("" if same else "it is not what the run read")
        builder.link(
            run_id, tell_path(builder, here, path), "read", finding=finding, because=because
        )
