"""Counts the bytes that a tool rewrote in its own folder, block by block."""

from __future__ import annotations

import os
import pickle
import zlib
from array import array
from pathlib import Path

BLOCK_BYTES = 4096


def record_footprint(home: Path, memory: Path) -> None:
    """Remember the checksum of every block of every file under ``home`` in the file ``memory``."""
    blocks = {name: _block_checksums(home / name) for name in _files(home)}
    memory.write_bytes(pickle.dumps(blocks))


def rewritten_bytes(home: Path, memory: Path) -> dict[str, int]:
    """Bytes that differ since ``record_footprint``, by the first folder or file below ``home``.

    A new file counts whole, a changed one by its changed blocks, a deleted one not at all. The
    state is compared, so what was written and taken back (a log, a temporary file) is not seen:
    for that there is ``CommandSample.written_bytes``.
    """
    before: dict[str, array[int]] = pickle.loads(memory.read_bytes())
    changed: dict[str, int] = {}
    for name in _files(home):
        amount = _changed_bytes(home / name, before.get(name))
        if amount:
            part = name.split(os.sep)[0]
            changed[part] = changed.get(part, 0) + amount
    return changed


def _changed_bytes(path: Path, old: array[int] | None) -> int:
    size = path.stat().st_size
    if old is None:
        return size
    new = _block_checksums(path)
    differing = sum(one != other for one, other in zip(new, old, strict=False))
    return min(size, (differing + max(0, len(new) - len(old))) * BLOCK_BYTES)


def _files(home: Path) -> list[str]:
    found: list[str] = []
    for folder, _, names in os.walk(home):
        found.extend(os.path.relpath(os.path.join(folder, name), home) for name in names)
    return found


def _block_checksums(path: Path) -> array[int]:
    checksums = array("L")
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            checksums.append(zlib.crc32(block))
    return checksums
