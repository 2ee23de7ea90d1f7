"""What collections took out of the cache: listed, put back, or deleted when its time is over.

``trash/ID`` keeps the packs and loose objects of one collection, with a record of it, until
:func:`expire` finds it older than the grace period; :func:`undo` puts them back.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace

from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.durable import READ, make_folder, sync_folder
from assay.store.packs import (
    ROW_BYTES,
    Location,
    SealedPack,
    newer_format,
    pack_path,
    read_object,
    read_rows,
    unpack_rows,
)

FORMAT_VERSION = 1


def collections(cache: Cache) -> list[tuple[int, str]]:
    """(time in ns, id) of every collection that can be undone, newest first.

    Raises :class:`IntegrityError` ``trash-invalid`` where a record cannot be read.
    """
    top = os.path.join(cache.root, "trash")
    found = []
    for name in os.listdir(top) if os.path.isdir(top) else ():
        path = os.path.join(top, name, "entry.json")
        record = _read(path)
        if record is not None:
            found.append((record[0], name))
    return sorted(found, reverse=True)


def _read(path: str) -> tuple[int, int] | None:
    """(time in ns, bytes) of a collection; ``None`` where there was none.

    That is a folder of damaged objects, or of a collection killed before it took anything.
    """
    try:
        with open(path, "rb") as file:
            record = json.load(file)
        version = record["format"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise newer_format(path, version)
        numbers = record["created_ns"], record["size_bytes"]
        if version != FORMAT_VERSION or not all(isinstance(number, int) for number in numbers):
            raise _invalid(path)
        return numbers
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _invalid(path) from None


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
    packs = {}
    for name in _names(os.path.join(folder, "packs")):
        source = os.path.join(folder, "packs", name)
        sealed = read_rows(source)
        packs[pack_path(cache.packs_folder, sealed.id)] = sealed
        _share(source, pack_path(cache.packs_folder, sealed.id))
    for name in _names(os.path.join(folder, "objects")):
        _share(os.path.join(folder, "objects", name), cache.loose_path(bytes.fromhex(name)))
    cache.publish_packs(_without_worse_copies(cache, packs))
    # Last: an undo that is killed before has everything still here, and begins again.
    shutil.rmtree(folder)
    return matching[0]


def _without_worse_copies(cache: Cache, packs: dict[str, SealedPack]) -> list[SealedPack]:
    """The packs (by path) with the rows that are to be found again.

    Not what the cache has already, nor a damaged copy: a pack's own index still lists what was
    found damaged and mended elsewhere, and of two places for one object a segment keeps either.
    """
    times = Counter(row.digest for pack in packs.values() for row in unpack_rows(pack.rows))
    wanted = cache.missing(times)
    kept = []
    for path, pack in packs.items():
        fd = os.open(path, READ)
        try:
            rows = [
                pack.rows[at * ROW_BYTES : (at + 1) * ROW_BYTES]
                for at, row in enumerate(unpack_rows(pack.rows))
                if row.digest in wanted and (times[row.digest] == 1 or _is_good(fd, row, path))
            ]
        finally:
            os.close(fd)
        kept.append(replace(pack, rows=b"".join(rows)))
    return kept


def _is_good(fd: int, row: Location, path: str) -> bool:
    try:
        read_object(fd, row, where=path)
    except IntegrityError:
        return False
    return True


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
            record = _read(os.path.join(top, name, "entry.json"))
        except (OSError, IntegrityError):
            continue  # whoever asks for it by `undo` is told
        if record is None or record[0] >= older_than_ns:
            continue
        freed += record[1]
        shutil.rmtree(os.path.join(top, name))
    return freed
