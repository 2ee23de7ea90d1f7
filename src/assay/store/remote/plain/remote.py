"""The plain remote: one file per object, ``files/ALGORITHM/xx/REST``, as DVC lays them out.

There is no index and nothing to collect beside the files themselves; who may read the folder
can check any of them with ``b3sum``.  Manifest nodes lie among the contents.
"""

from __future__ import annotations

from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import damaged
from assay.store.remote.memory import RemoteMemory, vanished
from assay.store.remote.packed.fetch import Publisher, is_good
from assay.store.remote.packed.stream import DamagedSource
from assay.store.remote.packed.upload import large_blocks
from assay.store.remote.plain.transfer import (
    PlainChecker,
    PlainFetcher,
    PlainPlace,
    PlainSender,
    Tally,
    batches_of,
    by_rank,
    local_sizes,
)
from assay.store.remote.port import FetchReport, PushReport, RepairReport, VerifyReport
from assay.store.workers import run_batches, worker_count


class PlainRemote:
    """A plain remote on any object store."""

    layout = "plain"

    def __init__(
        self, store: ObjectStore, *, algorithm: str = "blake3", state_dir: str | None = None
    ) -> None:
        self.store = store
        self._memory = RemoteMemory(state_dir)
        self._place = PlainPlace(store, f"files/{algorithm}/")

    def describe(self) -> str:
        """The place as people write it."""
        return self.store.describe()

    def missing(self, digests: set[bytes]) -> set[bytes]:
        """Those that a push would have to send."""
        if digests and self._memory.was_seen() and not any(self.store.list(self._place.top)):
            raise vanished(self.describe())
        return digests - self._place.sizes(digests).keys()

    def push(
        self,
        cache: Cache,
        wanted: dict[bytes, int],
        *,
        roots: list[bytes],
        progress: Progress = SILENT,
        jobs: int | None = None,
    ) -> PushReport:
        """Send what is missing; see :class:`assay.store.remote.port.Remote`.

        The roots go last, so that whoever finds a manifest finds what it lists.
        """
        if not self._memory.was_seen():
            self.store.create()
        left = self.missing(set(wanted))
        total = PushReport()
        task = progress.task("pushing", items=len(left))
        try:
            for group in by_rank(left, wanted, set(roots)):
                size = local_sizes(cache, group)
                batches = list(batches_of(group, size))
                workers = self._workers(len(group), sum(size.values()), jobs)
                arguments = (self._place, cache.root, wanted, batches)
                numbers = range(len(batches))
                for at, sent in run_batches(PlainSender, arguments, numbers, workers=workers):
                    if at is not None:
                        task.advance(len(batches[at]), sent)
                        total = PushReport(
                            objects=total.objects + len(batches[at]),
                            size_bytes=total.size_bytes + sent,
                        )
        finally:
            task.done()
        self._memory.remember(self.describe())
        return total

    def _workers(self, items: int, size: int, jobs: int | None) -> int:
        return worker_count(items, size, jobs) if self.store.in_processes else 1

    def fetch(
        self,
        cache: Cache,
        digests: dict[bytes, int],
        *,
        progress: Progress = SILENT,
        jobs: int | None = None,
    ) -> FetchReport:
        """Bring what the cache lacks; see :class:`assay.store.remote.port.Remote`."""
        with cache.writing(progress):
            left = cache.missing(digests)
            sizes = self._place.sizes(left)
            batches = list(batches_of(sorted(sizes), sizes))
            total = sum(sizes.values())
            tally = Tally()
            task = progress.task("fetching", items=len(sizes), size_bytes=total)
            workers = self._workers(len(sizes), total, jobs)
            arguments = (self._place, cache.root, digests, sizes, batches)
            numbers = range(len(batches))
            publisher = Publisher(cache)
            try:
                for _, result in run_batches(PlainFetcher, arguments, numbers, workers=workers):
                    publisher.take(result.sealed)
                    tally.add(result)
                    task.advance(result.brought, result.size_bytes)
            finally:
                publisher.publish()
                task.done()
        return FetchReport(
            fetched=tally.count,
            size_bytes=tally.size_bytes,
            missing=(left - sizes.keys()) | tally.absent,
            damaged=tally.damaged,
        )

    def read_object(self, digest: bytes, kind: int) -> bytes:
        """One small object, verified."""
        data = self.store.get(self._place.key(digest))
        if not is_good(data, digest, kind):
            raise damaged(digest, f"{self.describe()}/{self._place.key(digest)}")
        return data

    def verify(self, *, progress: Progress = SILENT, sample: float | None = None) -> VerifyReport:
        """Read and compare everything there; see :class:`assay.store.remote.port.Remote`."""
        listed = sorted(self._place.listed())
        if sample is not None and listed:
            step = max(1, round(1 / max(sample, 1e-6)))
            listed = listed[self.store.now_ns() // 1000 % min(step, len(listed)) :: step]
        sizes = dict(listed)
        batches = list(batches_of(list(sizes), sizes))
        total = sum(sizes.values())
        task = progress.task("verifying", items=len(sizes), size_bytes=total)
        bad: dict[bytes, str] = {}
        try:
            workers = self._workers(len(sizes), total, None)
            numbers = range(len(batches))
            for at, result in run_batches(
                PlainChecker, (self._place, sizes, batches), numbers, workers=workers
            ):
                if at is not None:
                    bad.update((digest, self._place.key(digest)) for digest in result)
                    task.advance(len(batches[at]), sum(sizes[d] for d in batches[at]))
        finally:
            task.done()
        return VerifyReport(checked=len(sizes), size_bytes=total, damaged=bad)

    def repair(self, cache: Cache, *, progress: Progress = SILENT) -> RepairReport:
        """Replace what is wrong by good copies; what none is found for is removed.

        A damaged file that stays would count as there, and no push would heal it.
        """
        bad = set(self.verify(progress=progress).damaged)
        unrepaired: set[bytes] = set()
        for digest in sorted(bad):
            if not self._replace(cache, digest):
                self.store.delete(self._place.key(digest))
                unrepaired.add(digest)
        return RepairReport(repaired=len(bad - unrepaired), unrepaired=unrepaired)

    def _replace(self, cache: Cache, digest: bytes) -> bool:
        place = cache.locate(digest)
        try:
            if place is not None:
                self.store.put(self._place.key(digest), cache.read(digest, place.kind))
            else:
                self.store.put_blocks(
                    self._place.key(digest), large_blocks(cache.loose_path(digest), digest)
                )
        except (IntegrityError, NotFound, DamagedSource, FileNotFoundError):
            return False
        return True
