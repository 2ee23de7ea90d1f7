"""The packed remote: objects in few large files that many clients may write at once.

Keys: ``format.json``; ``packs/xx/ID.pack``, the same bytes as in a cache; ``index/ID.seg``;
``objects/xx/REST``, large blobs whole (with ``.GENERATION`` where the first name is to be
deleted); ``pins/ID.json``; ``tombstones/KEY``.  Everything is named by its content, so a put
needs no condition; only ``format.json`` must not be replaced.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.objectstore.port import ObjectStore, missing_key
from assay.store.packs import damaged, newer_format
from assay.store.remote.memory import RemoteMemory, vanished
from assay.store.remote.packed.fetch import PackedFetch, read_any_copy
from assay.store.remote.packed.index import RemoteIndex, RemoteView, object_key
from assay.store.remote.packed.pins import LIFETIME_NS
from assay.store.remote.packed.push import PackedPush
from assay.store.remote.port import FetchReport, PushReport, RepairReport, VerifyReport

if TYPE_CHECKING:
    from assay.store.remote.packed.sweep import RemoteCollectReport

FORMAT_VERSION = 1
FORMAT_KEY = "format.json"


class PackedRemote:
    """A packed remote on any object store.

    ``state_dir`` keeps verified copies of index segments and the memory that this remote
    exists; it may be deleted at any time.
    """

    layout = "packed"

    def __init__(
        self,
        store: ObjectStore,
        *,
        state_dir: str | None = None,
        pin_lifetime_ns: int = LIFETIME_NS,
    ) -> None:
        self.store = store
        self.index = RemoteIndex(store, state_dir)
        self._memory = RemoteMemory(state_dir)
        self._pin_lifetime_ns = pin_lifetime_ns
        self._is_ready = False
        self._view: RemoteView | None = None

    def describe(self) -> str:
        """The place as people write it."""
        return self.store.describe()

    def missing(self, digests: set[bytes]) -> set[bytes]:
        """Those that a push would have to send."""
        if not self.is_ready():
            return set(digests)
        view = self.index.load()
        left = view.without(set(digests))
        return left - view.large(left).keys() if left else left

    def push(
        self,
        cache: Cache,
        wanted: dict[bytes, int],
        *,
        roots: list[bytes],
        progress: Progress = SILENT,
        jobs: int | None = None,
    ) -> PushReport:
        """Send what is missing; see :class:`assay.store.remote.port.Remote`."""
        self.ensure()
        return PackedPush(
            store=self.store,
            index=self.index,
            cache=cache,
            wanted=wanted,
            roots=roots,
            lifetime_ns=self._pin_lifetime_ns,
            progress=progress,
            jobs=jobs,
        ).run()

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
            if not self.is_ready():
                return FetchReport(missing=cache.missing(digests))
            return PackedFetch(
                store=self.store,
                index=self.index,
                cache=cache,
                kinds=digests,
                progress=progress,
                jobs=jobs,
            ).run()

    def read_object(self, digest: bytes, kind: int) -> bytes:
        """One small object, verified."""
        for look in range(2):
            if self._view is None or look:
                if not self.is_ready():
                    break
                self._view = self.index.load()
            data = read_any_copy(self.store, self._view, digest, kind)
            if data is not None:
                return data
        if self._view is not None and self._view.copies(digest):
            raise damaged(digest, self.describe())
        raise missing_key(object_key(digest), self.describe())

    def verify(self, *, progress: Progress = SILENT, sample: float | None = None) -> VerifyReport:
        """Read and compare everything there; see :class:`assay.store.remote.port.Remote`."""
        from assay.store.remote.packed.mend import check_packed

        if not self.is_ready():
            return VerifyReport()
        return check_packed(self.store, self.index, progress=progress, sample=sample)[1].report()

    def repair(self, cache: Cache, *, progress: Progress = SILENT) -> RepairReport:
        """Replace what is wrong by good copies; see :class:`assay.store.remote.port.Remote`."""
        from assay.store.remote.packed.repair import PackedRepair

        if not self.is_ready():
            return RepairReport()
        return PackedRepair(
            store=self.store,
            index=self.index,
            cache=cache,
            lifetime_ns=self._pin_lifetime_ns,
            progress=progress,
        ).run()

    def collect(
        self,
        live: dict[bytes, int],
        *,
        grace_ns: int = LIFETIME_NS,
        dry_run: bool = True,
        cache: Cache | None = None,
        progress: Progress = SILENT,
    ) -> RemoteCollectReport | None:
        """Condemn what is not needed, delete what was condemned a grace period ago.

        ``live``: digest to kind of everything that Git points to; manifests are expanded.
        ``None`` where there is no remote yet.
        """
        from assay.store.remote.packed.sweep import RemoteCollection

        if not self.is_ready():
            return None
        return RemoteCollection(
            store=self.store,
            index=self.index,
            live=live,
            grace_ns=grace_ns,
            lifetime_ns=self._pin_lifetime_ns,
            cache=cache,
            progress=progress,
        ).run(dry_run=dry_run)

    # -- the place itself -----------------------------------------------------------------

    def is_ready(self) -> bool:
        """Whether this is a packed remote by now; a place where nothing was pushed is not.

        Raises :class:`NotFound` ``remote-missing`` where there was one before.
        """
        if self._is_ready:
            return True
        try:
            data = self.store.get(FORMAT_KEY)
        except NotFound as error:
            if error.code == "remote-missing" or self._memory.was_seen():
                raise vanished(self.describe()) from None
            return False
        self._check_format(data)
        self._note_ready()
        return True

    def ensure(self) -> None:
        """Make the place a packed remote if it is nothing yet."""
        if not self._memory.was_seen():
            self.store.create()
        if self.is_ready():
            return
        content = {"format": FORMAT_VERSION, "layout": self.layout}
        data = json.dumps(content).encode() + b"\n"
        if not self.store.put(FORMAT_KEY, data, create_only=True):
            self._check_format(self.store.get(FORMAT_KEY))
        self._note_ready()

    def _note_ready(self) -> None:
        self._is_ready = True
        self._memory.remember(self.describe())

    def _check_format(self, data: bytes) -> None:
        where = f"{self.describe()}/{FORMAT_KEY}"
        try:
            content = json.loads(data)
            version, layout = content["format"], content["layout"]
        except (ValueError, KeyError, TypeError, RecursionError):
            version = layout = None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise newer_format(where, version)
        if version != FORMAT_VERSION or layout != self.layout:
            raise IntegrityError(
                "remote-invalid",
                f"{where} does not say that this is a packed remote.",
                why="The file was damaged, or the folder belongs to something else.",
                fix="Correct the remote's url, or restore that file.",
                paths=(where,),
            )
