"""Rebuilding the cache's index from its packs, each of which carries its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

from assay.errors import IntegrityError
from assay.store.cache import Cache
from assay.store.durable import READ, make_folder
from assay.store.packs import (
    Location,
    PackWriter,
    SealedPack,
    read_object,
    read_rows,
    unpack_rows,
)
from assay.store.segments import Segment


def rebuild_segments(cache: Cache) -> dict[bytes, int]:
    """One fresh segment over every readable pack, in place of all others.

    Packs and segments that cannot be read are moved to ``trash/damaged``, after what is still
    good in the packs was copied; returns what is lost (digest to kind).  Files of a newer
    format stop it before anything changes.  For use inside ``cache.collecting()``.
    """
    known, unreadable = _rows_by_pack(cache)
    sealed, broken = _read_packs(cache)
    writer = cache.pack_writer()
    lost: dict[bytes, int] = {}
    for path in broken:
        prefix = os.path.basename(path)[:16]
        lost.update(_salvage(path, known.get(prefix, []), writer))
        _set_aside(cache, path)
    rescued = writer.seal()
    if rescued is not None:
        sealed.append(rescued)
    for path in unreadable:
        _set_aside(cache, path)
    cache.forget()
    old = [name for name in os.listdir(cache.index_folder) if name.endswith(".seg")]
    if sealed:
        cache.publish_rebuilt(sealed)
    for name in old:
        os.unlink(os.path.join(cache.index_folder, name))
    cache.forget()
    lost.update(
        (row.digest, row.kind)
        for rows in known.values()
        for row in rows
        if not cache.has(row.digest)
    )
    return {digest: kind for digest, kind in lost.items() if not cache.has(digest)}


def _read_packs(cache: Cache) -> tuple[list[SealedPack], list[str]]:
    """(the packs that can be read, paths of the others)."""
    sealed, broken = [], []
    for path in _pack_files(cache):
        try:
            pack = read_rows(path)
        except IntegrityError as error:
            if error.code == "store-newer-format":
                raise
            broken.append(path)
            continue
        if pack.id.hex() + ".pack" == os.path.basename(path):
            sealed.append(pack)
        else:
            broken.append(path)
    return sealed, broken


def _pack_files(cache: Cache) -> list[str]:
    return [
        os.path.join(cache.packs_folder, shard, name)
        for shard in sorted(os.listdir(cache.packs_folder))
        for name in sorted(os.listdir(os.path.join(cache.packs_folder, shard)))
    ]


def good_copies(cache: Cache, wanted: set[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    """(digest, kind, bytes) of objects that some pack still has whole, listed there or not."""
    left = set(wanted)
    for path in _pack_files(cache):
        try:
            rows = [row for row in unpack_rows(read_rows(path).rows) if row.digest in left]
        except IntegrityError:
            continue
        if not rows:
            continue
        fd = os.open(path, READ)
        try:
            for row in rows:
                try:
                    yield row.digest, row.kind, read_object(fd, row, where=path)
                except IntegrityError:
                    continue
                left.discard(row.digest)
        finally:
            os.close(fd)


def stray_packs(cache: Cache) -> list[str]:
    """Packs that no segment lists: what a command left that was killed in between."""
    listed = {pack.hex() + ".pack" for segment in cache.segments() for pack in segment.packs}
    return [path for path in _pack_files(cache) if os.path.basename(path) not in listed]


def adopt_stray_packs(cache: Cache) -> None:
    """List stray packs, so that the collector can judge them; for use as above."""
    sealed = []
    for path in stray_packs(cache):
        try:
            sealed.append(read_rows(path))
        except IntegrityError:
            _set_aside(cache, path)
    cache.publish_packs(sealed)


def _rows_by_pack(cache: Cache) -> tuple[dict[str, list[Location]], list[str]]:
    """Where the segments say that objects lie, by the first digits of the pack; and segments
    that cannot be read."""
    rows: dict[str, list[Location]] = {}
    unreadable = []
    for name in os.listdir(cache.index_folder):
        if not name.endswith(".seg"):
            continue
        path = os.path.join(cache.index_folder, name)
        try:
            segment = Segment.open(path)
            segment.check()
        except IntegrityError as error:
            if error.code == "store-newer-format":
                raise
            unreadable.append(path)
            continue
        for row in segment.locations():
            rows.setdefault(row.pack.hex(), []).append(row)
    return rows, unreadable


def _salvage(path: str, rows: list[Location], writer: PackWriter) -> dict[bytes, int]:
    """Copy what is still good in a pack whose own index is lost; what is not (digest to kind)."""
    good: set[bytes] = set()
    fd = os.open(path, READ)
    try:
        for row in sorted(rows, key=lambda row: row.offset):
            try:
                data = read_object(fd, row, where=path)
            except IntegrityError:
                continue
            if row.digest not in good:
                good.add(row.digest)
                writer.append(row.digest, row.kind, data)
    finally:
        os.close(fd)
    return {row.digest: row.kind for row in rows if row.digest not in good}


def _set_aside(cache: Cache, path: str) -> None:
    folder = os.path.join(cache.root, "trash", "damaged")
    make_folder(folder)
    os.replace(path, os.path.join(folder, os.path.basename(path)))
