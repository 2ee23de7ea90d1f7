"""Nouns of lineage: nodes, the links between them, and what verifying each link found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Finding(StrEnum):
    """What verification found about one node or link.

    ``UNSIGNED`` holds as far as digests reach, but nobody vouches for it.  ``UNRECORDED`` says
    that nothing was recorded there to begin with; only ``BROKEN`` means that something is wrong.
    """

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    UNRECORDED = "unrecorded"
    BROKEN = "broken"


class Direction(StrEnum):
    """Which way a lineage is told."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in the graph.

    ``kind`` is a word of the glossary (``prediction``, ``job run``, ``release``, ``gate``,
    ``channel``, ``model``, ``run``, ``parameters``, ``data``, ``row``, ``commit`` …); ``title`` is
    what it is called, ``facts`` are (name, value) pairs for people, ``because`` says in one
    sentence why the finding is what it is.
    """

    id: str
    kind: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    finding: Finding = Finding.VERIFIED
    because: str = ""

    def as_dict(self) -> dict[str, object]:
        """The node as ``--json`` has it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "facts": dict(self.facts),
            "finding": str(self.finding),
            "because": self.because,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that leads on from ``source`` to ``target``, both ids of nodes.

    ``relation`` is the verb for people, read from source to target.
    """

    source: str
    target: str
    relation: str
    finding: Finding = Finding.VERIFIED
    because: str = ""

    def as_dict(self) -> dict[str, object]:
        """The link as ``--json`` has it."""
        return {
            "from": self.source,
            "to": self.target,
            "relation": self.relation,
            "finding": str(self.finding),
            "because": self.because,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A graph told from ``root``: what it was made from (up), or what came of it (down).

    ``nodes`` has every node by its id.  Nodes and links are in the order in which they should be
    told.
    """

    root: str
    direction: Direction
    nodes: Mapping[str, Node]
    links: tuple[Link, ...] = field(default=())

    def __post_init__(self) -> None:
        ends = {self.root, *(e for link in self.links for e in (link.source, link.target))}
        lost = sorted(ends - self.nodes.keys())
        if lost or any(id != node.id for id, node in self.nodes.items()):
            raise ValueError(f"a lineage without the nodes that it names: {lost[:3]}")

    @property
    def broken(self) -> list[Node | Link]:
        """Everything that did not verify."""
        found: list[Node | Link] = [n for n in self.nodes.values() if n.finding is Finding.BROKEN]
        return found + [link for link in self.links if link.finding is Finding.BROKEN]

    def as_dict(self) -> dict[str, object]:
        """The whole graph as ``--json`` has it."""
        return {
            "root": self.root,
            "direction": str(self.direction),
            "verified": not self.broken,
            "nodes": [node.as_dict() for node in self.nodes.values()],
            "links": [link.as_dict() for link in self.links],
        }
