"""The graph of stages: who reads what whom wrote, in which order, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.data.model import is_at_or_below, printable
from assay.errors import Conflict, InvalidInput
from assay.pipelines.model import Stage

Below = Mapping[bytes, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Stages by address, in an order in which each comes after those it reads from.

    ``before`` names for each stage the stages whose outputs it reads.
    """

    stages: Mapping[str, Stage]
    before: Mapping[str, tuple[str, ...]]

    def with_upstream(self, wanted: Iterable[str]) -> list[str]:
        """``wanted`` and everything they need, in order."""
        chosen: set[str] = set()
        pending = list(wanted)
        while pending:
            address = pending.pop()
            if address not in chosen:
                chosen.add(address)
                pending += self.before[address]
        return [address for address in self.stages if address in chosen]

    def downstream(self, start: str) -> list[str]:
        """Everything that needs ``start``, directly or not, in order, without it."""
        reached = {start}
        for address in self.stages:
            if not reached.isdisjoint(self.before[address]):
                reached.add(address)
        return [address for address in self.stages if address in reached and address != start]


def build(stages: Iterable[Stage]) -> Graph:
    """The graph; raises :class:`InvalidInput` for a cycle, :class:`Conflict` for an overlap."""
    by_address = {stage.address: stage for stage in stages}
    writers = _writers(by_address)
    below: dict[bytes, list[str]] = {}
    for path, address in writers.items():
        for holder in _holders(path):
            # A folder that is read holds every output below it.
            below.setdefault(holder, []).append(address)
    before = {
        address: tuple(_read_from(stage, writers, below)) for address, stage in by_address.items()
    }
    order = _ordered(by_address, before)
    return Graph(stages={a: by_address[a] for a in order}, before=before)


def _writers(stages: Mapping[str, Stage]) -> dict[bytes, str]:
    """Output path -> the stage that writes it; no two may overlap."""
    writers: dict[bytes, str] = {}
    for address, stage in stages.items():
        for out in stage.outs:
            other = writers.setdefault(out.path, address)
            if other != address:
                raise _overlap(out.path, out.path, other, address)
    for path, address in writers.items():
        for holder in _holders(path):
            if holder in writers:
                raise _overlap(holder, path, writers[holder], address)
    return writers


def _holders(path: bytes) -> Iterable[bytes]:
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _overlap(outer: bytes, inner: bytes, first: str, second: str) -> Conflict:
    shown = printable(inner)
    return Conflict(
        "stage-output-overlap",
        f"{shown} would be written by stages {first!r} and {second!r}."
        if outer == inner
        else f"{shown} of stage {second!r} lies inside {printable(outer)} of stage {first!r}.",
        why="One file cannot belong to two outputs.",
        fix="Give each stage an output of its own.",
        paths=(shown,),
    )


def _read_from(stage: Stage, writers: Mapping[bytes, str], below: Below) -> Iterable[str]:
    found: dict[str, None] = {}
    for path in stage.inputs:
        for place in (path, *_holders(path)):
            if place in writers:
                found[writers[place]] = None
        found.update(dict.fromkeys(below.get(path, ())))
    found.pop(stage.address, None)
    return found


def _ordered(stages: Mapping[str, Stage], before: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Depth first in the order of the file, without recursion: a chain may be long."""
    order: dict[str, None] = {}
    open_: dict[str, None] = {}
    for start in stages:
        pending = [(start, False)]
        while pending:
            address, is_done = pending.pop()
            if is_done:
                del open_[address]
                order[address] = None
            elif address in open_:
                raise _cycle([*list(open_)[list(open_).index(address) :], address])
            elif address not in order:
                open_[address] = None
                pending.append((address, True))
                pending += [(other, False) for other in reversed(before[address])]
    return list(order)


def _cycle(around: list[str]) -> InvalidInput:
    return InvalidInput(
        "pipeline-cycle",
        f"The pipeline goes in a circle: {' -> '.join(reversed(around))}.",
        why="Each of these stages needs what another of them writes.",
        fix="Take one dependency out, or split a stage.",
    )


def refuse_tracked(
    graph: Graph, pointers: Mapping[bytes, str], in_git: Iterable[bytes] = ()
) -> None:
    """Raise :class:`Conflict` where an output is tracked by a pointer, or by Git.

    ``pointers`` maps tracked paths to their pointers; ``in_git`` holds paths in Git's index.
    """
    held = set(in_git)
    for address, stage in graph.stages.items():
        for out in stage.outs:
            shown = printable(out.path)
            for path, pointer in pointers.items():
                if is_at_or_below(path, out.path) or is_at_or_below(out.path, path):
                    raise Conflict(
                        "stage-output-tracked",
                        f"{shown} of stage {address!r} is tracked by {pointer} as well.",
                        why="A path is either data that was added or what a stage makes.",
                        fix=f"Delete {pointer}, or take {shown} out of the stage's outputs.",
                        paths=(shown, pointer),
                    )
            if out.is_cached and out.path in held:
                raise Conflict(
                    "stage-output-in-git",
                    f"{shown} of stage {address!r} is tracked by Git.",
                    why="A file belongs to Git or to assay, not to both.",
                    fix=f"git rm -r --cached {shown}; or let Git keep it with `cache: false`.",
                    paths=(shown,),
                )
