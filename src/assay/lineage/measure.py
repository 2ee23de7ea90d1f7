"""Room that text needs in a proportional font that is not known, estimated rather too wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from assay.lineage.legible import is_mark

# Widths in em of the widest fonts that browsers use by default (DejaVu Sans, Verdana).
_LEAST_EM = 0.4
_NARROW = frozenset("iljI.,:;'|!()[]{} ftr\"/\\-")
_WIDE = frozenset("mwMWGOQ%@…—&")


def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Estimated width of a legible text, in the unit of ``size`` (the height of an em)."""
    return sum(map(_em, text)) * size * (1.07 if is_bold else 1.0)


def shortened(text: str, room: float, size: float, *, is_bold: bool = False) -> str:
    """``text`` if it fits, else as much of its beginning and end as does, around an ellipsis.

    The text is legible, so that at least every third character takes room.
    """
    most = int(room / size * 3 / _LEAST_EM)  # what is longer need not be measured
    if len(text) <= most and text_width(text, size, is_bold=is_bold) <= room:
        return text
    head, tail = 0, len(text)
    left = room - text_width("…", size, is_bold=is_bold)
    while head < tail:
        is_head = head <= len(text) - tail
        left -= text_width(text[head] if is_head else text[tail - 1], size, is_bold=is_bold)
        if left < 0:
            break
        head, tail = (head + 1, tail) if is_head else (head, tail - 1)
    return text[:head].rstrip() + "…" + text[tail:].lstrip()


def wrapped(text: str, room: float, size: float, *, most_lines: int) -> Iterator[str]:
    """``text`` on lines that fit, broken at blanks; what is too much ends in an ellipsis."""
    words = text.split()
    for _ in range(most_lines - 1):
        line = _first_line(words, room, size)
        if line:
            yield line
    if words:
        rest = " ".join(words)
        yield rest if text_width(rest, size) <= room else _beginning(rest, room, size)


def _first_line(words: list[str], room: float, size: float) -> str:
    """Take off as many words as fit, at least one."""
    line = ""
    while words and (not line or text_width(f"{line} {words[0]}", size) <= room):
        line = f"{line} {words.pop(0)}" if line else words.pop(0)
    return shortened(line, room, size)


def _beginning(text: str, room: float, size: float) -> str:
    kept, at = text_width("…", size), 0
    while at < len(text) and kept + _em(text[at]) * size <= room:
        kept += _em(text[at]) * size
        at += 1
    return text[:at].rstrip() + "…"


def _em(char: str) -> float:
    if char in _NARROW:
        return _LEAST_EM
    if char in _WIDE:
        return 0.98
    if char.isascii():
        return 0.7 if char.isupper() else 0.63
    if is_mark(char):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(char) in "WF" else 0.9
