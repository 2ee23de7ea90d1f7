"""Collecting garbage in the cache: plan, pure; apply, into a trash that can be undone.

What is collected is moved aside, never unlinked: ``trash/ID`` keeps packs and loose objects
until :func:`expire` finds them older than the grace period, and :func:`undo` puts them back.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass

from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.durable import make_folder, sync_folder, write_atomic
from assay.store.packs import (
    Location,
    SealedPack,
    newer_format,
    pack_path,
    read_object,
    read_rows,
    unpack_rows,
)

FORMAT_VERSION = 1
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
    """Copy the live objects of ``packs`` into new packs, verifying each."""
    task = progress.task("repacking", items=len(packs))
    writer = cache.pack_writer()
    sealed: list[SealedPack] = []
    seen: set[bytes] = set()
    try:
        for pack in packs:
            path = cache.pack_path(pack)
            rows = _live_rows(path, live)
            fd = cache.pack_fd(pack[:8])
            for row in rows:
                if row.digest not in seen:
                    seen.add(row.digest)
                    writer.append(row.digest, row.kind, read_object(fd, row, where=path))
                if writer.is_full and (done := writer.seal()) is not None:
                    sealed.append(done)
            task.advance(1)
        if (done := writer.seal()) is not None:
            sealed.append(done)
    finally:
        writer.abandon()
        task.done()
    return sealed


def _live_rows(path: str, live: set[bytes]) -> list[Location]:
    rows = [row for row in unpack_rows(read_rows(path).rows) if row.digest in live]
    return sorted(rows, key=lambda row: row.offset)


def collections(cache: Cache) -> list[tuple[int, str]]:
    """(time in ns, id) of every collection that can be undone, newest first.

    Raises :class:`IntegrityError` ``trash-invalid`` where a record cannot be read.
    """
    top = os.path.join(cache.root, "trash")
    found = []
    for name in os.listdir(top) if os.path.isdir(top) else ():
        path = os.path.join(top, name, "entry.json")
        try:
            with open(path, "rb") as file:
                record = json.load(file)
            version = record["format"]
            if isinstance(version, int) and version > FORMAT_VERSION:
                raise newer_format(path, version)
            found.append((int(record["created_ns"]), name))
        except (FileNotFoundError, NotADirectoryError):
            continue  # damaged objects, or a collection killed before it took anything
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _invalid(path) from None
    return sorted(found, reverse=True)


def _invalid(path: str) -> IntegrityError:
    return IntegrityError(
        "trash-invalid",
        f"{path} does not say what was displaced.",
        why="The file was damaged.",
        fix=f"Delete {os.path.dirname(path)} if nothing in it is missed.",
        paths=(path,),
    )


def undo(cache: Cache, entry_id: str | None = None) -> str:
    """Put the newest collection (or ``entry_id``) back; for use inside ``cache.collecting()``."""
    matching = [name for _, name in collections(cache) if name.startswith(entry_id or "")]
    if not matching:
        raise NotFound(
            "trash-empty",
            "No collection to undo.",
            why="Nothing was collected, or its grace period is over.",
            fix="Fetch what you miss: `assay pull`.",
        )
    folder = os.path.join(cache.root, "trash", matching[0])
    packs = []
    for name in _names(os.path.join(folder, "packs")):
        source = os.path.join(folder, "packs", name)
        sealed = read_rows(source)
        _share(source, pack_path(cache.packs_folder, sealed.id))
        packs.append(sealed)
    for name in _names(os.path.join(folder, "objects")):
        _share(os.path.join(folder, "objects", name), cache.loose_path(bytes.fromhex(name)))
    cache.publish_packs(packs)
    # Last: an undo that is killed before has everything still here, and begins again.
    shutil.rmtree(folder)
    return matching[0]


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _share(source: str, target: str) -> None:
    """Give a file a second name, or where that cannot be, its only other one."""
    make_folder(os.path.dirname(target))
    if os.path.exists(target):
        return
    try:
        os.link(source, target)
    except OSError:
        os.replace(source, target)
    sync_folder(os.path.dirname(target))


def expire(cache: Cache, *, older_than_ns: int) -> int:
    """Delete collections made before ``older_than_ns``; returns the bytes freed."""
    top = os.path.join(cache.root, "trash")
    freed = 0
    for name in os.listdir(top) if os.path.isdir(top) else ():
        try:
            with open(os.path.join(top, name, "entry.json"), encoding="ascii") as file:
                record = json.load(file)
            if int(record["created_ns"]) >= older_than_ns:
                continue
            freed += int(record["size_bytes"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        shutil.rmtree(os.path.join(top, name))
    return freed


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
