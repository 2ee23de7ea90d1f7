"""Collecting garbage in the cache: plan, pure; apply, into a trash that can be undone.

What is collected is moved aside, never unlinked; :mod:`assay.store.collected` brings it back.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError
from assay.store.cache import Cache
from assay.store.collected import FORMAT_VERSION
from assay.store.durable import make_folder, sync_folder, write_atomic
from assay.store.packs import Location, SealedPack, read_object
from assay.store.rebuild import good_copies

_REPACK_BELOW = 1.0
"""Packs with less live than dead bytes, by this factor, are written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectPlan:
    """What a collection would take away.

    ``dead_packs`` go whole; ``thin_packs`` are rewritten without their dead objects;
    ``objects`` and ``size_bytes`` count what is dead, ``freed_bytes`` what leaves the disk.
    """

    dead_packs: tuple[bytes, ...]
    thin_packs: tuple[bytes, ...]
    loose: tuple[bytes, ...]
    objects: int
    size_bytes: int
    freed_bytes: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be done."""
        return not (self.dead_packs or self.thin_packs or self.loose)


def plan_collect(cache: Cache, live: set[bytes]) -> CollectPlan:
    """Decide what may go when only ``live`` digests are needed.

    A pack with few dead bytes stays as it is: rewriting it would cost more than it frees.
    """
    live_bytes: dict[bytes, int] = {}
    dead_bytes: dict[bytes, int] = {}
    sizes: dict[bytes, int] = {}
    objects = 0
    for segment in cache.segments():
        sizes.update((pack[:8], size) for pack, size in segment.packs.items())
        for row in segment.locations():
            if row.digest in live:
                live_bytes[row.pack] = live_bytes.get(row.pack, 0) + row.stored_length + 1
            else:
                dead_bytes[row.pack] = dead_bytes.get(row.pack, 0) + row.stored_length
                objects += 1
    names = {pack[:8]: pack for segment in cache.segments() for pack in segment.packs}
    names = {short: pack for short, pack in names.items() if os.path.exists(cache.pack_path(pack))}
    dead = [short for short in names if short not in live_bytes]
    thin = [
        short
        for short in names
        if 0 < live_bytes.get(short, 0) < dead_bytes.get(short, 0) * _REPACK_BELOW
    ]
    loose = [digest for digest in cache.loose_digests() if digest not in live]
    loose_bytes = sum(os.path.getsize(cache.loose_path(digest)) for digest in loose)
    return CollectPlan(
        dead_packs=tuple(sorted(names[short] for short in dead)),
        thin_packs=tuple(sorted(names[short] for short in thin)),
        loose=tuple(loose),
        objects=objects + len(loose),
        size_bytes=sum(dead_bytes.values()) + loose_bytes,
        freed_bytes=loose_bytes
        + sum(sizes[short] for short in dead)
        + sum(dead_bytes.get(short, 0) for short in thin),
    )


def apply_collect(
    cache: Cache,
    plan: CollectPlan,
    live: set[bytes],
    *,
    now_ns: int,
    command: str,
    progress: Progress = SILENT,
) -> str:
    """Carry out a plan inside ``cache.collecting()``; returns the trash entry's id.

    Killed at any point, the cache is whole: new packs are findable before old ones move.
    """
    fresh = _rewrite(cache, plan.thin_packs, live, progress)
    entry_id = f"{now_ns // 1_000_000_000:010d}-{os.urandom(4).hex()}"
    folder = os.path.join(cache.root, "trash", entry_id)
    make_folder(os.path.join(folder, "packs"))
    make_folder(os.path.join(folder, "objects"))
    record = {
        "format": FORMAT_VERSION,
        "created_ns": now_ns,
        "command": command,
        "size_bytes": plan.freed_bytes,
    }
    write_atomic(os.path.join(folder, "entry.json"), json.dumps(record).encode("ascii"))
    gone = {*plan.dead_packs, *plan.thin_packs} - {pack.id for pack in fresh}
    kept = {
        pack: size
        for segment in cache.segments()
        for pack, size in segment.packs.items()
        if pack not in gone
    }
    cache.replace_segments(cache.segments(), kept, new=fresh)
    cache.close()
    for pack in gone:
        name = os.path.basename(cache.pack_path(pack))
        os.replace(cache.pack_path(pack), os.path.join(folder, "packs", name))
    for digest in plan.loose:
        os.replace(cache.loose_path(digest), os.path.join(folder, "objects", digest.hex()))
    sync_folder(folder)
    cache.refresh()
    return entry_id


def _rewrite(
    cache: Cache, packs: tuple[bytes, ...], live: set[bytes], progress: Progress
) -> list[SealedPack]:
    """Copy the live objects of ``packs`` into new packs, verifying each.

    Of a damaged object another copy is taken; where there is none, nothing is collected.
    """
    task = progress.task("repacking", items=len(packs))
    writer = cache.pack_writer()
    sealed: list[SealedPack] = []
    seen: set[bytes] = set()

    def keep(digest: bytes, kind: int, data: bytes) -> None:
        seen.add(digest)
        writer.append(digest, kind, data)
        if writer.is_full and (done := writer.seal()) is not None:
            sealed.append(done)

    try:
        bad: dict[bytes, IntegrityError] = {}
        for pack, rows in _listed_rows(cache, packs, live).items():
            path, fd = cache.pack_path(pack), cache.pack_fd(pack[:8])
            for row in rows:
                try:
                    if row.digest not in seen:
                        keep(row.digest, row.kind, read_object(fd, row, where=path))
                except IntegrityError as error:
                    bad[row.digest] = error
            task.advance(1)
        for copy in good_copies(cache, bad.keys() - seen):
            keep(*copy)
        for digest in bad.keys() - seen:
            raise bad[digest]
        if (done := writer.seal()) is not None:
            sealed.append(done)
    finally:
        writer.abandon()
        task.done()
    return sealed


def _listed_rows(
    cache: Cache, packs: tuple[bytes, ...], live: set[bytes]
) -> dict[bytes, list[Location]]:
    """The live objects of each pack, by their place in it.

    As the segments list them: a pack's own index also has what was found damaged and dropped.
    """
    by_prefix: dict[bytes, list[Location]] = {pack[:8]: [] for pack in packs}
    for segment in cache.segments():
        for row in segment.locations():
            if row.pack in by_prefix and row.digest in live:
                by_prefix[row.pack].append(row)
    return {pack: sorted(by_prefix[pack[:8]], key=lambda row: row.offset) for pack in packs}


def discard(cache: Cache, digests: set[bytes]) -> None:
    """Make damaged objects absent, so that good copies can take their place.

    Loose files move to ``trash/damaged``; rows of packed objects are dropped, their packs stay.
    For use inside ``cache.writing()``.
    """
    for digest in digests:
        path = cache.loose_path(digest)
        if os.path.lexists(path):
            folder = os.path.join(cache.root, "trash", "damaged")
            make_folder(folder)
            os.replace(path, os.path.join(folder, digest.hex()))
    if any(cache.locate(digest) is not None for digest in digests):
        cache.drop_rows(digests)
