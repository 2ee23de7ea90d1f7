"""What a command may do with the terminal: print results, tables, JSON, notes and warnings.

Results go to standard output; everything about them goes to standard error.  Names from the file
system may hold any bytes, so they are shown with control characters and stray bytes escaped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from assay.core.progress import SILENT, Progress

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Console:
    """The terminal as one command sees it.

    ``is_json``: only :meth:`json` writes to standard output.  ``is_quiet``: no notes and no
    progress.  ``verbosity`` counts `-v`.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        color: str = "auto",
        is_json: bool = False,
        is_quiet: bool = False,
        verbosity: int = 0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.is_json = is_json
        self.is_quiet = is_quiet
        self.verbosity = verbosity
        self._environ = os.environ if environ is None else environ
        self._color = color
        self._progress: Progress | None = None

    def configure(self, *, color: str, is_json: bool, is_quiet: bool, verbosity: int) -> None:
        """Take over the flags of the command line."""
        self._color = color
        self.is_json = is_json
        self.is_quiet = is_quiet
        self.verbosity = verbosity

    def print(self, text: str = "") -> None:
        """One line or more of the command's result."""
        if not self.is_json:
            self._clear()
            _write(self.stdout, text + "\n")

    def say(self, text: str) -> None:
        """What was done, for people: left out when quiet."""
        if not self.is_quiet:
            self.print(text)

    def json(self, value: object) -> None:
        """The result as one JSON document; bytes that are not UTF-8 become lone surrogates."""
        import json

        self._clear()
        is_unicode = _encoding(self.stdout).replace("-", "").lower() == "utf8"
        text = json.dumps(value, ensure_ascii=not is_unicode, indent=2)
        # Outside ASCII only lone surrogates cannot be encoded, and their escapes are JSON's own.
        _write(self.stdout, text + "\n", errors="backslashreplace")

    def table(self, rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
        """Rows in aligned columns; those numbered in ``right`` are aligned to the right."""
        cells = [list(row) for row in rows]
        if not cells:
            return
        count = max(map(len, cells))
        widths = [max((_width(r[c]) for r in cells if c < len(r)), default=0) for c in range(count)]
        for row in cells:
            parts = []
            for place, cell in enumerate(row):
                blanks = " " * (widths[place] - _width(cell))
                parts.append(blanks + cell if place in right else cell + blanks)
            self.print("  ".join(parts).rstrip())

    def note(self, text: str) -> None:
        """Something worth knowing, on standard error; left out when quiet."""
        if not self.is_quiet:
            self._clear()
            _write(self.stderr, text + "\n")

    def warn(self, text: str) -> None:
        """Something that may be wrong, on standard error, always."""
        self._clear()
        _write(self.stderr, self.style("warning:", "yellow", stream=self.stderr) + f" {text}\n")

    def detail(self, text: str) -> None:
        """What only `-v` asks for, on standard error."""
        if self.verbosity:
            self._clear()
            _write(self.stderr, text + "\n")

    def style(self, text: str, *styles: str, stream: TextIO | None = None) -> str:
        """``text`` in bold, dim or a colour where the stream shows it."""
        if not styles or not self._has_color(stream or self.stdout):
            return text
        return f"\x1b[{';'.join(_STYLES[s] for s in styles)}m{text}\x1b[0m"

    @property
    def progress(self) -> Progress:
        """Where the work reports itself: bars on a terminal, else only announcements."""
        if self._progress is None:
            if self.is_quiet:
                self._progress = SILENT
            else:
                from assay.cli.progress import StreamProgress

                has_bars = _is_terminal(self.stderr) and self._environ.get("TERM") != "dumb"
                is_off = bool(self._environ.get("ASSAY_NO_PROGRESS"))
                self._progress = StreamProgress(self.stderr, has_bars=has_bars and not is_off)
        return self._progress

    def close(self) -> None:
        """Take an unfinished bar off the terminal and hand over what is buffered."""
        self._clear()
        self.stdout.flush()

    def _clear(self) -> None:
        clear = getattr(self._progress, "clear", None)
        if clear is not None:
            clear()

    def _has_color(self, stream: TextIO) -> bool:
        if self._color != "auto":
            return self._color == "always"
        if self._environ.get("NO_COLOR") or self._environ.get("TERM") == "dumb":
            return False
        return _is_terminal(stream)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _encoding(stream: TextIO) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def _width(text: str) -> int:
    return len(_ANSI.sub("", text))


def _write(stream: TextIO, text: str, *, errors: str = "backslashreplace") -> None:
    """Write text that the stream's encoding may not have."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = _encoding(stream)
        stream.write(text.encode(encoding, errors).decode(encoding))
