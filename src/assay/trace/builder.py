"""Building a lineage node by node; what is added twice is one node."""

from __future__ import annotations

from dataclasses import replace

from assay.lineage.model import Direction, Finding, Lineage, Link, Node

_WORSE = (Finding.BROKEN, Finding.UNRECORDED, Finding.UNSIGNED, Finding.VERIFIED)


class Builder:
    """A graph that grows; the first node is its root."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._nodes: dict[str, Node] = {}
        self._links: dict[tuple[str, str, str], Link] = {}

    def node(self, node: Node) -> str:
        """Add a node (a second one of the same id only worsens the finding); its id."""
        known = self._nodes.get(node.id)
        if known is None:
            self._nodes[node.id] = node
        elif _WORSE.index(node.finding) < _WORSE.index(known.finding):
            self._nodes[node.id] = replace(known, finding=node.finding, because=node.because)
        return node.id

    def has(self, id: str) -> bool:
        """Whether a node was added."""
        return id in self._nodes

    def link(
        self,
        source: str,
        target: str,
        relation: str,
        *,
        finding: Finding = Finding.VERIFIED,
        because: str = "",
    ) -> None:
        """Add a link between two nodes that are there."""
        key = (source, target, relation)
        self._links.setdefault(
            key,
            Link(
                source=source,
                target=target,
                relation=relation,
                finding=finding,
                because=because,
            ),
        )

    def lineage(self) -> Lineage:
        """The graph."""
        root = next(iter(self._nodes))
        return Lineage(
            root=root,
            direction=self._direction,
            nodes=dict(self._nodes),
            links=tuple(self._links.values()),
        )


def finding_of(problem: str, signed_by: str | None = None) -> tuple[Finding, str]:
    """``(finding, because)``: broken by a problem, else unsigned where nobody vouches."""
    if problem:
        return Finding.BROKEN, problem
    if signed_by == "":
        return Finding.UNSIGNED, "nobody vouches for it"
    return Finding.VERIFIED, ""
