"""Lines of a text table with a bound on their length, refusing bytes that no text has."""

from __future__ import annotations

import io
from typing import Any

from assay.quality.tables import Damaged


class BoundedLines(io.RawIOBase):
    """Passes a file's bytes on; :class:`Damaged` at a NUL byte or a line that is too long."""

    def __init__(self, file: io.RawIOBase, *, line_bytes: int) -> None:
        self._file = file
        self._most = line_bytes
        self._since_newline = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer) or 0
        data = bytes(memoryview(buffer)[:count])
        if b"\0" in data:
            raise Damaged("holds a NUL byte, so it is not text")
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._since_newline = count - last - 1 if last >= 0 else self._since_newline + count
        if self._since_newline > self._most:
            raise Damaged(f"has a line longer than {self._most >> 20} MiB")
        return count
