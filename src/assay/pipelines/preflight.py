"""Before any stage starts: every input is there and is what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterable

from assay.data.model import Tracked, is_at_or_below, printable
from assay.data.outputs import Selection
from assay.data.status import part_difference
from assay.errors import Conflict, NotFound
from assay.git.ignore import is_tracked
from assay.pipelines.graph import Graph, refuse_tracked
from assay.pipelines.model import Dependency, Stage
from assay.pipelines.observe import Observer
from assay.pipelines.params import require_params


def preflight(
    graph: Graph,
    to_run: Iterable[str],
    everything: list[Tracked],
    observer: Observer,
    *,
    uses_git: bool,
) -> None:
    """Verify the inputs of the stages that may run, by their digests.

    What an earlier one of these stages writes is left to it.  Raises :class:`NotFound`
    ``stage-input-missing``, :class:`Conflict` ``stage-input-changed`` and others that name the
    stage, before anything has changed.
    """
    chosen = [graph.stages[address] for address in to_run]
    made = {out.path for stage in chosen for out in stage.outs}
    for stage in chosen:
        for dep in stage.deps:
            if not any(_meet(dep.path, path) for path in made):
                _require_input(stage, dep, everything, observer)
        written = [p for p in stage.params if not any(_meet(p.path, path) for path in made)]
        require_params(observer.workspace.root, tuple(written), stage.address)
    if uses_git and chosen:
        outs = [out.path for stage in chosen for out in stage.outs if out.is_cached]
        some = Graph(stages={stage.address: stage for stage in chosen}, before={})
        refuse_tracked(some, {}, is_tracked(observer.workspace.root, outs) if outs else ())


def _meet(one: bytes, other: bytes) -> bool:
    return is_at_or_below(one, other) or is_at_or_below(other, one)


def _require_input(
    stage: Stage, dep: Dependency, everything: list[Tracked], observer: Observer
) -> None:
    recorded = [t for t in everything if _meet(t.path, dep.path) and t.output.digest is not None]
    if observer.at(dep.path, dep.name) is None:
        known = recorded[0] if recorded else None
        raise NotFound(
            "stage-input-missing",
            f"Stage {stage.address!r} depends on {dep.name}, which is not there.",
            why="Nothing was run: every input is looked at before the first stage starts.",
            fix=f"Bring it with `assay pull {known.name}`."
            if known
            else "Create it, or correct the stage's `deps`.",
            paths=(printable(dep.path),),
        )
    for tracked in recorded:
        if _differs(dep, tracked, observer):
            raise _changed(stage, dep, tracked)


def _differs(dep: Dependency, tracked: Tracked, observer: Observer) -> bool:
    if is_at_or_below(tracked.path, dep.path):
        now = observer.at(tracked.path, tracked.output.path)
        return now is None or (now.digest, now.is_folder) != (
            tracked.output.digest,
            tracked.output.is_folder,
        )
    inside = dep.path[len(tracked.path) + 1 :]
    whole = observer.at(tracked.path, tracked.output.path)
    if whole is not None and whole.digest == tracked.output.digest:
        return False
    selection = Selection(tracked=tracked, inside=inside)
    return bool(part_difference(observer.workspace, selection, progress=observer.progress))


def _changed(stage: Stage, dep: Dependency, tracked: Tracked) -> Conflict:
    record = tracked.pointer_name
    keep = f"`assay repro {tracked.maker}`" if tracked.maker else f"`assay add {tracked.name}`"
    return Conflict(
        "stage-input-changed",
        f"{dep.name}, an input of stage {stage.address!r}, is not as {record} records it.",
        why="A run on data that nobody recorded could never be traced or repeated.",
        fix=f"Record what is there with {keep}, or bring back what was recorded with "
        f"`assay checkout {tracked.name}`.",
        paths=(tracked.name,),
    )
