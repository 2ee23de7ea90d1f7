"""Words flowing into lines of a given width, each run of a word in its own style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from assay.lineage.legible import columns

Style = Callable[..., str]
"""``style(text, *styles)``: the text as the terminal shows it bold, dim or in a colour."""

Run = tuple[str, tuple[str, ...]]
"""A piece of text, and the names of its styles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What stays on one line, after ``gap`` blanks unless it begins the line."""

    runs: tuple[Run, ...]
    gap: int = 1

    @property
    def columns(self) -> int:
        """How wide it is."""
        return sum(columns(text) for text, _ in self.runs)


def phrase(runs: Iterable[Run], *, room: int, gap: int) -> Iterator[Word]:
    """The runs side by side as one word if ``room`` columns hold it, else broken at its blanks."""
    whole = Word(runs=tuple(runs), gap=gap)
    if whole.columns <= room:
        yield whole
        return
    pending: list[Run] = []
    for text, styles in whole.runs:
        for place, part in enumerate(text.split(" ")):
            if place:
                yield Word(runs=tuple(pending), gap=gap)
                pending, gap = [], 1
            pending.append((part, styles))
    yield Word(runs=tuple(pending), gap=gap)


def flow(words: Iterable[Word], *, room: int, hang: int, indent: int = 0) -> Iterator[list[Run]]:
    """Lines of at most ``room`` columns, unless a word alone is wider.

    The first line is indented by ``indent`` columns, all others by ``hang``.
    """
    line: list[Run] = []
    at = 0
    for word in words:
        if line and at + word.gap + word.columns > room:
            yield line
            line, at, indent = [], 0, hang
        lead = word.gap if line else indent
        line += [(" " * lead, ()), *word.runs]
        at += lead + word.columns
    if line:
        yield line


def paint(line: Iterable[Run], style: Style) -> str:
    """A line with its styles; neighbours of the same style are painted together."""
    merged = (
        ("".join(text for text, _ in runs), styles)
        for styles, runs in groupby(filter(itemgetter(0), line), key=itemgetter(1))
    )
    return "".join(style(text, *styles) if styles else text for text, styles in merged)
