"""The stages behind a release: which of them made its artifacts, and the records of their runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assay.audit.chain import Entry
from assay.core.dialect import Dialect
from assay.core.pointer import Output
from assay.data.model import is_at_or_below
from assay.git.objects import ObjectReader
from assay.pipelines.graph import Graph, build
from assay.pipelines.model import LockEntry, Pipeline, Stage
from assay.pipelines.tracked import StageFiles, recorded_outputs
from assay.releases.contents import Content

_MOST_BYTES = 64 << 20


def pipelines_at(reader: ObjectReader, commit: str, dialect: Dialect) -> dict[bytes, Pipeline]:
    """Every pipeline of a commit by its folder, with its lock."""
    files = StageFiles(dialect)
    blobs: dict[bytes, str] = {
        path: oid
        for path, _, oid in reader.list_tree(commit, files.names)
        if path.rpartition(b"/")[2] in files.names
    }

    def open_file(path: bytes) -> bytes | None:
        oid = blobs.get(path)
        return None if oid is None else reader.read(oid, max_bytes=_MOST_BYTES)

    for folder in sorted({path.rpartition(b"/")[0] for path in blobs}):
        files.read(folder, open_file, strict=True)
    return files.loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What wrote a path: a stage, the output of it that is or holds the path, and what the lock
    recorded of that output (None: no run of the stage is recorded)."""

    stage: Stage
    path: bytes
    recorded: Output | None


def making_of(pipelines: Iterable[Pipeline], path: bytes) -> Making | None:
    """What wrote ``path``, or the folder that it lies in; None for what no stage writes."""
    for pipeline in pipelines:
        for stage in pipeline.stages.values():
            for out in stage.outs:
                if is_at_or_below(path, out.path):
                    recorded = recorded_outputs(stage, pipeline.entry(stage)).get(out.path)
                    return Making(stage=stage, path=out.path, recorded=recorded)
    return None


def is_as_recorded(
    making: Making, path: bytes, digest: bytes, look: Callable[[bytes], Content]
) -> bool:
    """Whether a commit has at ``path``, of ``digest``, what the run recorded that wrote it.

    ``look`` gives what lies at a path of the commit.
    """
    recorded = making.recorded
    if recorded is None or recorded.digest is None:
        return False
    if path == making.path:
        return recorded.digest == digest
    whole = look(making.path)
    # What the cache keeps was itself found through the lock; only Git may have something else.
    return whole.tracked is not None or whole.digest == recorded.digest


def graph_of(pipelines: Mapping[bytes, Pipeline]) -> Graph:
    """The graph over all pipelines."""
    return build(stage for p in pipelines.values() for stage in p.stages.values())


def stages_behind(graph: Graph, paths: Iterable[bytes]) -> list[str]:
    """The stages that made any of ``paths``, and everything those stages needed, in order."""
    wanted = list(paths)
    makers = [
        address
        for address, stage in graph.stages.items()
        if any(
            is_at_or_below(out.path, path) or is_at_or_below(path, out.path)
            for out in stage.outs
            for path in wanted
        )
    ]
    return graph.with_upstream(makers)


def entry_of(pipelines: Mapping[bytes, Pipeline], stage: Stage) -> LockEntry | None:
    """What the lock has of a stage."""
    return pipelines[stage.pipeline_path.rpartition(b"/")[0]].entry(stage)


def matching_run(runs: Iterable[Entry], stage: Stage, entry: LockEntry) -> Entry | None:
    """The newest run (``runs`` come newest first) that made exactly what the lock records."""
    for run in runs:
        body = run.body
        if (
            body.get("stage") == stage.address
            and body.get("outcome") == "ok"
            and body.get("deps") == digests(entry.deps)
            and body.get("outs") == digests(entry.outs)
            and body.get("params") == {name: dict(v) for name, v in entry.params.items()}
        ):
            return run
    return None


def digests(outputs: Iterable[Output]) -> dict[str, str]:
    """Digests by path, as run records have them."""
    return {
        item.path: item.digest.hex() + (".dir" if item.is_folder else "")
        for item in outputs
        if item.digest is not None
    }


def undeclared_files(graph: Graph, stages: Iterable[str], tracked: set[bytes]) -> list[bytes]:
    """Inputs of stages that neither a stage makes nor data tracking keeps: Git must have them."""
    made = {out.path for stage in graph.stages.values() for out in stage.outs}
    held = made | tracked
    found: dict[bytes, None] = {}
    for address in stages:
        for path in graph.stages[address].inputs:
            if not any(is_at_or_below(path, top) or is_at_or_below(top, path) for top in held):
                found[path] = None
    return list(found)
