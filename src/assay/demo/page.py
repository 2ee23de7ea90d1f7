"""How the demo looks: headings, commands with their times, what they said, claims and tables."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

from assay.demo.console import Console
from assay.demo.painted import behind, wrapped

WIDEST = 98
_NARROWEST = 52
_MOST_CELLS = 30
_REMARK_COLUMNS = 21
_LONG_DIGEST = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{54}\b|(SHA256:[\w+/]{10})[\w+/]{33}(?![\w+/])")


class Page:
    """Prints a story onto a console.  Nothing moves: what is printed stays as it is."""

    def __init__(self, console: Console, *, folder: str) -> None:
        self._console = console
        self._folder = folder
        self._style = console.style
        columns = shutil.get_terminal_size((WIDEST + 2, 24)).columns
        self.width = max(_NARROWEST, min(WIDEST, columns - 2))
        self._is_silent = console.is_json or console.is_quiet
        self._encoding = getattr(console.stdout, "encoding", None) or "utf-8"
        self._is_ascii = not _can_encode(self._encoding)
        self._glyphs = _PLAIN_GLYPHS if self._is_ascii else _GLYPHS
        self._pending = 0

    @property
    def arrow(self) -> str:
        """A sign for "means"."""
        return self._glyphs["arrow"]

    @property
    def more(self) -> str:
        """A sign for what was left out."""
        return self._glyphs["more"]

    @property
    def is_colored(self) -> bool:
        """Whether the terminal shows colours."""
        return self._style("x", "dim") != "x"

    @property
    def encoding(self) -> str:
        """What commands should print in; UTF-8 or, for a terminal without the signs, ASCII."""
        return "ascii" if self._is_ascii else "utf-8"

    @property
    def output_width(self) -> int:
        """The columns that a command's output has."""
        return self.width - 6

    # -- the parts of a chapter -----------------------------------------------------------

    def title(self, name: str, text: str, place: str) -> None:
        """The top of the page."""
        self._line()
        self._line(f"  {self._style(name, 'bold', 'green')}  {text}")
        self._line(f"  {' ' * len(name)}  {self._style(place, 'dim')}")

    def heading(self, number: int, title: str) -> None:
        """Begin a chapter."""
        *lines, last = wrapped(f"{number:2}  {title}", self.width - 4)
        rule = self._glyphs["rule"] * (self.width - len(last) - 3)
        self._line()
        for line in lines:
            self._line(f"  {self._style(line, 'bold', 'cyan')}")
        self._line(f"  {self._style(last, 'bold', 'cyan')} {self._style(rule, 'dim')}")
        self._line()

    def closing(self, title: str) -> None:
        """Begin what comes after the last chapter."""
        self._line()
        self._line(f"  {self._style(title, 'bold', 'cyan')}")
        self._line()

    def begin(self, text: str, *, folder: str = "") -> None:
        """Say what is about to run, before it does; :meth:`end` says what it took."""
        prompt = f"{folder} $" if folder else self._glyphs["work"]
        room = self.width - len(prompt) - 14
        *lines, last = _broken_lines(text, room) if folder else wrapped(text, room)
        indent = "  "
        for place, line in enumerate([*lines, last]):
            shown = prompt if place == 0 else " " * len(prompt)
            self._write("\n" if place else "")
            self._write(f"{indent}{self._style(shown, 'dim')} {self._style(line, 'bold')}")
        self._pending = len(f"{indent}{prompt} {last}")

    def end(self, seconds: float, *, exit_code: int = 0) -> None:
        """Finish the line of :meth:`begin`; the exit code is said where it is not 0."""
        took, ended = f"{seconds:.2f} s", f"exit {exit_code}  " if exit_code else ""
        blanks = self.width - self._pending - len(ended) - len(took)
        if blanks < 1:
            self._line()
            blanks = self.width - len(ended) - len(took)
        shown = self._style(ended, "bold", "yellow") if ended else ""
        self._line(" " * blanks + shown + self._style(took, "dim"))

    def broken(self) -> None:
        """Finish the line of :meth:`begin` when there is no time to tell."""
        self._line()

    def output(self, lines: Sequence[str], *, bright: bool = False) -> None:
        """What a command said, in its own colours: in the background unless ``bright``."""
        bar = self._style(self._glyphs["bar"], "dim")
        for line in lines:
            for part in wrapped(self.shortened(line), self.output_width):
                shown = part if bright else self._faint(part)
                self._line(f"    {bar} {shown}".rstrip())

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

    def bars(self, rows: Sequence[tuple[str, float, str]]) -> None:
        """Labels with seconds, a bar as long as each took, and a remark."""
        longest = max((seconds for _, seconds, _ in rows), default=0.0) or 1.0
        room = max((len(label) for label, _, _ in rows), default=0)
        cells = min(_MOST_CELLS, self.width - room - _REMARK_COLUMNS - 18)
        for label, seconds, remark in rows:
            length = max(1, round(seconds / longest * cells))
            bar = (self._glyphs["block"] * length).ljust(cells)
            painted = f"{self._style(bar, 'cyan')}  {self._style(remark, 'dim')}"
            self._line(f"    {label.ljust(room)}  {seconds:6.2f} s  {painted.rstrip()}")

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
        text = _LONG_DIGEST.sub(rf"\1\2{self.more}", text)
        return text.replace(self._folder + "/", "").expandtabs(4).rstrip()

    def _faint(self, text: str) -> str:
        """In the background, with what is coloured in it standing out."""
        if not self.is_colored:
            return text
        return behind(text, self._style("x", "dim").split("x")[0])

    def _wrapped(self, text: str, mark: str, style: str) -> None:
        for place, line in enumerate(wrapped(text, self.output_width)):
            shown = " " if place else self._style(mark, style) if style else mark
            self._line(f"    {shown} {line}")

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


def _can_encode(encoding: str) -> bool:
    try:
        "".join(_GLYPHS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
