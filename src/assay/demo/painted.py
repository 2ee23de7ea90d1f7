"""Lines with colours in them: what they say without, and how to break them."""

from __future__ import annotations

import re
from collections.abc import Iterator

RESET = "\x1b[0m"
_CODE = re.compile(r"\x1b\[[0-9;]*m")
# A line may be broken at blanks, and inside JSON in front of a key or value.
_PIECE = re.compile(r"\x1b\[[0-9;]*m|[^\S\x1b]+|(?:[^\s\x1b,]|,(?![\"{\[]))+,?|,")


def plain(text: str) -> str:
    """The text without its colours."""
    return _CODE.sub("", text)


def behind(text: str, faint: str) -> str:
    """The text with ``faint`` around whatever has no colour of its own, which stands out so."""
    shown = _CODE.sub(lambda code: RESET + (faint if code[0] == RESET else code[0]), text)
    return faint + shown + RESET


def wrapped(text: str, width: int) -> list[str]:
    """The text on lines of at most ``width`` columns; blanks go where a line is broken.

    A colour that is on at a break is turned off there, and on again behind it.
    """
    lines, line, used, colours = [], "", 0, ""
    for piece in _pieces(text, width):
        if _CODE.fullmatch(piece):
            colours = "" if piece == RESET else colours + piece
            line += piece
            continue
        if used + len(piece) > width:
            lines.append(line.rstrip() + (RESET if colours else ""))
            line, used = colours, 0
        if used or not piece.isspace() or not lines:
            line += piece
            used += len(piece)
    return [*lines, line.rstrip()]


def _pieces(text: str, width: int) -> Iterator[str]:
    """Colours, blanks and words, those that fit on no line cut up."""
    for piece in _PIECE.findall(text):
        if _CODE.fullmatch(piece):
            yield piece
        else:
            yield from (piece[start : start + width] for start in range(0, len(piece), width))
