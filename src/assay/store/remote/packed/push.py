"""Sending objects to a packed remote, safely beside other pushes and collectors.

The order is: look, plan, pin, upload, look again, publish.  The pin lists every pack relied
on or about to be published.  A collector that overlooked the pin had written its tombstones
before the pin existed, so the second look sees them; any other collector sees the pin.  A
tombstoned name is dead: what lies under it counts as absent and is sent under another name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from assay.core.progress import Progress
from assay.errors import AssayError, IntegrityError, NotFound, Temporary
from assay.store.cache import Cache, is_packed_size
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import PACK_TARGET_BYTES, RAW, ROW, ROW_BYTES, damaged, read_rows
from assay.store.remote.packed.index import (
    RemoteIndex,
    RemoteView,
    object_key,
    pack_key,
    rows_among,
)
from assay.store.remote.packed.pins import Pin, PinExpired
from assay.store.remote.packed.segments import merge_segments, publish_segment
from assay.store.remote.packed.stream import (
    NO_PREFIX,
    PackPlan,
    avoiding,
    lay_out_many,
    lay_out_whole,
    row_length,
    row_offset,
)
from assay.store.remote.packed.upload import LargeUpload, PackUpload, Uploaded, Uploader, extent
from assay.store.remote.port import PushReport
from assay.store.segments import rows_with_prefix
from assay.store.workers import run_batches, worker_count

_WHOLE_SHARE = 0.8
_ROUNDS = 20
_RENEW_EVERY_BYTES = PACK_TARGET_BYTES


@dataclass(slots=True)
class _Sent:
    """What this push has uploaded under its present pin; nothing of it is published yet."""

    packs: dict[bytes, PackPlan] = field(default_factory=dict)
    large: dict[bytes, LargeUpload] = field(default_factory=dict)


@dataclass(slots=True)
class PackedPush:
    """One push; :meth:`run` is the verb, the other methods are its steps."""

    store: ObjectStore
    index: RemoteIndex
    cache: Cache
    wanted: dict[bytes, int]
    roots: list[bytes]
    lifetime_ns: int
    progress: Progress
    jobs: int | None
    _sent: _Sent = field(default_factory=_Sent)
    _distrusted: set[bytes] = field(default_factory=set)
    _seen: tuple[list[bytes], set[bytes], set[bytes]] | None = None

    def run(self) -> PushReport:
        """Push under one pin after another, until one of them lives to the end."""
        for _ in range(_ROUNDS):
            pin = Pin(self.store, self.roots, lifetime_ns=self.lifetime_ns)
            self._sent = _Sent()
            try:
                return self._run_pinned(pin)
            except PinExpired:
                continue
            except (IntegrityError, NotFound):
                _drop(pin)
                raise
        raise _restless(self.store.describe())

    def _run_pinned(self, pin: Pin) -> PushReport:
        is_pinned = False
        for _ in range(_ROUNDS):
            view = self.index.load()
            relied, left = self._split(view)
            # Only a look that began after the pin was written can be the last one.
            if is_pinned and not left and relied <= pin.keys:
                self._publish(view)
                pin.require_alive()
                return self._report()
            packs, large = self._plan(view, left) if left else ([], [])
            pin.cover(relied, (up.key for up in packs), (up.key for up in large))
            self._upload(view, packs, large, pin)
            is_pinned = True
        raise _restless(self.store.describe())

    # -- looking --------------------------------------------------------------------------

    def _split(self, view: RemoteView) -> tuple[set[str], set[bytes]]:
        """Keys of packs and large objects that hold wanted ones, and the digests that none has."""
        found, left = self._rows(view)
        relied = {pack_key(view.pack_id(prefix)) for prefix in found}
        for pack_id, plan in self._sent.packs.items():
            if _is_there(view, pack_id):
                relied.add(pack_key(pack_id))
                left = left.difference(digests_of(plan.rows))
        large = view.large(left) if left else {}
        return relied.union(large.values()), left - large.keys()

    def _rows(self, view: RemoteView) -> tuple[set[bytes], set[bytes]]:
        """``(prefixes of packs with wanted rows, digests without one)``."""
        ids = [segment.id for segment in view.segments]
        if self._seen is not None and self._seen[0] == ids and self._seen[1] <= view.usable:
            return self._seen[1], self._seen[2]
        wanted = set(self.wanted)
        rows = view.rows_of(wanted)
        self._seen = (ids, {row[32:40] for row in rows.values()}, wanted - rows.keys())
        return self._seen[1], self._seen[2]

    # -- planning -------------------------------------------------------------------------

    def _plan(
        self, view: RemoteView, left: set[bytes]
    ) -> tuple[list[PackUpload], list[LargeUpload]]:
        """Uploads for the digests in ``left``; raises when the cache lacks one."""
        places = local_places(self.cache)
        rows = rows_among(self.cache.segments(), left, set(places))
        loose: list[tuple[bytes, int]] = []
        large: list[LargeUpload] = []
        for digest in sorted(left - rows.keys()):
            path = self.cache.loose_path(digest)
            try:
                size = os.stat(path).st_size
            except FileNotFoundError:
                raise _not_here(digest) from None
            if is_packed_size(size):
                loose.append((digest, size))
            else:
                large.append(LargeUpload(digest, path, size, _large_key(view, digest)))
        return self._plan_packs(view, rows, loose, places), large

    def _plan_packs(
        self,
        view: RemoteView,
        rows: dict[bytes, bytes],
        loose: list[tuple[bytes, int]],
        places: dict[bytes, str],
    ) -> list[PackUpload]:
        groups: dict[bytes, list[bytes]] = {}
        for row in rows.values():
            groups.setdefault(row[32:40], []).append(row)
        avoid = view.condemned_packs()
        whole: list[PackPlan] = []
        rest: list[bytes] = []
        for prefix in sorted(groups):
            plan = self._whole(places[prefix], groups[prefix])
            if plan is not None:
                whole.append(avoiding(plan, avoid))
            else:
                rest += sorted(groups[prefix], key=row_offset)
        rest += [self._loose_row(digest, size) for digest, size in loose]
        plans = whole + lay_out_many(rest, avoid)
        return [
            PackUpload(plan, _places_of(plan, places), self._loose_paths(plan), pack_key(plan.id))
            for plan in plans
        ]

    def _whole(self, path: str, rows: list[bytes]) -> PackPlan | None:
        """The local pack as it is, when nearly all of its bytes are to be sent."""
        size = sum(map(row_length, rows)) + len(rows) * ROW.size
        if size < _WHOLE_SHARE * os.stat(path).st_size:
            return None
        try:
            pack = read_rows(path)
        except IntegrityError:
            return None  # its objects may be good; each is verified
        if not self._distrusted.isdisjoint(digests_of(pack.rows)):
            return None
        return lay_out_whole(pack, rows_with_prefix(pack))

    def _loose_row(self, digest: bytes, size: int) -> bytes:
        return ROW.pack(digest, NO_PREFIX, 0, size, size, self.wanted[digest], RAW, 0)

    def _loose_paths(self, plan: PackPlan) -> list[str]:
        fields = ROW.iter_unpack(plan.sources)
        return [self.cache.loose_path(row[0]) for row in fields if row[1] == NO_PREFIX]

    # -- sending --------------------------------------------------------------------------

    def _upload(
        self, view: RemoteView, packs: list[PackUpload], large: list[LargeUpload], pin: Pin
    ) -> None:
        """Send; what could not be sent is left for the next plan."""
        batches: list[PackUpload | LargeUpload] = [*large]
        for upload in packs:
            # A pack that a killed push left complete is not sent twice: same name, same bytes.
            if view.packs.get(upload.plan.id) == upload.plan.size_bytes:
                self._note(upload)
            else:
                batches.append(upload)
        items = sum(extent(upload)[0] for upload in batches)
        size = sum(extent(upload)[1] for upload in batches)
        if not batches:
            return
        task = self.progress.task("pushing", items=items, size_bytes=size)
        workers = worker_count(items, size, self.jobs) if self.store.in_processes else 1
        unchecked = 0
        try:
            # Workers inherit the plans, which are large; what travels are their numbers.
            arguments = (self.store, batches)
            numbers = range(len(batches))
            for at, result in run_batches(Uploader, arguments, numbers, workers=workers):
                if at is None:
                    continue
                upload = batches[at]
                if result.damaged is not None or result.vanished:
                    self._distrust(result)
                    continue
                self._note(upload)
                sent = extent(upload)
                task.advance(*sent)
                unchecked += sent[1]
                if unchecked >= _RENEW_EVERY_BYTES:
                    pin.keep_alive()
                    unchecked = 0
        finally:
            task.done()

    def _note(self, upload: PackUpload | LargeUpload) -> None:
        if isinstance(upload, PackUpload):
            self._sent.packs[upload.plan.id] = upload.plan
        else:
            self._sent.large[upload.digest] = upload

    def _distrust(self, result: Uploaded) -> None:
        """A bad local object stops the push if it is wanted; else its pack is sent without it."""
        if result.vanished:
            self.cache.refresh()
        elif result.damaged in self.wanted:
            raise damaged(result.damaged, result.where)
        elif result.damaged is not None:
            self._distrusted.add(result.damaged)

    # -- publishing -----------------------------------------------------------------------

    def _publish(self, view: RemoteView) -> None:
        """Make this push's packs findable, and keep the index from falling apart."""
        sealed = [
            plan.sealed() for pack_id, plan in self._sent.packs.items() if _is_there(view, pack_id)
        ]
        if not sealed:
            return
        publish_segment(self.store, sealed)
        merge_segments(self.store, self.index, view)

    def _report(self) -> PushReport:
        packs = self._sent.packs.values()
        large = self._sent.large.values()
        payload = sum(plan.size_bytes - len(plan.rows) for plan in packs)
        return PushReport(
            objects=sum(plan.count for plan in packs) + len(large),
            size_bytes=payload + sum(upload.size for upload in large),
            packs=len(packs),
        )


def local_places(cache: Cache) -> dict[bytes, str]:
    """Prefix to path of every pack that the cache can read."""
    places: dict[bytes, str] = {}
    for segment in cache.segments():
        for pack_id in segment.packs:
            path = cache.pack_path(pack_id)
            if pack_id[:8] not in places and os.path.exists(path):
                places[pack_id[:8]] = path
    return places


def digests_of(rows: bytes) -> set[bytes]:
    """The digests in joined rows."""
    return {rows[at : at + 32] for at in range(0, len(rows), ROW_BYTES)}


def _places_of(plan: PackPlan, places: dict[bytes, str]) -> dict[bytes, str]:
    prefixes = {fields[1] for fields in ROW.iter_unpack(plan.sources)} - {NO_PREFIX}
    return {prefix: places[prefix] for prefix in prefixes}


def _is_there(view: RemoteView, pack_id: bytes) -> bool:
    return pack_id in view.packs and not view.is_tombstoned(pack_key(pack_id))


def _large_key(view: RemoteView, digest: bytes) -> str:
    key = object_key(digest)
    return object_key(digest, os.urandom(8)) if view.is_tombstoned(key) else key


def _drop(pin: Pin) -> None:
    try:
        pin.drop()
    except AssayError:
        return  # it expires


def _not_here(digest: bytes) -> NotFound:
    return NotFound(
        "object-missing",
        f"Object {digest.hex()} cannot be pushed: it is not in the cache.",
        why="It was never fetched, or it was collected.",
        fix="Run `assay fetch` from a remote that has it, or `assay commit` the data again.",
    )


def _restless(where: str) -> Temporary:
    return Temporary(
        "remote-busy",
        f"The remote {where} kept changing while this push looked at it.",
        why="Other pushes and collections were faster, many times in a row.",
        fix="Run the command again.",
    )
