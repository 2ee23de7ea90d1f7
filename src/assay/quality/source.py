"""Files to be judged: found without leaving the folder, hashed while they are read."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from assay.errors import NotFound
from assay.quality.model import Reading
from assay.quality.tables import Damaged, format_of

_RESERVED = frozenset({".git", ".hg", ".assay", ".dvc"})
_READ_BYTES = 96 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file to judge: where it is, and its name in the report."""

    path: str
    name: str


def find_tables(path: str, reading: Reading) -> list[Found]:
    """The file ``path``, or the tables below the folder ``path`` sorted by name.

    In a folder the contract's glob picks them, else the suffixes of tables do.
    """
    if not os.path.lexists(path):
        raise NotFound(
            "path-missing",
            f"{path} does not exist.",
            fix="Check the name; `assay checkout` brings tracked data back.",
            paths=(path,),
        )
    if not os.path.isdir(path):
        return [Found(path=path, name=os.path.basename(path))]
    is_wanted = _picker(reading)
    found = []
    for folder, names, files in os.walk(path):
        names[:] = [name for name in names if name.lower() not in _RESERVED]
        inside = os.path.relpath(folder, path)
        for file in files:
            name = file if inside == "." else f"{inside}/{file}"
            if is_wanted(name):
                found.append(Found(path=os.path.join(folder, file), name=name))
    return sorted(found, key=lambda each: os.fsencode(each.name))


def _picker(reading: Reading) -> Callable[[str], object]:
    if reading.files is None:
        return format_of
    return re.compile(translate(reading.files)).match


def is_within(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path, followed to its end, lies in one of the folders."""
    real = os.path.realpath(path)
    tops = [os.path.realpath(root) for root in roots]
    return any(real == top or real.startswith(top.rstrip(os.sep) + os.sep) for top in tops)


def open_table(path: str) -> int:
    """A descriptor of a regular file; :class:`Damaged` for anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Damaged(f"cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Damaged("is not a regular file")
    return fd


class HashedFile(io.RawIOBase):
    """A file whose bytes are hashed in the order in which they are read, once."""

    def __init__(self, fd: int) -> None:
        from blake3 import blake3

        self._fd = fd
        self._hash = blake3()
        self.size_bytes = 0
        self._before = self._stamp()

    def _stamp(self) -> tuple[int, int, int]:
        now = os.fstat(self._fd)
        return now.st_size, now.st_mtime_ns, now.st_ctime_ns

    def fileno(self) -> int:
        """The descriptor itself; reading through it is not hashed."""
        return self._fd

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = os.read(self._fd, min(len(view), _READ_BYTES))
        except OSError as error:
            raise Damaged(f"cannot be read: {error.strerror}") from None
        view[: len(data)] = data
        self._hash.update(data)
        self.size_bytes += len(data)
        return len(data)

    def finish(self) -> bytes:
        """The digest of the whole file, after reading what is left of it."""
        buffer = bytearray(_READ_BYTES)
        while self.readinto(buffer):
            pass
        return bytes(self._hash.digest())

    @property
    def has_changed(self) -> bool:
        """Whether something wrote to the file since it was opened."""
        return self._stamp() != self._before
