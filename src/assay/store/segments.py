"""Segments: sorted tables that say in which pack each object lies, bisected where they are.

One format serves the cache and the remote.  Layout, little-endian: header (``ASYSEGM1``,
version u32, pack count u32, row count u64, superseded count u32, zero u32), the 32-byte ids
of its packs with each pack's size u64, the ids of the segments that it replaces, a 256-way
fan-out of row counts u64, the 60-byte rows of :mod:`assay.store.packs` sorted by digest with
their pack's prefix, and the BLAKE3 of everything before as the segment's id and file name.
A writer adds a random id to those replaced, so that a segment whose like was once superseded
does not count as replaced itself.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import le
from struct import Struct

from blake3 import blake3

from assay.errors import IntegrityError
from assay.store.durable import READ
from assay.store.packs import ROW, ROW_BYTES, Location, SealedPack, newer_format

FORMAT_VERSION = 1
_HEADER = Struct("<8sIIQII")
_MAGIC = b"ASYSEGM1"
_PACK = Struct("<32sQ")
_FANOUT = Struct("<256Q")
_ID_BYTES = 32


def encode_segment(
    packs: Iterable[tuple[bytes, int]],
    rows: list[bytes],
    *,
    supersedes: Iterable[bytes] = (),
) -> tuple[bytes, bytes]:
    """``(id, bytes)`` of a segment over ``rows`` (any order, equal digests collapse).

    ``packs`` are pairs of pack id and size in bytes; each row carries its pack's prefix.
    """
    rows = sorted(rows)
    rows = [row for at, row in enumerate(rows) if at == 0 or row[:32] != rows[at - 1][:32]]
    table = sorted(set(packs))
    replaced = sorted(set(supersedes))
    header = _HEADER.pack(_MAGIC, FORMAT_VERSION, len(table), len(rows), len(replaced), 0)
    first_bytes = bytes(row[0] for row in rows)
    fanout = _FANOUT.pack(*(bisect_right(first_bytes, value) for value in range(256)))
    body = b"".join((header, *(_PACK.pack(*pack) for pack in table), *replaced, fanout, *rows))
    segment_id = blake3(body).digest()
    return segment_id, body + segment_id


def rows_with_prefix(pack: SealedPack) -> list[bytes]:
    """A pack's rows as a segment holds them."""
    prefix, rows = pack.id[:8], pack.rows
    return [
        rows[at : at + 32] + prefix + rows[at + 40 : at + ROW_BYTES]
        for at in range(0, len(rows), ROW_BYTES)
    ]


class Segment:
    """A mapped segment.  Open one with :meth:`open`; its checksum is checked by :meth:`check`."""

    __slots__ = ("_base", "_buffer", "_fanout", "count", "packs", "path", "supersedes")

    def __init__(self, buffer: bytes | mmap.mmap, path: str) -> None:
        size = len(buffer)
        if size < _HEADER.size + _FANOUT.size + _ID_BYTES:
            raise _invalid(path, "it is cut short")
        magic, version, packs, count, replaced, _ = _HEADER.unpack(buffer[: _HEADER.size])
        if magic != _MAGIC:
            raise _invalid(path, "it does not start as a segment")
        if version > FORMAT_VERSION:
            raise newer_format(path, version)
        if version < 1:
            raise _invalid(path, "its header is damaged")
        at = _HEADER.size
        tables = packs * _PACK.size + replaced * _ID_BYTES
        if size != at + tables + _FANOUT.size + count * ROW_BYTES + _ID_BYTES:
            raise _invalid(path, "its length contradicts its header")
        table = buffer[at : at + packs * _PACK.size]
        self.packs: dict[bytes, int] = dict(_PACK.iter_unpack(table))
        at += packs * _PACK.size
        self.supersedes = [
            bytes(buffer[start : start + 32]) for start in range(at, at + 32 * replaced, 32)
        ]
        at += replaced * _ID_BYTES
        self._fanout: tuple[int, ...] = _FANOUT.unpack(buffer[at : at + _FANOUT.size])
        if self._fanout[-1] != count or not all(map(le, self._fanout, self._fanout[1:])):
            raise _invalid(path, "its fan-out contradicts its header")
        self._base = at + _FANOUT.size
        self._buffer = buffer
        self.count: int = count
        self.path = path

    @classmethod
    def open(cls, path: str) -> Segment:
        """Map the file at ``path``."""
        fd = os.open(path, READ)
        try:
            size = os.fstat(fd).st_size
            if not size:
                raise _invalid(path, "it is empty")
            # Small ones are copied: cheaper than a mapping, and safe if the file shrinks.
            if size <= 1 << 20:
                return cls(os.pread(fd, size, 0), path)
            return cls(mmap.mmap(fd, size, access=mmap.ACCESS_READ), path)
        finally:
            os.close(fd)

    def check(self) -> None:
        """Verify the whole file against its id; :class:`IntegrityError` when it differs."""
        with memoryview(self._buffer) as view:
            if blake3(view[:-_ID_BYTES]).digest() != view[-_ID_BYTES:].tobytes():
                raise _invalid(self.path, "its checksum does not match")

    @property
    def id(self) -> bytes:
        """The segment's id."""
        return bytes(self._buffer[-_ID_BYTES:])

    def find(self, digest: bytes) -> Location | None:
        """The row of ``digest``, by bisection within its first byte."""
        first = digest[0]
        low = self._fanout[first - 1] if first else 0
        high = self._fanout[first]
        buffer, base = self._buffer, self._base
        while low < high:
            middle = (low + high) >> 1
            at = base + middle * ROW_BYTES
            found = buffer[at : at + 32]
            if found == digest:
                return Location(*ROW.unpack(buffer[at : at + ROW_BYTES]))
            if found < digest:
                low = middle + 1
            else:
                high = middle
        return None

    def rows(self) -> list[bytes]:
        """Every row's bytes, in digest order."""
        with memoryview(self._buffer) as view:
            data = view[self._base : self._base + self.count * ROW_BYTES].tobytes()
        return [data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES)]

    def locations(self) -> Iterator[Location]:
        """Every row as a value."""
        with memoryview(self._buffer) as view:
            data = view[self._base : self._base + self.count * ROW_BYTES].tobytes()
        return (Location(*fields) for fields in ROW.iter_unpack(data))

    def digests(self) -> list[bytes]:
        """Every digest, sorted."""
        with memoryview(self._buffer) as view:
            data = view[self._base : self._base + self.count * ROW_BYTES].tobytes()
        return [data[at : at + 32] for at in range(0, len(data), ROW_BYTES)]


def live_segments(segments: Iterable[Segment]) -> list[Segment]:
    """Those that no other of them supersedes."""
    found = list(segments)
    replaced = {segment_id for segment in found for segment_id in segment.supersedes}
    return [segment for segment in found if segment.id not in replaced]


def _invalid(path: str, why: str) -> IntegrityError:
    return IntegrityError(
        "segment-invalid",
        f"Index segment {path} is not valid: {why}.",
        why="The file was damaged or cut short outside assay.",
        fix="Run `assay verify --repair`, which rebuilds it from the packs.",
        paths=(path,),
    )
