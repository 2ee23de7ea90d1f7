"""Small data sets for the tests of the store: lay one out, take it in, write it out again."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from assay.core.digest import object_digest
from assay.core.manifest import Entry, from_entries
from assay.errors import AssayError
from assay.store.batches import batches_of
from assay.store.cache import Cache
from assay.store.index import FolderRow, WorkspaceIndex
from assay.store.ingest import IngestOptions, ingest
from assay.store.packs import read_rows, unpack_rows
from assay.store.restore import RestoreOptions, restore
from assay.store.segments import Segment
from assay.store.walk import STAT_FIELDS, walk_batch

Files = dict[bytes, bytes]
Disk = Callable[[str], Path]
"""Mounts a small file system: the fixture `disk`."""


def blob(data: bytes) -> bytes:
    """The digest of a file's content."""
    return blake3(data).digest()


def lay(root: Path, files: Mapping[bytes, bytes]) -> Path:
    """Write `files` below `root`; a path that ends in `/` is an empty folder."""
    for path, data in files.items():
        place = os.path.join(os.fsencode(root), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if not path.endswith(b"/"):
            with open(place, "wb") as file:
                file.write(data)
    return root


def contents(root: Path) -> Files:
    """Every file below `root` with its content; links are read through."""
    found: Files = {}
    top = os.fsencode(root)
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, top)] = file.read()
    return found


def some_files(count: int, *, seed: int = 1, largest: int = 4000) -> Files:
    """`count` small files in a few folders, always the same for a seed."""
    chance = random.Random(seed)
    return {
        b"f%02d/n%05d" % (n % 7, n): chance.randbytes(chance.randrange(largest))
        for n in range(count)
    }


def take_in(
    cache: Cache, root: Path, *, top: bytes = b"", keep_links: bool = False, **options: Any
) -> Files:
    """Walk and ingest a folder; the digest of every path."""
    scans = list(walk_batch(os.fsencode(root), top, keep_links=keep_links))
    digests: Files = {}
    with cache.writing():
        for batch, result in ingest(
            cache, os.fsencode(root), scans, IngestOptions(**options), sleep=lambda _: None
        ):
            for at, name in enumerate(batch.names):
                path = os.path.join(batch.rel, name)
                digests[path] = result.digests[at * 32 : at * 32 + 32]
    return digests


def write_out(
    cache: Cache,
    root: Path,
    entries: Iterable[Entry],
    *,
    replaces: dict[bytes, tuple[int, ...]] | None = None,
    **options: Any,
) -> dict[bytes, AssayError]:
    """Restore `entries` below `root`; what went wrong, by path."""
    batches = list(batches_of(from_entries(list(entries)), b"", replaces or {}))
    failed = {}
    for batch, result in restore(cache, os.fsencode(root), batches, RestoreOptions(**options)):
        for at, error in result.failed.items():
            failed[os.path.join(batch.rel, batch.names[at])] = error
        assert len(result.stats) == 5 * len(batch.names)
    return failed


def entries_of(files: Mapping[bytes, bytes], kind: int = 0) -> list[Entry]:
    """Manifest rows for files with these contents."""
    return [Entry(path, len(data), kind, blob(data)) for path, data in files.items()]


def store(cache: Cache, *contents: bytes) -> list[bytes]:
    """Put small blobs into the cache; their digests."""
    with cache.writing():
        cache.put(0, {blob(data): data for data in contents})
    return [blob(data) for data in contents]


def check_everything(cache_root: Path) -> set[bytes]:
    """Assert that every visible byte of a cache is what its name says; all digests found."""
    cache = Cache(str(cache_root))
    found: set[bytes] = set()
    for path in (cache_root / "packs").rglob("*.pack"):
        pack = read_rows(str(path))
        assert path.stem == pack.id.hex()
        assert path.parent.name == pack.id.hex()[:2]
    for path in (cache_root / "index").glob("*"):
        assert path.suffix == ".seg"
        segment = Segment.open(str(path))
        segment.check()
        assert path.stem == segment.id.hex()
        for pack_id, size in segment.packs.items():
            assert os.path.getsize(cache.pack_path(pack_id)) == size
            rows = {
                row.digest: row for row in unpack_rows(read_rows(cache.pack_path(pack_id)).rows)
            }
            for row in segment.locations():
                if row.pack == pack_id[:8]:
                    assert rows[row.digest] == row._replace(pack=bytes(8))
        for row in segment.locations():
            assert object_digest(row.kind, cache.read(row.digest, row.kind)) == row.digest
            found.add(row.digest)
    for digest in cache.loose_digests():
        path = Path(cache.loose_path(digest))
        assert blob(path.read_bytes()) == digest
        found.add(digest)
    cache.close()
    return found


def folder(path: bytes, *names: bytes, seed: int = 0, stamp: int = 100) -> FolderRow:
    """What the index might know of a folder."""
    chance = random.Random(seed)
    return FolderRow(
        path,
        b"\0".join(sorted(names)),
        chance.randbytes(8 * STAT_FIELDS * len(names)),
        chance.randbytes(32 * len(names)),
        stamp,
        bool(seed % 2),
    )


def large(path: bytes, seed: int, count: int = 9000) -> FolderRow:
    """A folder of so many names that the index cuts it into parts."""
    return folder(path, *(b"n%06d" % n for n in range(count)), seed=seed)


def put(index: WorkspaceIndex, *rows: FolderRow) -> None:
    """Put folders into the index, all or none."""
    with index.transaction():
        index.put_folders(rows)
