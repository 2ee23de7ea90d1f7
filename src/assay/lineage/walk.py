"""The order in which a graph is told: where to begin, where each node leads on to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from assay.lineage.model import Lineage, Link

Onward = Mapping[str, Sequence[Link]]
"""The links that lead on from each node that has any, in order."""


def onward(lineage: Lineage) -> Onward:
    """All of :meth:`Lineage.below` at once: asking it node by node takes time squared."""
    found: dict[str, list[Link]] = defaultdict(list)
    for link in lineage.links:
        found[link.source].append(link)
    return dict(found)


def beginnings(lineage: Lineage, links: Onward) -> list[str]:
    """The root, then whatever it does not lead to: nothing may be left out of a picture."""
    reached: set[str] = set()
    entered = {link.target for link in lineage.links}
    heads = [node for node in lineage.nodes if node not in entered]
    begun = []
    # The last ones only matter in a graph with a cycle, which still has to be told to its end.
    for start in (lineage.root, *heads, *lineage.nodes):
        if start not in reached:
            begun.append(start)
            _reach(start, links, reached)
    return begun


def _reach(start: str, links: Onward, reached: set[str]) -> None:
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(link.target for link in links.get(node, ()))
