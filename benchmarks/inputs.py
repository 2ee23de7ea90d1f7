"""Makes the data that is measured: the same bytes for the same seed, on any machine.

Half of it is realistic (records as a sensor log has them, which compress and resemble each
other), half is incompressible (as images, audio and weights are), so that a tool gains or loses
by compression in proportion.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20
STATES = (b"ok", b"ok", b"ok", b"ok", b"ok", b"late", b"degraded", b"offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeShape:
    """A folder of equally large files; ``folders`` 0 puts them all flat into the top folder."""

    files: int
    folders: int
    file_bytes: int
    seed: int

    def __post_init__(self) -> None:
        if self.files < 1 or self.folders < 0 or self.file_bytes < 16:
            raise ValueError("a tree has at least one file, of at least 16 bytes")

    @property
    def label(self) -> str:
        where = f"in {self.folders:,} folders" if self.folders else "in one flat folder"
        return f"{self.files:,} files of {self.file_bytes:,} bytes {where}"

    @property
    def disk_bytes(self) -> int:
        """What the tree takes on a file system with blocks of 4 KiB."""
        return self.files * -(-self.file_bytes // 4096) * 4096

    def name(self, index: int) -> str:
        suffix = "csv" if _is_realistic(index) else "bin"
        if not self.folders:
            return f"f{index:07}.{suffix}"
        return f"d{index * self.folders // self.files:05}/f{index:07}.{suffix}"

    def spread(self, count: int) -> range:
        """The numbers of ``count`` files, evenly spread over the folders."""
        step = max(1, self.files // max(1, count))
        return range(0, self.files, step)[:count]

    def spread_incompressible(self, count: int) -> range:
        """As ``spread``, but only files that no tool can store in less than their size."""
        step = max(2, self.files // max(1, count) // 2 * 2)
        return range(1, self.files, step)[:count]


def make_tree(root: Path, shape: TreeShape) -> None:
    """Create the whole tree in the new folder ``root``."""
    root.mkdir()
    for folder in range(shape.folders):
        (root / f"d{folder:05}").mkdir()
    for index in range(shape.files):
        _write(root, shape, index, revision=0, flags=os.O_CREAT | os.O_EXCL)


def change_files(root: Path, shape: TreeShape, indexes: range, *, revision: int) -> None:
    """Give the files numbered ``indexes`` other bytes of the same length, in place."""
    for index in indexes:
        _write(root, shape, index, revision=revision, flags=os.O_TRUNC)


def _write(root: Path, shape: TreeShape, index: int, *, revision: int, flags: int) -> None:
    generator = random.Random(_seed(shape.seed, revision, index))
    maker = _records if _is_realistic(index) else _noise
    descriptor = os.open(root / shape.name(index), os.O_WRONLY | flags, 0o644)
    try:
        os.write(descriptor, maker(generator, shape.file_bytes))
    finally:
        os.close(descriptor)


def _seed(seed: int, revision: int, index: int) -> int:
    return (seed << 64) | (revision << 40) | index


def _is_realistic(index: int) -> bool:
    return index % 2 == 0


def _noise(generator: random.Random, size_bytes: int) -> bytes:
    return generator.randbytes(size_bytes)


def _records(generator: random.Random, size_bytes: int) -> bytes:
    lines: list[bytes] = []
    total = 0
    clock = generator.getrandbits(24)
    while total < size_bytes:
        bits = generator.getrandbits(48)
        clock += bits & 63
        line = b"2026-%02d-%02dT%02d:%02d:%02dZ,sensor-%04d,%d.%02d,%s\n" % (
            clock // 2_419_200 % 12 + 1,
            clock // 86_400 % 28 + 1,
            clock // 3_600 % 24,
            clock // 60 % 60,
            clock % 60,
            (bits >> 6) & 1023,
            18 + ((bits >> 16) & 7),
            (bits >> 19) % 100,
            STATES[(bits >> 32) & 7],
        )
        lines.append(line)
        total += len(line)
    return b"".join(lines)[:size_bytes]


def make_large_file(path: Path, size_bytes: int, seed: int) -> None:
    """Create one file: its first half realistic, its second half incompressible."""
    with path.open("xb", buffering=0) as file:
        for number, length in enumerate(_blocks(size_bytes)):
            generator = random.Random(_seed(seed, 0, number))
            maker = _records if number * MEBIBYTE < size_bytes // 2 else _noise
            file.write(maker(generator, length))


def _blocks(size_bytes: int) -> Iterator[int]:
    while size_bytes > 0:
        yield min(size_bytes, MEBIBYTE)
        size_bytes -= MEBIBYTE


def fingerprint(root: Path) -> tuple[int, int, int]:
    """Files, bytes and a checksum over names and content of ``root`` (a file or a folder).

    Reading everything also brings it into the page cache. The checksum does not depend on the
    order of the walk; it is there to notice a tool that did half of its work, not an attacker.
    """
    if root.is_file():
        return 1, root.stat().st_size, _checksum(root, b"")
    files = size_bytes = total = 0
    top = os.fsencode(root)
    for folder, _, names in os.walk(top):
        prefix = os.path.relpath(folder, top)
        for name in names:
            path = os.path.join(folder, name)
            files += 1
            size_bytes += os.stat(path).st_size
            total += _checksum(Path(os.fsdecode(path)), os.path.join(prefix, name))
    return files, size_bytes, total & 0xFFFF_FFFF_FFFF_FFFF


def _checksum(path: Path, name: bytes) -> int:
    checksum = zlib.crc32(name)
    with path.open("rb", buffering=0) as file:
        # Below 128 KiB, since larger reads map and unmap memory on every call.
        while block := file.read(65_536):
            checksum = zlib.crc32(block, checksum)
    return checksum
