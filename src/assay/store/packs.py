"""Packs: immutable files of many small objects, readable alone.

Layout, little-endian: a 16-byte header (``ASYPACK1``, version u32, zero u32), the stored
bytes of the objects, one 60-byte row per object sorted by digest, and a 56-byte trailer
(rows offset u64, row count u64, pack id, ``ASYPEND1``).  The pack's id is the BLAKE3 of its
rows; the rows hold every object's digest and place, so the id binds the content.

Row: digest 32s | pack prefix 8s | offset u64 | stored length u32 | plain length u32 |
kind u8 | encoding u8 | zero u16.  The prefix is zero inside a pack; segments fill it in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from blake3 import blake3

from assay.core.digest import ObjectKind, object_digest
from assay.errors import IntegrityError
from assay.store.durable import CREATE, READ, disk_errors, publish, temporary_name, write_all

FORMAT_VERSION = 1
PACK_OBJECT_LIMIT = 256 << 10
"""Objects of at most this many bytes go into packs; larger blobs are loose files."""
PACK_TARGET_BYTES = 64 << 20
ROW = Struct("<32s8sQIIBBH")
ROW_BYTES = ROW.size
RAW = 0
HEADER = Struct("<8sII")
TRAILER = Struct("<QQ32s8s")
MAGIC, END_MAGIC = b"ASYPACK1", b"ASYPEND1"
_WRITE_BYTES = 1 << 20
_MAX_OBJECT_BYTES = 16 << 20
"""More than any node; a row that claims more is damaged, and is not allocated for."""
_MAX_OFFSET = 1 << 48
_NO_PREFIX = bytes(8)
_KINDS = frozenset(map(int, ObjectKind))


class Location(NamedTuple):
    """Where one object lies: ``pack`` is the first 8 bytes of a pack id."""

    digest: bytes
    pack: bytes
    offset: int
    stored_length: int
    length: int
    kind: int
    encoding: int
    zero: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPack:
    """A finished pack: its 32-byte id and its rows (prefix zero), sorted by digest."""

    id: bytes
    rows: bytes
    size_bytes: int

    @property
    def count(self) -> int:
        """Objects in the pack."""
        return len(self.rows) // ROW_BYTES


def pack_path(packs_folder: str, pack_id: bytes) -> str:
    """Where a pack lies below a ``packs`` folder."""
    name = pack_id.hex()
    return os.path.join(packs_folder, name[:2], f"{name}.pack")


class PackWriter:
    """Appends objects to a temporary pack; :meth:`seal` makes it durable and visible.

    Not safe for several threads.  The caller supplies digests that it computed from the
    bytes it hands in.
    """

    __slots__ = ("_buffer", "_buffered", "_fd", "_packs", "_path", "_rows", "_tmp", "offset")

    def __init__(self, packs_folder: str, tmp_folder: str) -> None:
        self._packs = packs_folder
        self._tmp = tmp_folder
        self._fd = -1
        self._path = ""
        self._rows: list[bytes] = []
        self._buffer: list[bytes] = []
        self._buffered = 0
        self.offset = 0

    def append(self, digest: bytes, kind: int, data: bytes) -> None:
        """Add one object."""
        length = len(data)
        if self._fd < 0:
            self._begin()
        self._rows.append(ROW.pack(digest, _NO_PREFIX, self.offset, length, length, kind, RAW, 0))
        self._buffer.append(data)
        self._buffered += length
        self.offset += length
        if self._buffered >= _WRITE_BYTES:
            self._flush()

    @property
    def is_full(self) -> bool:
        """Whether the pack has reached its target size."""
        return self.offset >= PACK_TARGET_BYTES

    def _begin(self) -> None:
        self._path = temporary_name(self._tmp, "pack")
        with disk_errors(self._tmp):
            self._fd = os.open(self._path, CREATE, 0o444)
        self._buffer = [HEADER.pack(MAGIC, FORMAT_VERSION, 0)]
        self._buffered = self.offset = HEADER.size
        self._rows = []

    def _flush(self) -> None:
        try:
            with disk_errors(self._path):
                write_all(self._fd, b"".join(self._buffer))
        except BaseException:
            self.abandon()
            raise
        self._buffer, self._buffered = [], 0

    def seal(self) -> SealedPack | None:
        """Finish, fsync and publish; ``None`` when nothing was added."""
        if self._fd < 0:
            return None
        self._rows.sort()
        rows = b"".join(self._rows)
        pack_id = blake3(rows).digest()
        count = len(self._rows)
        self._buffer += [rows, TRAILER.pack(self.offset, count, pack_id, END_MAGIC)]
        size = self.offset + len(rows) + TRAILER.size
        self._flush()
        try:
            with disk_errors(self._path):
                os.fsync(self._fd)
                os.close(self._fd)
                self._fd = -1
                publish(self._path, pack_path(self._packs, pack_id))
        except BaseException:
            self.abandon()
            raise
        self._rows = []
        return SealedPack(id=pack_id, rows=rows, size_bytes=size)

    def abandon(self) -> None:
        """Drop the unfinished pack."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._path and os.path.exists(self._path):
            os.unlink(self._path)
        self._rows, self._buffer, self._buffered = [], [], 0


def read_rows(path: str) -> SealedPack:
    """A pack's own index, checked against its trailer.

    Raises :class:`IntegrityError` ``pack-invalid`` when the file is truncated or damaged
    there, ``pack-newer-format`` when a newer assay wrote it.
    """
    fd = os.open(path, READ)
    try:
        size = os.fstat(fd).st_size
        if size < HEADER.size + TRAILER.size:
            raise invalid_pack(path, "it is cut short")
        magic, version, _ = HEADER.unpack(os.pread(fd, HEADER.size, 0))
        if magic != MAGIC:
            raise invalid_pack(path, "it does not start as a pack")
        if version > FORMAT_VERSION:
            raise newer_format(path, version)
        if version < 1:
            raise invalid_pack(path, "its header is damaged")
        trailer = os.pread(fd, TRAILER.size, size - TRAILER.size)
        offset, count, pack_id, end = TRAILER.unpack(trailer)
        if end != END_MAGIC or offset + count * ROW_BYTES + TRAILER.size != size:
            raise invalid_pack(path, "its end is missing or damaged")
        rows = os.pread(fd, count * ROW_BYTES, offset)
    finally:
        os.close(fd)
    if len(rows) != count * ROW_BYTES or blake3(rows).digest() != pack_id:
        raise invalid_pack(path, "its index is damaged")
    return SealedPack(id=pack_id, rows=rows, size_bytes=size)


def read_object(fd: int, location: Location, *, where: str) -> bytes:
    """One object's plain bytes from an open pack, verified against its digest.

    Raises :class:`IntegrityError` ``object-damaged``.
    """
    if location.encoding != RAW:
        raise newer_format(where, location.encoding)
    if (
        location.stored_length > _MAX_OBJECT_BYTES
        or location.offset > _MAX_OFFSET
        or location.kind not in _KINDS
    ):
        raise damaged(location.digest, where)
    data = os.pread(fd, location.stored_length, location.offset)
    if len(data) != location.length or object_digest(location.kind, data) != location.digest:
        raise damaged(location.digest, where)
    return data


def unpack_rows(rows: bytes) -> list[Location]:
    """Every row as a value, in digest order."""
    return [Location(*fields) for fields in ROW.iter_unpack(rows)]


def damaged(digest: bytes, where: str) -> IntegrityError:
    """The error for an object whose bytes do not match its digest."""
    return IntegrityError(
        "object-damaged",
        f"Object {digest.hex()} is damaged in {where}.",
        why="Its bytes do not match its digest.",
        fix="Run `assay verify --repair`, which fetches a good copy from a remote.",
        paths=(where,),
    )


def invalid_pack(path: str, why: str) -> IntegrityError:
    """The error for a pack file that cannot be read as one."""
    return IntegrityError(
        "pack-invalid",
        f"Pack {path} is not valid: {why}.",
        why="The file was damaged or cut short outside assay.",
        fix="Run `assay verify --repair`, which fetches what it held from a remote.",
        paths=(path,),
    )


def newer_format(path: str, version: int) -> IntegrityError:
    """The error for a file that a newer program wrote."""
    return IntegrityError(
        "store-newer-format",
        f"{path} has format {version}, which this program does not know.",
        why="A newer assay wrote it.",
        fix="Upgrade assay.",
        paths=(path,),
    )
