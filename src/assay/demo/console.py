"""What the demo needs of a terminal; the command line's console is one."""

from __future__ import annotations

from typing import Protocol, TextIO


class Console(Protocol):
    """Prints results, and nothing but JSON where ``is_json``."""

    stdout: TextIO
    is_json: bool
    is_quiet: bool

    def print(self, text: str = "") -> None:
        """Print lines of the result."""

    def style(self, text: str, *styles: str) -> str:
        """``text`` in bold, dim or a colour where the terminal shows it."""
