"""Bringing objects from a packed remote: whole packs or runs of them, each object verified.

A pack of which most is wanted comes whole and keeps its name; of others, neighbouring objects
are read together and packed anew.  What does not match its digest never reaches the cache.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from blake3 import blake3

from assay.core.digest import ObjectKind, object_digest
from assay.core.progress import Progress
from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.durable import READ, disk_errors, publish, temporary_name
from assay.store.hashing import hash_large
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import PACK_TARGET_BYTES, ROW, ROW_BYTES, PackWriter, SealedPack
from assay.store.remote.packed.index import RemoteIndex, RemoteView, pack_key
from assay.store.remote.packed.stream import (
    is_plausible,
    read_remote_rows,
    row_length,
    row_offset,
    split_rows,
)
from assay.store.remote.port import FetchReport
from assay.store.workers import run_batches, worker_count

_WHOLE_SHARE = 0.8
_READ_BYTES = 4 << 20
_GAP_BYTES = 64 << 10
_PUBLISH_EVERY_SECONDS = 2.0
_LOOKS = 3


class PackFetch(NamedTuple):
    """Rows to bring from one pack, in the order of their places."""

    key: str
    pack_size: int
    rows: bytes
    is_whole: bool


class LargeFetch(NamedTuple):
    """A large blob to bring."""

    digest: bytes
    key: str


Batch = list[PackFetch] | LargeFetch


class Fetched(NamedTuple):
    """What became of a batch: packs ready to be published, and digests that did not come."""

    sealed: list[SealedPack]
    loose: int
    size_bytes: int
    damaged: dict[bytes, str]
    absent: set[bytes]


@dataclass(slots=True)
class PackedFetch:
    """One fetch; :meth:`run` is the verb.  For use inside ``cache.writing()``."""

    store: ObjectStore
    index: RemoteIndex
    cache: Cache
    kinds: dict[bytes, int]
    progress: Progress
    jobs: int | None
    _damaged: dict[bytes, str] = field(default_factory=dict)
    _brought: int = 0
    _size: int = 0

    def run(self) -> FetchReport:
        """Bring everything that can be brought."""
        left = self.cache.missing(self.kinds)
        for _ in range(_LOOKS):
            if not left:
                break
            view = self.index.load()
            batches, total = self._plan(view, left)
            if not batches:
                break
            absent = self._bring(batches, len(left), total)
            # What vanished since the look may have moved to another pack meanwhile.
            left = self.cache.missing(left) - self._damaged.keys()
            if not absent:
                break
        self._second_copies()
        return FetchReport(
            fetched=self._brought,
            size_bytes=self._size,
            missing=left - self._damaged.keys(),
            damaged=self._damaged,
        )

    # -- planning -------------------------------------------------------------------------

    def _plan(self, view: RemoteView, left: set[bytes]) -> tuple[list[Batch], int]:
        rows = view.rows_of(left)
        if len(rows) < len(left) and view.present != view.usable:
            rows |= view.rows_of(left - rows.keys(), prefixes=view.present)
        groups: dict[bytes, list[bytes]] = {}
        for row in rows.values():
            groups.setdefault(row[32:40], []).append(row)
        batches: list[Batch] = []
        parts: list[PackFetch] = []
        for prefix in sorted(groups):
            part = self._of_pack(view, view.pack_id(prefix), groups[prefix])
            if part.is_whole:
                batches.append([part])
            elif part.rows:
                parts.append(part)
        batches += _grouped(parts)
        large = view.large(left - rows.keys(), tombstoned=True) if len(rows) < len(left) else {}
        batches += [LargeFetch(digest, large[digest]) for digest in sorted(large)]
        return batches, sum(map(row_length, rows.values()))

    def _of_pack(self, view: RemoteView, pack_id: bytes, rows: list[bytes]) -> PackFetch:
        key, size = pack_key(pack_id), view.packs[pack_id]
        good = [row for row in rows if is_plausible(row, size)]
        if len(good) < len(rows):
            bad = {row[:32] for row in rows} - {row[:32] for row in good}
            self._damaged.update(dict.fromkeys(bad, key))
        good.sort(key=row_offset)
        weight = sum(map(row_length, good)) + len(good) * ROW_BYTES
        return PackFetch(key, size, b"".join(good), weight >= _WHOLE_SHARE * size)

    # -- bringing -------------------------------------------------------------------------

    def _bring(self, batches: list[Batch], items: int, size: int) -> set[bytes]:
        """Run the batches; what was no longer there."""
        task = self.progress.task("fetching", items=items, size_bytes=size)
        workers = worker_count(items, size, self.jobs) if self.store.in_processes else 1
        # Workers inherit the plans, which are large; what travels are their numbers.
        arguments = (self.store, self.cache.root, self.kinds, batches)
        absent: set[bytes] = set()
        publisher = Publisher(self.cache)
        try:
            for _, result in run_batches(Fetcher, arguments, range(len(batches)), workers=workers):
                publisher.take(result.sealed)
                self._damaged.update(result.damaged)
                absent |= result.absent
                count = result.loose + sum(pack.count for pack in result.sealed)
                self._brought += count
                self._size += result.size_bytes
                task.advance(count, result.size_bytes)
        finally:
            publisher.publish()
            task.done()
        return absent

    def _second_copies(self) -> None:
        """Objects whose bytes were bad, from any other pack that holds them."""
        if not self._damaged:
            return
        view = self.index.load()
        for digest in list(self._damaged):
            kind = self.kinds.get(digest)
            if kind is None:
                del self._damaged[digest]  # came along unasked; its absence harms nobody
                continue
            data = read_any_copy(self.store, view, digest, kind)
            if data is not None:
                self.cache.put(kind, {digest: data})
                self._brought += 1
                self._size += len(data)
                del self._damaged[digest]


class Publisher:
    """Makes packs of the cache findable as they come: a killed fetch does not start over."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._sealed: list[SealedPack] = []
        self._last = time.monotonic()

    def take(self, sealed: list[SealedPack]) -> None:
        """Take packs in; a segment for each would cost too much."""
        self._sealed += sealed
        if self._sealed and time.monotonic() - self._last > _PUBLISH_EVERY_SECONDS:
            self.publish()

    def publish(self) -> None:
        """Make all of them findable."""
        self._cache.publish_packs(self._sealed)
        self._sealed = []
        self._last = time.monotonic()


def _grouped(parts: list[PackFetch]) -> Iterator[list[PackFetch]]:
    """Parts of several packs together, so that a new local pack is worth its file."""
    group: list[PackFetch] = []
    size = 0
    for part in parts:
        group.append(part)
        size += sum(fields[3] for fields in ROW.iter_unpack(part.rows))
        if size >= PACK_TARGET_BYTES // 4:
            yield group
            group, size = [], 0
    if group:
        yield group


class Fetcher:
    """A worker that reads from the remote, verifies, and writes packs of the cache."""

    def __init__(
        self, store: ObjectStore, cache_root: str, kinds: dict[bytes, int], batches: list[Batch]
    ) -> None:
        self._store = store
        self._batches = batches
        self._cache = Cache(cache_root)
        self._kinds = kinds
        self._writer = self._cache.pack_writer()

    def run(self, at: int) -> Fetched:
        """Bring one batch."""
        batch = self._batches[at]
        result = Fetched([], 0, 0, {}, set())
        if isinstance(batch, LargeFetch):
            return self._large(batch)
        size = 0
        for part in batch:
            try:
                size += self._whole(part, result) if part.is_whole else self._part(part, result)
            except NotFound:
                result.absent.update(_digests(part.rows))
        return result._replace(size_bytes=size)

    def finish(self) -> Fetched:
        """Seal the pack of what came in parts."""
        pack = self._writer.seal()
        return Fetched([pack] if pack is not None else [], 0, 0, {}, set())

    def abandon(self) -> None:
        """Drop the unfinished pack."""
        self._writer.abandon()

    def _part(self, part: PackFetch, result: Fetched) -> int:
        return self._copy(part.key, split_rows(part.rows), self._writer, result)

    def _whole(self, part: PackFetch, result: Fetched) -> int:
        """All good objects of a pack; if that is all of them, it keeps its bytes and name."""
        try:
            pack = read_remote_rows(self._store, part.key, part.pack_size)
        except IntegrityError as error:
            if error.code == "store-newer-format":
                raise
            return self._part(part, result)  # the index has rows for it too
        rows = [row for row in split_rows(pack.rows) if is_plausible(row, part.pack_size)]
        rows.sort(key=row_offset)
        writer = self._cache.pack_writer()
        try:
            size = self._copy(part.key, rows, writer, result)
            sealed = writer.seal()
        finally:
            writer.abandon()
        if sealed is not None:
            result.sealed.append(sealed)
        return size

    def _copy(self, key: str, rows: list[bytes], writer: PackWriter, result: Fetched) -> int:
        """Append the verified objects of ``rows`` to ``writer``; their bytes."""
        size = 0
        for start, length, members in runs_of(rows):
            block = self._store.get_range(key, start, length)
            for digest, offset, stored, kind in members:
                data = block[offset - start : offset - start + stored]
                kind = self._kinds.get(digest, kind)
                if not is_good(data, digest, kind):
                    result.damaged[digest] = key
                    continue
                writer.append(digest, kind, data)
                size += stored
            if writer is self._writer and writer.is_full and (pack := writer.seal()) is not None:
                result.sealed.append(pack)
        return size

    def _large(self, batch: LargeFetch) -> Fetched:
        try:
            size = fetch_large(self._store, self._cache, batch.digest, batch.key)
        except NotFound:
            return Fetched([], 0, 0, {}, {batch.digest})
        if size is None:
            return Fetched([], 0, 0, {batch.digest: batch.key}, set())
        return Fetched([], 1, size, {}, set())


def is_good(data: bytes, digest: bytes, kind: int) -> bool:
    """Whether bytes are the object of that digest and kind."""
    if kind == ObjectKind.BLOB:
        return bool(blake3(data).digest() == digest)
    return object_digest(kind, data) == digest


def _digests(joined: bytes) -> set[bytes]:
    return {joined[at : at + 32] for at in range(0, len(joined), ROW_BYTES)}


def runs_of(rows: Iterable[bytes]) -> Iterator[tuple[int, int, list[tuple[bytes, int, int, int]]]]:
    """Stretches to read at once: neighbours, across small gaps, of about a block each."""
    start = end = 0
    members: list[tuple[bytes, int, int, int]] = []
    for row in rows:
        digest, _, offset, stored, _, kind, _, _ = ROW.unpack(row)
        apart = offset > end + _GAP_BYTES or offset < start
        if members and (apart or max(end, offset + stored) - start > _READ_BYTES):
            yield start, end - start, members
            members = []
        if not members:
            start = end = offset
        members.append((digest, offset, stored, kind))
        end = max(end, offset + stored)
    if members:
        yield start, end - start, members


def fetch_large(store: ObjectStore, cache: Cache, digest: bytes, key: str) -> int | None:
    """Bring a large blob as a loose object: its size, or ``None`` when its bytes are bad."""
    found = store.head(key)
    if found is None:
        raise NotFound("remote-object-missing", f"{key} is gone.")
    temporary = temporary_name(cache.tmp_folder, "loose")
    try:
        with disk_errors(temporary):
            try:
                store.get_file(key, temporary, found.size)
            except IntegrityError:
                return None
            os.chmod(temporary, 0o444)
            fd = os.open(temporary, READ)
            try:
                # What is hashed is what was written, wherever in between it went wrong.
                if hash_large(fd) != digest:
                    return None
                os.fsync(fd)
            finally:
                os.close(fd)
            publish(temporary, cache.loose_path(digest))
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return found.size


def read_any_copy(store: ObjectStore, view: RemoteView, digest: bytes, kind: int) -> bytes | None:
    """An object's verified bytes from whichever pack has them whole."""
    for place in view.copies(digest):
        pack_id = view.pack_id(place.pack)
        if not is_plausible(ROW.pack(*place), view.packs[pack_id]):
            continue
        try:
            data = store.get_range(pack_key(pack_id), place.offset, place.stored_length)
        except NotFound:
            continue
        if is_good(data, digest, kind):
            return data
    return None
