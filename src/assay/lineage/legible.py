"""Any text made legible on one line: nothing in it can act, hide or reorder what is beside it.

Titles and facts come from file names, from rows of data and from other people's records.
"""

from __future__ import annotations

import unicodedata

_BYTE_ESCAPES = range(0xDC80, 0xDD00)  # how os.fsdecode keeps a byte that is not UTF-8


_MOST_MARKS = 2  # on one letter: enough for every language that is written with them


def legible(text: str, *, is_ascii: bool = False) -> str:
    """``text`` with every character that is not ink or a blank spelled out, as Python would.

    That covers control characters, line separators, lone surrogates, the invisible ones that
    change the direction of what follows, and accents piled up until they cover other lines.
    ``is_ascii`` also spells out what ASCII does not have.
    """
    if text.isascii() and text.isprintable():
        return text
    marks, shown = 0, []
    for char in text:
        marks = marks + 1 if is_mark(char) else 0
        is_kept = char.isprintable() and marks <= _MOST_MARKS and (char.isascii() or not is_ascii)
        shown.append(char if is_kept else _escape(char))
    return "".join(shown)


def columns(text: str) -> int:
    """How many columns of a terminal a legible text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def is_mark(char: str) -> bool:
    """Whether it is drawn on the character before it."""
    return not char.isascii() and unicodedata.category(char) in ("Mn", "Me")


def _columns(char: str) -> int:
    if is_mark(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _escape(char: str) -> str:
    point = ord(char)
    if point in _BYTE_ESCAPES:
        return f"\\x{point - 0xDC00:02x}"
    if char == "…":
        return "..."
    if point < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\x{point:02x}")
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
