"""Packs as streams: laid out before their objects are read, verified while they pass.

A pack's id is the digest of its rows, and rows need only digests, lengths and places.  So a
pack can be named, pinned and looked for on a remote before a byte of it moves, and needs no
temporary copy.  A local pack whose objects are all sent in their order keeps its bytes and id.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from blake3 import blake3

from assay.core.digest import ObjectKind, object_digest
from assay.errors import IntegrityError
from assay.store.durable import READ
from assay.store.objectstore.port import Buffer, ObjectStore
from assay.store.packs import (
    END_MAGIC,
    FORMAT_VERSION,
    HEADER,
    MAGIC,
    PACK_TARGET_BYTES,
    RAW,
    ROW,
    ROW_BYTES,
    TRAILER,
    SealedPack,
    invalid_pack,
    newer_format,
)

NO_PREFIX = bytes(8)
BLOCK_BYTES = 4 << 20
FRAME_BYTES = HEADER.size + TRAILER.size
LARGEST_PACKED = 16 << 20
"""No packed object may be larger: a bound on what a hostile index can make us allocate."""


class DamagedSource(Exception):
    """Bytes read for a pack that do not match their digest; for use inside the store."""

    def __init__(self, digest: bytes, where: str) -> None:
        super().__init__(digest.hex())
        self.digest = digest
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPlan:
    """A pack to be written.

    ``sources``: rows in the order of the new pack, with the place each object is read from
    (an all-zero prefix means a loose file).  ``rows``: the new pack's own.
    """

    id: bytes
    rows: bytes
    sources: bytes
    pad: int
    size_bytes: int

    @property
    def count(self) -> int:
        """Objects in the pack."""
        return len(self.rows) // ROW_BYTES

    def sealed(self) -> SealedPack:
        """The pack as it will be."""
        return SealedPack(id=self.id, rows=self.rows, size_bytes=self.size_bytes)


def row_offset(row: bytes) -> int:
    """The offset in a row, for sorting."""
    return int.from_bytes(row[40:48], "little")


def row_length(row: bytes) -> int:
    """The stored length in a row."""
    return int.from_bytes(row[48:52], "little")


def split_rows(joined: bytes) -> list[bytes]:
    """Joined rows as a list of rows."""
    return [joined[at : at + ROW_BYTES] for at in range(0, len(joined), ROW_BYTES)]


def lay_out(sources: list[bytes], *, pad: int = 0) -> PackPlan:
    """Plan a pack of these rows.  ``pad`` leaves a gap first, which makes another id."""
    joined = b"".join(sources)
    at = HEADER.size + pad
    pack = ROW.pack
    rows = []
    for digest, _, _, stored, length, kind, encoding, _ in ROW.iter_unpack(joined):
        rows.append(pack(digest, NO_PREFIX, at, stored, length, kind, encoding, 0))
        at += stored
    rows.sort()
    return _plan(b"".join(rows), joined, pad, at)


def lay_out_whole(pack: SealedPack, rows: list[bytes]) -> PackPlan:
    """Plan to send a pack as it is; ``rows`` are all of its own, with its prefix."""
    rows.sort(key=row_offset)
    joined = b"".join(rows)
    at = HEADER.size
    for _, _, offset, stored, _, _, _, _ in ROW.iter_unpack(joined):
        if offset != at:
            return lay_out(rows)
        at += stored
    return _plan(pack.rows, joined, 0, at)


def _plan(rows: bytes, sources: bytes, pad: int, rows_offset: int) -> PackPlan:
    return PackPlan(
        id=blake3(rows).digest(),
        rows=rows,
        sources=sources,
        pad=pad,
        size_bytes=rows_offset + len(rows) + TRAILER.size,
    )


def lay_out_many(sources: Iterable[bytes], avoid: set[bytes]) -> list[PackPlan]:
    """Plan packs of the usual size over rows in the order given; ids in ``avoid`` are taken."""
    plans: list[PackPlan] = []
    group: list[bytes] = []
    size = 0
    for row in sources:
        group.append(row)
        size += row_length(row)
        if size >= PACK_TARGET_BYTES:
            plans.append(avoiding(lay_out(group), avoid))
            group, size = [], 0
    if group:
        plans.append(avoiding(lay_out(group), avoid))
    return plans


def avoiding(plan: PackPlan, avoid: set[bytes]) -> PackPlan:
    """``plan``, or one of the same objects under an id that is not in ``avoid``."""
    pad = plan.pad
    while plan.id in avoid:
        pad += 8
        plan = lay_out(split_rows(plan.sources), pad=pad)
    return plan


def pack_blocks(
    plan: PackPlan, places: dict[bytes, str], loose: Iterable[str] = ()
) -> Iterator[Buffer]:
    """The planned pack's bytes; raises :class:`DamagedSource` at the first bad object.

    ``places`` maps pack prefixes to files; ``loose`` are the loose files' paths in order.
    """
    yield HEADER.pack(MAGIC, FORMAT_VERSION, 0) + bytes(plan.pad)
    files = iter(loose)
    rows = ROW.iter_unpack(plan.sources)
    for prefix, run in groupby(rows, key=lambda fields: fields[1]):
        if prefix == NO_PREFIX:
            for fields in run:
                yield _loose_bytes(fields, next(files))
        else:
            yield from _copied(run, places[prefix])
    end = plan.size_bytes - len(plan.rows) - TRAILER.size
    yield plan.rows + TRAILER.pack(end, plan.count, plan.id, END_MAGIC)


def _loose_bytes(fields: tuple[bytes, bytes, int, int, int, int, int, int], path: str) -> bytes:
    digest, length, kind = fields[0], fields[4], fields[5]
    fd = os.open(path, READ)
    try:
        data = os.read(fd, length + 1)
    finally:
        os.close(fd)
    if object_digest(kind, data) != digest:
        raise DamagedSource(digest, path)
    return data


def _copied(
    run: Iterable[tuple[bytes, bytes, int, int, int, int, int, int]], path: str
) -> Iterator[Buffer]:
    """Verified bytes of consecutive rows of one file, in large reads."""
    buffer = memoryview(bytearray(BLOCK_BYTES))
    fd = os.open(path, READ)
    try:
        for start, length, members in _runs(run):
            if length > len(buffer):
                buffer = memoryview(bytearray(length))
            got = os.preadv(fd, [buffer[:length]], start)
            _verify(buffer[:got], start, members, path)
            yield buffer[:length]
    finally:
        os.close(fd)


Member = tuple[bytes, int, int, int]
"""Digest, offset, length and kind of an object inside a run."""


def _runs(
    rows: Iterable[tuple[bytes, bytes, int, int, int, int, int, int]],
) -> Iterator[tuple[int, int, list[Member]]]:
    """``(start, length, members)`` of stretches without gaps, of about a block each."""
    start = end = -1
    members: list[Member] = []
    for digest, _, offset, stored, _, kind, _, _ in rows:
        if offset != end or end - start + stored > BLOCK_BYTES:
            if members:
                yield start, end - start, members
            start, members = offset, []
        members.append((digest, offset, stored, kind))
        end = offset + stored
    if members:
        yield start, end - start, members


def _verify(block: memoryview, start: int, members: list[Member], where: str) -> None:
    # The loop of every push: no call that is not needed.
    blob = ObjectKind.BLOB
    for digest, offset, length, kind in members:
        at = offset - start
        data = block[at : at + length]
        good = (
            blake3(data).digest() == digest
            if kind == blob
            else object_digest(kind, bytes(data)) == digest
        )
        if not good or len(data) != length:
            raise DamagedSource(digest, where)


def read_remote_rows(store: ObjectStore, key: str, size: int) -> SealedPack:
    """A remote pack's own rows, checked against its id; ``pack-invalid`` where they differ."""
    header = store.get_range(key, 0, HEADER.size)
    trailer = store.get_range(key, size - TRAILER.size, TRAILER.size) if size > 0 else b""
    if len(header) != HEADER.size or len(trailer) != TRAILER.size:
        raise invalid_pack(key, "it is cut short")
    magic, version, _ = HEADER.unpack(header)
    if magic == MAGIC and version > FORMAT_VERSION:
        raise newer_format(key, version)
    offset, count, pack_id, end = TRAILER.unpack(trailer)
    if magic != MAGIC or end != END_MAGIC or offset + count * ROW_BYTES + TRAILER.size != size:
        raise invalid_pack(key, "its start or its end is damaged")
    rows = store.get_range(key, offset, count * ROW_BYTES)
    if blake3(rows).digest() != pack_id or pack_id.hex() not in key:
        raise invalid_pack(key, "its index is damaged")
    return SealedPack(id=pack_id, rows=rows, size_bytes=size)


def is_plausible(row: bytes, pack_size: int) -> bool:
    """Whether a row from elsewhere may be acted on: its bounds lie in the pack."""
    _, _, offset, stored, length, kind, encoding, _ = ROW.unpack(row)
    if encoding != RAW or kind not in ObjectKind._value2member_map_:
        return False
    return bool(
        stored == length <= LARGEST_PACKED
        and offset >= HEADER.size
        and offset + stored <= pack_size - TRAILER.size
    )


def require_known_encoding(row: bytes, where: str) -> None:
    """Refuse an object that a newer program encoded."""
    encoding = row[57]
    if encoding != RAW:
        error: IntegrityError = newer_format(where, encoding)
        raise error
