"""How the demo looks: headings, commands with their times, what they said, claims and tables."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence

from assay.demo.console import Console

WIDEST = 96
_NARROWEST = 72
_BAR_CELLS = 10
_LONG_DIGEST = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{54}\b")


class Page:
    """Prints a story onto a console.  Nothing moves: what is printed stays as it is."""

    def __init__(self, console: Console, *, folder: str) -> None:
        self._console = console
        self._folder = folder
        self._style = console.style
        columns = shutil.get_terminal_size((WIDEST, 24)).columns
        self.width = max(_NARROWEST, min(WIDEST, columns - 2))
        self._is_silent = console.is_json or console.is_quiet
        self._encoding = getattr(console.stdout, "encoding", None) or "utf-8"
        self._glyphs = _GLYPHS if _can_encode(self._encoding) else _PLAIN_GLYPHS
        self._pending = 0

    @property
    def arrow(self) -> str:
        """A sign for "means"."""
        return self._glyphs["arrow"]

    @property
    def more(self) -> str:
        """A sign for what was left out."""
        return self._glyphs["more"]

    # -- the parts of a chapter -----------------------------------------------------------

    def title(self, name: str, text: str, place: str) -> None:
        """The top of the page."""
        self._line()
        self._line(f"  {self._style(name, 'bold', 'green')}  {text}")
        self._line(f"  {' ' * len(name)}  {self._style(place, 'dim')}")

    def heading(self, number: int, title: str) -> None:
        """Begin a chapter."""
        rule = self._glyphs["rule"] * (self.width - len(title) - 6)
        label = f"{number}  {title}"
        self._line()
        self._line(f"  {self._style(label, 'bold', 'cyan')} {self._style(rule, 'dim')}")
        self._line()

    def closing(self, title: str) -> None:
        """Begin what comes after the last chapter."""
        self._line()
        self._line(f"  {self._style(title, 'bold', 'cyan')}")
        self._line()

    def begin(self, text: str, *, folder: str = "") -> None:
        """Say what is about to run, before it does; :meth:`end` says what it took."""
        prompt = f"{folder} $" if folder else self._glyphs["work"]
        *lines, last = _broken_lines(text, self.width - len(prompt) - 14)
        indent = "  "
        for place, line in enumerate([*lines, last]):
            shown = prompt if place == 0 else " " * len(prompt)
            self._write("\n" if place else "")
            self._write(f"{indent}{self._style(shown, 'dim')} {self._style(line, 'bold')}")
        self._pending = len(f"{indent}{prompt} {last}")

    def end(self, seconds: float) -> None:
        """Finish the line of :meth:`begin`."""
        took = f"{seconds:.2f} s"
        blanks = self.width - self._pending - len(took)
        if blanks < 1:
            self._line()
            blanks = self.width - len(took)
        self._line(" " * blanks + self._style(took, "dim"))

    def broken(self) -> None:
        """Finish the line of :meth:`begin` when there is no time to tell."""
        self._line()

    def output(self, lines: Sequence[str]) -> None:
        """What a command said."""
        for line in lines:
            self._wrapped(self.shortened(line), self._glyphs["bar"], "dim")

    def fact(self, text: str) -> None:
        """Something that was measured."""
        self._wrapped(text, " ", "")

    def check(self, claim: str, *, holds: bool) -> None:
        """A claim, and whether it is so."""
        mark, color = ("yes", "green") if holds else ("no", "red")
        self._wrapped(claim, self._glyphs[mark], color)

    def table(self, rows: Sequence[Sequence[str]], *, head: Sequence[str] = ()) -> None:
        """Rows in columns: the first one to the left, the others to the right."""
        every = [*([head] if head else []), *rows]
        widths = [max(map(len, column)) for column in zip(*every, strict=True)]
        for row in every:
            first, *others = zip(row, widths, strict=True)
            cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
            line = "      " + "  ".join(cells)
            self._line(self._style(line, "dim") if row is head else line)

    def bars(self, rows: Sequence[tuple[str, float, Sequence[str]]]) -> None:
        """Commands with seconds, a bar as long as each took, and what they said."""
        longest = max((seconds for _, seconds, _ in rows), default=0.0) or 1.0
        room = 30
        for text, seconds, said in rows:
            label = _cut(text, room, self.more).ljust(room)
            length = max(1, round(seconds / longest * _BAR_CELLS))
            bar = (self._glyphs["block"] * length).ljust(_BAR_CELLS)
            left = self.width - room - _BAR_CELLS - 18
            gist = textwrap.shorten(self.shortened(" ".join(said)), left, placeholder=self.more)
            painted = f"{self._style(bar, 'cyan')}  {self._style(gist, 'dim')}"
            self._line(f"    {label} {seconds:6.2f} s  {painted.rstrip()}")

    def blank(self) -> None:
        """An empty line."""
        self._line()

    def conclusion(self, text: str, *, good: bool = False) -> None:
        """A line of the verdict, which is printed even when quiet."""
        if not self._console.is_json:
            mark = self._style(self._glyphs["yes"], "bold", "green") + " " if good else ""
            self._console.print(f"  {mark}{text}")

    # -- printing -------------------------------------------------------------------------

    def shortened(self, text: str) -> str:
        """A line of output with digests and the demo's own folder cut short."""
        text = _LONG_DIGEST.sub(rf"\1{self.more}", text)
        return text.replace(self._folder + "/", "").expandtabs(4).rstrip()

    def _wrapped(self, text: str, mark: str, style: str) -> None:
        lines = textwrap.wrap(
            text, self.width - 6, break_long_words=True, break_on_hyphens=False
        ) or [""]
        is_output = style == "dim"
        for place, line in enumerate(lines):
            shown = mark if place == 0 or is_output else " "
            painted = self._style(shown, style) if style and shown.strip() else shown
            self._line(f"    {painted} {self._style(line, 'dim') if is_output else line}")

    def _line(self, text: str = "") -> None:
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        if not self._is_silent:
            stream = self._console.stdout
            stream.write(text.encode(self._encoding, "backslashreplace").decode(self._encoding))
            stream.flush()


_GLYPHS = {
    "rule": "─",
    "bar": "│",
    "work": "·",
    "yes": "✓",
    "no": "✗",
    "block": "━",
    "more": "…",
    "arrow": "→",
}
_PLAIN_GLYPHS = {
    "rule": "-",
    "bar": "|",
    "work": "-",
    "yes": "+",
    "no": "!",
    "block": "=",
    "more": "..",
    "arrow": "->",
}


def _broken_lines(command: str, width: int) -> list[str]:
    """A command on lines of at most ``width`` columns, where it has `&&` to break it at."""
    lines = [""]
    for part in re.split(r"(?<= && )", command):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("  ")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _cut(text: str, width: int, more: str) -> str:
    """``text`` in at most ``width`` columns, with a sign in its middle where it was cut."""
    if len(text) <= width:
        return text
    kept = width - len(more)
    return text[: kept - kept // 2] + more + text[len(text) - kept // 2 :]


def _can_encode(encoding: str) -> bool:
    try:
        "".join(_GLYPHS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
