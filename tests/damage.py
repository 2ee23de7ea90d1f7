"""Ways to damage stored objects, each as a disk, a program or a person would."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from assay.store.cache import Cache
from projects import flip, overwrite, writable


def place_of(cache_folder: Path, digest: bytes) -> tuple[Path, int, int]:
    """(file, offset, length) of an object in a cache."""
    cache = Cache(os.fspath(cache_folder))
    try:
        found = cache.locate(digest)
        if found is None:
            path = Path(cache.loose_path(digest))
            return path, 0, path.stat().st_size
        return Path(cache.pack_name(found.pack)), found.offset, found.stored_length
    finally:
        cache.close()


def flipped(cache_folder: Path, digest: bytes) -> None:
    """One bit of the object's bytes is wrong."""
    path, offset, length = place_of(cache_folder, digest)
    overwrite(path, lambda data: flip(data, offset + length // 2))


def truncated(cache_folder: Path, digest: bytes) -> None:
    """The file ends in the middle of the object."""
    path, offset, length = place_of(cache_folder, digest)
    overwrite(path, lambda data: data[: offset + length // 2])


def swapped(cache_folder: Path, digest: bytes) -> None:
    """Other bytes of the same length are in the object's place."""
    path, offset, length = place_of(cache_folder, digest)
    overwrite(path, lambda data: data[:offset] + b"\xa5" * length + data[offset + length :])


def missing(cache_folder: Path, digest: bytes) -> None:
    """The file that holds the object is gone."""
    path, _, _ = place_of(cache_folder, digest)
    with writable(path.parent):
        path.unlink()


DAMAGES: dict[str, Callable[[Path, bytes], None]] = {
    "flipped": flipped,
    "truncated": truncated,
    "swapped": swapped,
    "missing": missing,
}
