"""How far to the right each stop of a picture's rows stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import inf

from assay.lineage.layers import Layers, Role, Stop

_CARD_GAP = 28.0
_PASSING_GAP = 22.0
_ROUNDS = 10
_STRAIGHTENINGS = 3


def centres(layers: Layers, widths: Mapping[str, float]) -> dict[Stop, float]:
    """The middle of each stop: in its row's order, as near to its neighbours as there is room.

    Links that pass through rows do so in as few bends as possible.
    """
    x: dict[Stop, float] = {}
    rows = [(row, [_gap(a, b, widths) for a, b in pairwise(row)]) for row in layers.rows]
    for row, gaps in rows:
        x.update(zip(row, spaced([0.0] * len(row), gaps), strict=True))
    for _ in range(_ROUNDS):
        _settle(rows[::-1], (layers.below,), x)
        _settle(rows, (layers.above,), x)
    _settle(rows, (layers.above, layers.below), x)
    for _ in range(_STRAIGHTENINGS):
        _straighten(rows, x)
    left = min(at - (widths[stop.node] / 2 if stop.is_node else 0.0) for stop, at in x.items())
    return {stop: at - left for stop, at in x.items()}


def spaced(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Positions with at least the given gap between neighbours, nearest to the wanted ones.

    Nearest in the sum of squares.  With the gaps subtracted this is isotonic regression, which
    pooling adjacent violators solves: whoever would have to change places meets in the middle.
    """
    offsets = list(accumulate(gaps, initial=0.0))
    pools: list[tuple[float, int]] = []  # sum and number of those that move as one
    for place, offset in zip(wanted, offsets, strict=True):
        total, count = place - offset, 1
        while pools and pools[-1][0] * count >= total * pools[-1][1]:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    starts = [total / count for total, count in pools for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


_Row = tuple[tuple[Stop, ...], list[float]]


def _gap(left: Stop, right: Stop, widths: Mapping[str, float]) -> float:
    """The least distance between the middles of two neighbours in a row."""
    halves = [widths[stop.node] / 2 for stop in (left, right) if stop.is_node]
    return sum(halves) + (_CARD_GAP if len(halves) == 2 else _PASSING_GAP)


def _settle(
    rows: Iterable[_Row], sides: Sequence[Mapping[Stop, tuple[Stop, ...]]], x: dict[Stop, float]
) -> None:
    """Move each row to where its neighbours on the given sides are."""
    for row, gaps in rows:
        wanted = []
        for stop in row:
            near = [x[other] for side in sides for other in side.get(stop, ())]
            wanted.append(sum(near) / len(near) if near else x[stop])
        x.update(zip(row, spaced(wanted, gaps), strict=True))


def _straighten(rows: Sequence[_Row], x: dict[Stop, float]) -> None:
    """Move the stops of each passage onto one vertical as far as their neighbours leave room."""
    room: dict[Stop, tuple[Stop | None, float, Stop | None, float]] = {}
    passages: dict[tuple[str, Role], list[Stop]] = defaultdict(list)
    for row, gaps in rows:
        sides = zip([None, *row], [0.0, *gaps], row, [*row[1:], None], [*gaps, 0.0], strict=False)
        for before, gap_before, stop, after, gap_after in sides:
            if not stop.is_node:
                room[stop] = (before, gap_before, after, gap_after)
                passages[stop.node, stop.role].append(stop)
    for passage in passages.values():
        for run, low, high in _runs(passage, room, x):
            middle = sum(x[stop] for stop in run) / len(run)
            x.update(dict.fromkeys(run, min(max(middle, low), high)))


def _runs(
    passage: Iterable[Stop],
    room: Mapping[Stop, tuple[Stop | None, float, Stop | None, float]],
    x: Mapping[Stop, float],
) -> Iterator[tuple[list[Stop], float, float]]:
    """The longest stretches that have room for one vertical, and from where to where it may be."""
    run: list[Stop] = []
    low, high = -inf, inf
    for stop in passage:
        before, gap_before, after, gap_after = room[stop]
        least = -inf if before is None else x[before] + gap_before
        most = inf if after is None else x[after] - gap_after
        if run and max(low, least) > min(high, most):
            yield run, low, high
            run, low, high = [], -inf, inf
        run.append(stop)
        low, high = max(low, least), min(high, most)
    if run:
        yield run, low, high
