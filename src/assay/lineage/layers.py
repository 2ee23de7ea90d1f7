"""Which row of the picture each node is in, and in which order it stands there."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

_SWEEPS = 12

Pairs = Sequence[tuple[str, str]]
"""Links as (source, target)."""


class Role(Enum):
    """What a stop is: a node, or where links pass through a row on their way to or from one."""

    NODE = "node"
    TO = "to"
    FROM = "from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place in a row.  Links that share a passage share its stops."""

    node: str
    row: int
    role: Role = Role.NODE

    @property
    def is_node(self) -> bool:
        """Whether there is a card, not only links that pass."""
        return self.role is Role.NODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Rows of stops from left to right, and how each link leads through them, row by row."""

    rows: tuple[tuple[Stop, ...], ...]
    paths: tuple[tuple[Stop, ...], ...]
    above: Mapping[Stop, tuple[Stop, ...]]
    below: Mapping[Stop, tuple[Stop, ...]]


def arranged(beginnings: Sequence[str], links: Pairs, *, widest: int) -> Layers:
    """All that ``beginnings`` lead to, in rows of at most ``widest`` nodes.

    A node stands below all that lead to it: depth is the longest path, a row that would be too
    wide becomes several, and the order in each row comes from the barycentres of its neighbours.
    """
    order = _told_order(beginnings, links)
    rows = _rows(order, links, widest)
    row_of = {node: at for at, row in enumerate(rows) for node in row}
    paths = tuple(_paths(row_of, links))
    stops = [[Stop(node=node, row=at) for node in row] for at, row in enumerate(rows)]
    passing = dict.fromkeys(stop for path in paths for stop in path if not stop.is_node)
    for stop in passing:
        row = stops[stop.row]
        row.insert(len(row) // 2 if stop.role is Role.FROM else len(row), stop)
    above, below = _neighbours(paths)
    ordered = _ordered(stops, above, below)
    return Layers(rows=tuple(map(tuple, ordered)), paths=paths, above=above, below=below)


def _told_order(beginnings: Sequence[str], links: Pairs) -> list[str]:
    """Every node after all that lead to it (as far as there is no cycle)."""
    onward: dict[str, list[str]] = {}
    for source, target in links:
        onward.setdefault(source, []).append(target)
    finished: dict[str, None] = {}
    entered: set[str] = set()
    for start in reversed(beginnings):
        waiting = [start]
        while waiting:
            node = waiting[-1]
            if node in entered:
                finished.setdefault(waiting.pop())
            else:
                entered.add(node)
                waiting += [n for n in onward.get(node, ()) if n not in entered]
    return list(reversed(finished))


def _rows(order: Sequence[str], links: Pairs, widest: int) -> list[list[str]]:
    place = {node: at for at, node in enumerate(order)}
    depth = dict.fromkeys(order, 0)
    for source, target in sorted(links, key=lambda link: place[link[0]]):
        if place[source] < place[target]:
            depth[target] = max(depth[target], depth[source] + 1)
    deep: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in order:
        deep[depth[node]].append(node)
    parents = {source for source, _ in links}
    return [row for layer in deep for row in _split(layer, parents, widest)]


def _split(layer: list[str], parents: set[str], widest: int) -> Iterator[list[str]]:
    """Rows of about the same length; those that lead on are nearest to what they lead to."""
    count = -(-len(layer) // widest)
    if count > 1:
        layer = sorted(layer, key=parents.__contains__)
    for at in range(count):
        yield layer[len(layer) * at // count : len(layer) * (at + 1) // count]


def _paths(row_of: Mapping[str, int], links: Pairs) -> Iterator[tuple[Stop, ...]]:
    """The stops of each link.

    Links to a node that several lead to pass as one on their way there; the others pass as one
    on their way from where they begin.  Else a hundred rows of one file are a hundred lines.
    """
    entries = Counter(target for _, target in links)
    for source, target in links:
        role, node = (Role.TO, target) if entries[target] > 1 else (Role.FROM, source)
        # Only part of a cycle leads up; it is drawn down, as all others.
        upper, lower = sorted((source, target), key=row_of.__getitem__)
        between = range(row_of[upper] + 1, row_of[lower])
        passed = [Stop(node=node, row=at, role=role) for at in between]
        ends = [Stop(node=end, row=row_of[end]) for end in (upper, lower)]
        yield (ends[0], *passed, ends[1])


Neighbours = dict[Stop, tuple[Stop, ...]]


def _neighbours(paths: Sequence[tuple[Stop, ...]]) -> tuple[Neighbours, Neighbours]:
    above: dict[Stop, dict[Stop, None]] = {}
    below: dict[Stop, dict[Stop, None]] = {}
    for path in paths:
        for upper, lower in pairwise(path):
            if upper == lower:  # a link from a node to itself
                continue
            above.setdefault(lower, {})[upper] = None
            below.setdefault(upper, {})[lower] = None
    return (
        {stop: tuple(near) for stop, near in above.items()},
        {stop: tuple(near) for stop, near in below.items()},
    )


# -- the order in each row ----------------------------------------------------------------


def _ordered(rows: list[list[Stop]], above: Neighbours, below: Neighbours) -> list[list[Stop]]:
    """The rows in the order with the fewest crossings that some sweeps came across."""
    best, fewest = rows, -1
    for sweep in range(_SWEEPS):
        rows = _swept(rows, above) if sweep % 2 == 0 else _swept(rows[::-1], below)[::-1]
        crossings = sum(_crossings(upper, lower, below) for upper, lower in pairwise(rows))
        if fewest < 0 or crossings < fewest:
            best, fewest = rows, crossings
        if not crossings:
            break
    return best


def _swept(rows: list[list[Stop]], neighbours: Neighbours) -> list[list[Stop]]:
    """Each row sorted by the mean place of its neighbours in the row before, as now sorted."""
    swept = rows[:1]
    for row in rows[1:]:
        width = max(1, len(swept[-1]) - 1)
        place = {stop: at / width for at, stop in enumerate(swept[-1])}
        # Who has no neighbour there stays about where it is.
        centre = {stop: at / max(1, len(row) - 1) for at, stop in enumerate(row)}
        for stop in row:
            if near := neighbours.get(stop):
                centre[stop] = sum(place[other] for other in near) / len(near)
        swept.append(sorted(row, key=centre.__getitem__))
    return swept


def _crossings(upper: list[Stop], lower: list[Stop], below: Neighbours) -> int:
    place = {stop: at for at, stop in enumerate(lower)}
    ends: list[int] = []
    count = 0
    for stop in upper:
        here = sorted(place[other] for other in below.get(stop, ()))
        for end in here:
            count += len(ends) - bisect_left(ends, end + 1)
        for end in here:
            insort(ends, end)
    return count
