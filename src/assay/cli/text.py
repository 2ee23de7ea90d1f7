"""Names, sizes, counts and durations as people read them on one line of a terminal."""

from __future__ import annotations

import os
import re

# Control characters, bytes that are not UTF-8 (as Python keeps them), and the marks that turn
# the direction of text around: each could make a line show something else than it says.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)


def shown(name: bytes | str) -> str:
    """A name or path as it may be printed on one line; `\\xff` stands for a byte."""
    text = os.fsdecode(name) if isinstance(name, bytes) else name
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    known = {9: "\\t", 10: "\\n", 13: "\\r"}
    return known.get(point) or (f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}")


def human_size(size_bytes: int) -> str:
    """A size for people: `0 B`, `999 B`, `1.5 KiB`, `12 MiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1000 or unit == "TiB":
            break
        value /= 1024
    digits = 1 if unit != "B" and abs(value) < 9.95 else 0
    return f"{value:.{digits}f} {unit}"


def human_count(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `12,345 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def human_duration(seconds: float) -> str:
    """`0.3 s`, `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
