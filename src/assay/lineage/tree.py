"""A lineage graph as a tree for the terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from assay.lineage.flow import Run, Style, Word, flow, paint, phrase
from assay.lineage.legible import columns, legible
from assay.lineage.model import Finding, Lineage, Link
from assay.lineage.walk import beginnings, onward

_FEWEST_COLUMNS = 36
_WIDEST_HANG = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
    branch: str
    last: str
    bar: str
    marks: dict[Finding, str]

    @property
    def blank(self) -> str:
        return " " * len(self.bar)


_DRAWN = _Glyphs(
    branch="├─ ",
    last="└─ ",
    bar="│  ",
    marks={
        Finding.VERIFIED: "✓",
        Finding.UNSIGNED: "·",
        Finding.UNRECORDED: "?",
        Finding.BROKEN: "✗",
    },
)
_TYPED = _Glyphs(
    branch="|- ",
    last="`- ",
    bar="|  ",
    marks={
        Finding.VERIFIED: "+",
        Finding.UNSIGNED: ".",
        Finding.UNRECORDED: "?",
        Finding.BROKEN: "!",
    },
)
_STYLES: dict[Finding, tuple[str, ...]] = {
    Finding.VERIFIED: ("green",),
    Finding.UNSIGNED: ("yellow",),
    Finding.UNRECORDED: ("dim",),
    Finding.BROKEN: ("bold", "red"),
}
_WORDS = {
    Finding.UNSIGNED: "UNSIGNED",
    Finding.UNRECORDED: "unrecorded",
    Finding.BROKEN: "BROKEN",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node is told: what led to it, and what stands to its left."""

    node: str
    link: Link | None = None
    lead: str = ""
    below: str = ""


def as_tree(
    lineage: Lineage, *, width: int, style: Style = lambda text, *_: text, is_ascii: bool = False
) -> str:
    """The graph on lines of at most ``width`` columns, unless a word alone is wider.

    A node has one line of its own, with what is under it; wherever else it is reached, and where
    a chain is too deep for the width, a line refers to that one.  ``style`` is called with a text
    and names of styles ("bold", "dim" and colours).
    """
    return "\n".join(_Teller(lineage, width, style, is_ascii).lines())


class _Teller:
    """What telling one graph has to keep in mind."""

    def __init__(self, lineage: Lineage, width: int, style: Style, is_ascii: bool) -> None:
        self._lineage = lineage
        self._links = onward(lineage)
        self._width = width
        self._deepest = max(2 * len(_DRAWN.bar), width - max(_FEWEST_COLUMNS, width // 2))
        self._style = style
        self._is_ascii = is_ascii
        self._glyphs = _TYPED if is_ascii else _DRAWN
        self._told: set[str] = set()
        self._later: deque[str] = deque(beginnings(lineage, self._links))

    def lines(self) -> Iterator[str]:
        """The whole graph: the root's tree, then what is referred to as being below."""
        while self._later:
            start = self._later.popleft()
            if start not in self._told:
                if self._told:
                    yield ""
                yield from self._tree(start)

    def _tree(self, start: str) -> Iterator[str]:
        waiting = [_Place(start)]  # not recursion: a chain may be longer than Python's stack
        while waiting:
            place = waiting.pop()
            if place.node in self._told:
                yield from self._refer(place, "see above")
            elif len(place.lead) > self._deepest and place.node in self._links:
                self._later.append(place.node)
                yield from self._refer(place, "see below")
            else:
                self._told.add(place.node)
                children = self._children(place)
                yield from self._tell(place, is_parent=bool(children))
                waiting.extend(reversed(children))

    def _children(self, place: _Place) -> list[_Place]:
        links = self._links.get(place.node, ())
        glyphs = self._glyphs
        found = [
            _Place(link.target, link, place.below + glyphs.branch, place.below + glyphs.bar)
            for link in links[:-1]
        ]
        for link in links[-1:]:
            lead, below = place.below + glyphs.last, place.below + glyphs.blank
            found.append(_Place(link.target, link, lead, below))
        return found

    # -- lines ----------------------------------------------------------------------------

    def _tell(self, place: _Place, *, is_parent: bool) -> Iterator[str]:
        node = self._lineage.nodes[place.node]
        lines = list(self._flow(place, [*self._name(place, "bold"), *self._facts(place)]))
        if node.finding in _WORDS and node.because:
            lines += self._reason(place, node.because, node.finding)
        is_said = place.link is not None and (place.link.finding, place.link.because) == (
            node.finding,
            node.because,
        )
        if not is_said:
            lines += self._link(place)
        return self._drawn(place, lines, is_parent=is_parent)

    def _refer(self, place: _Place, where: str) -> Iterator[str]:
        pointer = self._phrase(place, 3, (f"({where})", ("dim",)))
        lines = [*self._flow(place, [*self._name(place), *pointer]), *self._link(place)]
        return self._drawn(place, lines, is_parent=False)

    def _drawn(self, place: _Place, lines: list[list[Run]], *, is_parent: bool) -> Iterator[str]:
        stem = place.below + (self._glyphs.bar[0] if is_parent else "")
        for at, (blanks, *runs) in enumerate(lines):
            lead = stem.ljust(len(place.below) + len(blanks[0])) if at else place.lead
            yield paint([(lead, ("dim",)), *runs], self._style)

    def _flow(self, place: _Place, words: list[Word], *, indent: int = 0) -> Iterator[list[Run]]:
        return flow(words, room=self._room(place), hang=self._hang(place), indent=indent)

    def _link(self, place: _Place) -> Iterator[list[Run]]:
        """Why the link that leads here does not verify, if it does not."""
        link = place.link
        if link is None or link.finding not in _WORDS:
            return iter(())
        said = f"{self._glyphs.marks[link.finding]} {_WORDS[link.finding]} link"
        said += f" ({link.relation})" if link.relation else ""
        said += f": {link.because}" if link.because else ""
        return self._reason(place, said, link.finding)

    def _reason(self, place: _Place, text: str, finding: Finding) -> Iterator[list[Run]]:
        words = [*self._phrase(place, 1, (text, _STYLES[finding]))]
        return self._flow(place, words, indent=self._hang(place))

    # -- words ----------------------------------------------------------------------------

    def _name(self, place: _Place, *styles: str) -> Iterator[Word]:
        node = self._lineage.nodes[place.node]
        mark = (self._glyphs.marks[node.finding], _STYLES[node.finding])
        yield Word(runs=(mark,), gap=0)
        yield from self._phrase(place, 1, (node.kind, ("dim",)))
        yield from self._phrase(place, 2, (node.title, styles))

    def _facts(self, place: _Place) -> Iterator[Word]:
        node = self._lineage.nodes[place.node]
        if node.finding in _WORDS:
            yield from self._phrase(place, 3, (_WORDS[node.finding], _STYLES[node.finding]))
        for at, (name, value) in enumerate(node.facts):
            said = f" {value}" if name and value else value
            comma = "," if at < len(node.facts) - 1 else ""
            runs: list[Run] = [(name, ("dim",)), (said + comma, ())]
            yield from self._phrase(place, 1 if at else 3, *runs)

    def _phrase(self, place: _Place, gap: int, *runs: Run) -> Iterator[Word]:
        room = self._room(place) - self._hang(place)
        return phrase([(self._text(text), styles) for text, styles in runs], room=room, gap=gap)

    def _text(self, text: str) -> str:
        return legible(text, is_ascii=self._is_ascii)

    def _room(self, place: _Place) -> int:
        return self._width - len(place.lead)

    def _hang(self, place: _Place) -> int:
        """The column of the title, as far as the kind leaves it at a reasonable place."""
        title = 2 + columns(self._text(self._lineage.nodes[place.node].kind)) + 2
        return max(2, min(title, _WIDEST_HANG, self._room(place) // 3))
