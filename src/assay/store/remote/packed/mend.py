"""Checking every object of a packed remote, and putting good copies in place of bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from blake3 import blake3

from assay.core.progress import Progress
from assay.errors import AssayError, IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import ROW_BYTES, PackWriter, SealedPack, pack_path
from assay.store.remote.packed.fetch import is_good, runs_of
from assay.store.remote.packed.index import (
    OBJECTS,
    RemoteIndex,
    RemoteView,
    object_digest_of,
    pack_key,
    segment_key,
)
from assay.store.remote.packed.stream import (
    BLOCK_BYTES,
    PackPlan,
    avoiding,
    is_plausible,
    lay_out_whole,
    pack_blocks,
    read_remote_rows,
    row_offset,
    split_rows,
)
from assay.store.remote.port import VerifyReport
from assay.store.segments import rows_with_prefix
from assay.store.workers import run_batches, worker_count


class Checked(NamedTuple):
    """What was found in one pack or large object; ``is_invalid``: a pack not readable alone."""

    checked: int
    size_bytes: int
    damaged: list[bytes]
    is_invalid: bool = False
    is_gone: bool = False


class PackCheck(NamedTuple):
    """A pack to read, with the rows that the index has for it, by place."""

    key: str
    size: int
    rows: bytes


class LargeCheck(NamedTuple):
    """A large object to read."""

    key: str
    size: int
    digest: bytes


Check = PackCheck | LargeCheck


@dataclass(slots=True)
class Findings:
    """Everything a check found, as a repair needs it."""

    checked: int = 0
    size_bytes: int = 0
    bad_rows: dict[bytes, set[bytes]] = field(default_factory=dict)
    invalid_packs: set[bytes] = field(default_factory=set)
    bad_large: dict[bytes, str] = field(default_factory=dict)
    missing: dict[bytes, bytes] = field(default_factory=dict)
    broken_segments: list[bytes] = field(default_factory=list)

    def report(self) -> VerifyReport:
        """The findings for people: a digest with a good copy elsewhere is damaged all the same."""
        damaged = {
            digest: pack_key(pack_id)
            for pack_id, digests in self.bad_rows.items()
            for digest in digests
        }
        invalid = [pack_key(pack_id) for pack_id in sorted(self.invalid_packs)]
        invalid += [segment_key(segment_id) for segment_id in self.broken_segments]
        return VerifyReport(
            checked=self.checked,
            size_bytes=self.size_bytes,
            damaged={**damaged, **self.bad_large},
            missing=set(self.missing),
            invalid=invalid,
        )


def check_packed(
    store: ObjectStore,
    index: RemoteIndex,
    *,
    progress: Progress,
    sample: float | None = None,
    jobs: int | None = None,
) -> tuple[RemoteView, Findings]:
    """Read everything the index names, or about the fraction ``sample`` of its files."""
    found = Findings()
    view = index.load(broken=found.broken_segments)
    groups = rows_by_pack(view)
    for prefix in groups.keys() - view.present:
        found.missing.update((row[:32], row) for row in groups[prefix])
    if found.missing:
        there = view.rows_of(set(found.missing), prefixes=view.present)
        found.missing = {d: row for d, row in found.missing.items() if d not in there}
    batches: list[Check] = [*_pack_checks(view, groups), *_large_checks(view)]
    if sample is not None and batches:
        step = max(1, round(1 / max(sample, 1e-6)))
        batches = batches[store.now_ns() // 1000 % min(step, len(batches)) :: step]
    size = sum(batch.size for batch in batches)
    items = sum(_item_count(batch) for batch in batches)
    task = progress.task("verifying", items=items, size_bytes=size)
    workers = worker_count(items, size, jobs) if store.in_processes else 1
    try:
        arguments = (store, batches)
        numbers = range(len(batches))
        for at, result in run_batches(Checker, arguments, numbers, workers=workers):
            if at is not None:
                _take(found, batches[at], result)
                task.advance(result.checked, result.size_bytes)
    finally:
        task.done()
    return view, found


def rows_by_pack(view: RemoteView) -> dict[bytes, list[bytes]]:
    """Every row of the index by its pack's prefix."""
    groups: dict[bytes, dict[bytes, bytes]] = {}
    for segment in view.segments:
        for row in segment.rows():
            groups.setdefault(row[32:40], {})[row[:32]] = row
    return {prefix: list(rows.values()) for prefix, rows in groups.items()}


def _pack_checks(view: RemoteView, groups: dict[bytes, list[bytes]]) -> Iterator[PackCheck]:
    for prefix in sorted(groups.keys() & view.usable):
        pack_id = view.pack_id(prefix)
        rows = sorted(groups[prefix], key=row_offset)
        yield PackCheck(pack_key(pack_id), view.packs[pack_id], b"".join(rows))


def _large_checks(view: RemoteView) -> Iterator[LargeCheck]:
    for row in view.store.list(OBJECTS):
        digest = object_digest_of(row.key)
        if digest is not None and not view.is_tombstoned(row.key):
            yield LargeCheck(row.key, row.size, digest)


def _item_count(batch: Check) -> int:
    return len(batch.rows) // ROW_BYTES if isinstance(batch, PackCheck) else 1


def _take(found: Findings, batch: Check, result: Checked) -> None:
    if result.is_gone:
        return  # swept meanwhile
    found.checked += result.checked
    found.size_bytes += result.size_bytes
    if isinstance(batch, LargeCheck):
        if result.damaged:
            found.bad_large[batch.digest] = batch.key
        return
    pack_id = bytes.fromhex(batch.key.rsplit("/", 1)[-1].removesuffix(".pack"))
    if result.damaged:
        found.bad_rows[pack_id] = set(result.damaged)
    if result.is_invalid:
        found.invalid_packs.add(pack_id)


class Checker:
    """A worker that reads packs and large objects and compares every digest."""

    def __init__(self, store: ObjectStore, batches: list[Check]) -> None:
        self._store = store
        self._batches = batches

    def run(self, at: int) -> Checked:
        """Read one."""
        batch = self._batches[at]
        try:
            if isinstance(batch, PackCheck):
                return self._pack(batch)
            good = hash_remote(self._store, batch.key, batch.size) == batch.digest
        except NotFound:
            return Checked(0, 0, [], is_gone=True)
        return Checked(1, batch.size, [] if good else [batch.digest])

    def _pack(self, batch: PackCheck) -> Checked:
        rows = split_rows(batch.rows)
        bad = [row[:32] for row in rows if not is_plausible(row, batch.size)]
        rows = [row for row in rows if is_plausible(row, batch.size)]
        try:
            read_remote_rows(self._store, batch.key, batch.size)
            is_invalid = False
        except IntegrityError as error:
            if error.code == "store-newer-format":
                raise
            is_invalid = True
        size = 0
        for digest, _, data in good_and_bad(self._store, batch.key, rows):
            if data is None:
                bad.append(digest)
            else:
                size += len(data)
        return Checked(len(batch.rows) // ROW_BYTES, size, bad, is_invalid)

    def finish(self) -> None:
        """Nothing is kept between batches."""

    def abandon(self) -> None:
        """Nothing is kept between batches."""


def good_and_bad(
    store: ObjectStore, key: str, rows: list[bytes]
) -> Iterator[tuple[bytes, int, bytes | None]]:
    """``(digest, kind, bytes)`` of rows in order of place; no bytes where they are bad."""
    for start, length, members in runs_of(rows):
        block = store.get_range(key, start, length)
        for digest, offset, stored, kind in members:
            data = block[offset - start : offset - start + stored]
            yield digest, kind, data if is_good(data, digest, kind) else None


def hash_remote(store: ObjectStore, key: str, size: int) -> bytes:
    """BLAKE3 of a remote file, read in blocks."""
    hasher = blake3()
    for at in range(0, size, BLOCK_BYTES):
        hasher.update(store.get_range(key, at, BLOCK_BYTES))
    return hasher.digest()


class Repacker:
    """Packs made of verified objects in a temporary folder, then put on the remote."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._writer = PackWriter(folder, folder)
        self._sealed: list[SealedPack] = []
        self.lost: set[bytes] = set()

    def copy(
        self, store: ObjectStore, key: str, rows: list[bytes], cache: Cache | None = None
    ) -> None:
        """Take over the objects of ``rows``, by place: from the remote, else from ``cache``."""
        for digest, kind, data in good_and_bad(store, key, rows):
            self.add(digest, kind, data if data is not None else from_cache(cache, digest, kind))

    def add(self, digest: bytes, kind: int, data: bytes | None) -> None:
        """Take an object in, or note that it is lost."""
        if data is None:
            self.lost.add(digest)
            return
        self._writer.append(digest, kind, data)
        if self._writer.is_full:
            self.seal()

    def seal(self) -> None:
        """Finish the present pack."""
        pack = self._writer.seal()
        if pack is not None:
            self._sealed.append(pack)

    def plans(self, avoid: set[bytes]) -> list[PackPlan]:
        """The finished packs as they will be on the remote, under ids not in ``avoid``."""
        self.seal()
        whole = [lay_out_whole(pack, rows_with_prefix(pack)) for pack in self._sealed]
        return [avoiding(plan, avoid) for plan in whole]

    def send(self, store: ObjectStore, plans: list[PackPlan]) -> None:
        """Upload them."""
        places = {pack.id[:8]: pack_path(self._folder, pack.id) for pack in self._sealed}
        for plan in plans:
            store.put_blocks(pack_key(plan.id), pack_blocks(plan, places))

    @classmethod
    @contextmanager
    def open(cls, parent: str | None) -> Iterator[Repacker]:
        """A repacker in a fresh folder that goes with the block."""
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="assay-repack-", dir=parent)
        try:
            yield cls(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def from_cache(cache: Cache | None, digest: bytes, kind: int) -> bytes | None:
    """A good copy of a small object from the cache, where it has one."""
    if cache is None:
        return None
    try:
        return cache.read(digest, kind)
    except (AssayError, OSError):
        return None
