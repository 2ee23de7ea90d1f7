"""Keeps memory in use between steps, so that no step pays for memory the machine had given away.

A virtual machine may hand free memory back to its host and fault every page in again on first
use. Writing 800 MB then takes 0.2 s or 3 s, depending on nothing but what was freed before. A
machine that has been at work for a while has no free memory, it has page cache. That state is
made here: by reading holes of a sparse file, which costs no disk and gives way to everything.
"""

from __future__ import annotations

from pathlib import Path

CHUNK_BYTES = 1 << 20
CHUNKS_BETWEEN_LOOKS = 64
# What the kernel keeps free by itself on a busy machine is a little less.
FREE_SHARE = 0.12
# Sparse; every byte is read once only, since what is read twice counts as worth keeping.
SIZE_BYTES = 8 << 40


class Ballast:
    """Page cache filled with nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        with path.open("xb") as file:
            file.truncate(SIZE_BYTES)

    def top_up(self) -> None:
        """Read on until little memory is free, at most as much as the machine has."""
        limit = FREE_SHARE * _meminfo_bytes("MemTotal")
        end = min(self._position + _meminfo_bytes("MemTotal"), SIZE_BYTES)
        buffer = bytearray(CHUNK_BYTES)
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._position)
            while self._position < end and _meminfo_bytes("MemFree") > limit:
                for _ in range(CHUNKS_BETWEEN_LOOKS):
                    self._position += file.readinto(buffer) or 0


def _meminfo_bytes(field: str) -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise LookupError(f"/proc/meminfo has no {field}")
