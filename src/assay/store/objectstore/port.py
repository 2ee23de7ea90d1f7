"""The port to where a remote keeps its bytes: named, whole, immutable or replaced at once.

Keys are ``/``-separated names of ``[A-Za-z0-9._-]``.  A key that can be seen holds all of its
bytes, durably.  Every implementation passes ``assay.testing.objectstore_suite``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from assay.errors import Bug, NotFound

Buffer = bytes | bytearray | memoryview

_KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)?")


class Stat(NamedTuple):
    """What is known of a key without reading it; the time is the store's."""

    size: int
    mtime_ns: int


class Listed(NamedTuple):
    """One line of a listing."""

    key: str
    size: int
    mtime_ns: int


class ObjectStore(Protocol):
    """Synchronous calls; any of them may raise :class:`Temporary` or :class:`RemoteRefused`."""

    @property
    def in_processes(self) -> bool:
        """Whether worker processes may use copies of this value (else threads share it)."""
        ...

    def describe(self) -> str:
        """The place as people write it."""
        ...

    def get(self, key: str) -> bytes:
        """All bytes; :class:`NotFound` ``remote-object-missing`` when the key is absent."""
        ...

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most ``length`` bytes from ``start``; fewer where the object ends."""
        ...

    def get_file(self, key: str, local_path: str, size_bytes: int) -> None:
        """Copy to a new local file, not flushed; fails when the size differs."""
        ...

    def head(self, key: str) -> Stat | None:
        """Size and time, or ``None`` when the key is absent."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every key that starts with ``prefix``, in any order."""
        ...

    def put(self, key: str, data: Buffer, *, create_only: bool = False) -> bool:
        """Store durably, replacing; false when ``create_only`` and the key exists."""
        ...

    def put_blocks(self, key: str, blocks: Iterable[Buffer]) -> int:
        """Store the concatenation durably; its size.

        Blocks may be reused by the producer once the next one is asked for.  An error out of
        ``blocks`` leaves the key as it was.
        """
        ...

    def put_file(self, key: str, local_path: str) -> None:
        """Store a local file durably."""
        ...

    def put_many(self, items: Iterable[tuple[str, Buffer]]) -> int:
        """Store many small objects, each at once and durably when this returns; their count."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Store the bytes of one key under another."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; an absent one is fine."""
        ...

    def now_ns(self) -> int:
        """The store's clock, in the same terms as its times."""
        ...

    def local_path(self, key: str) -> str | None:
        """Where the key lies as a local file that may be mapped, if it does."""
        ...

    def create(self) -> None:
        """Make the place itself, where that is possible and it is absent."""
        ...

    def sweep_unfinished(self, before_ns: int) -> int:
        """Remove what writers that died before this time left; how many."""
        ...


def require_key(key: str) -> str:
    """``key``, or :class:`Bug` when it is not one: keys never come from users."""
    if not _KEY.fullmatch(key):
        raise Bug("store-key-invalid", f"{key!r} is not a key of an object store.")
    return key


def require_prefix(prefix: str) -> str:
    """``prefix``, or :class:`Bug` when no key could start with it."""
    if not _PREFIX.fullmatch(prefix):
        raise Bug("store-key-invalid", f"{prefix!r} is not a prefix of keys.")
    return prefix


def missing_key(key: str, where: str) -> NotFound:
    """The error for a key that is not there."""
    return NotFound(
        "remote-object-missing",
        f"{key} is not on the remote {where}.",
        why="It was removed, or never uploaded.",
        fix="Run `assay verify --remote --repair` in a clone that has the data.",
        paths=(key,),
    )
