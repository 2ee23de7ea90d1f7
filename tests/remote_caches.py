"""Caches with known objects, for tests of remotes."""

from __future__ import annotations

import random
from pathlib import Path

from assay.core.digest import ObjectKind, object_digest
from assay.store.cache import Cache
from assay.store.ingest import write_loose

BLOB, NODE = int(ObjectKind.BLOB), int(ObjectKind.NODE)


def blobs(count: int, *, seed: int = 0, size: int = 500) -> dict[bytes, bytes]:
    """Objects of about ``size`` bytes by digest."""
    chance = random.Random(seed)
    contents = [chance.randbytes(chance.randint(1, 2 * size)) for _ in range(count)]
    return {object_digest(BLOB, data): data for data in contents}


def nodes(count: int, *, seed: int = 0) -> dict[bytes, bytes]:
    """Objects of the node kind; nothing here looks inside them."""
    chance = random.Random(seed)
    contents = [chance.randbytes(chance.randint(1, 2000)) for _ in range(count)]
    return {object_digest(NODE, data): data for data in contents}


def make_cache(path: Path, *groups: dict[bytes, bytes], kind: int = BLOB) -> Cache:
    """A cache with one pack for each group."""
    cache = Cache(str(path))
    with cache.writing():
        for group in groups:
            cache.put(kind, group)
    return cache


def add_large(cache: Cache, size: int = 700_000, *, seed: int = 0) -> bytes:
    """Put one large blob into a cache, as a loose object; its digest."""
    data = random.Random(seed).randbytes(size)
    digest = object_digest(BLOB, data)
    with cache.writing():
        write_loose(cache, digest, data)
    return digest


def kinds(*groups: dict[bytes, bytes], kind: int = BLOB) -> dict[bytes, int]:
    """Digest to kind of every object in the groups."""
    return {digest: kind for group in groups for digest in group}


def contents(cache: Cache, wanted: dict[bytes, int]) -> dict[bytes, bytes]:
    """Everything wanted, read and verified."""
    cache.refresh()
    return {digest: cache.read(digest, kind) for digest, kind in wanted.items()}
