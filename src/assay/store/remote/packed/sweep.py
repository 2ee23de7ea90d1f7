"""Carrying out a collection on a packed remote: look, mark what is needed, plan, apply."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.core.digest import ObjectKind
from assay.core.manifest import split_digests
from assay.core.progress import SILENT, Progress
from assay.core.prolly import walk
from assay.errors import NotFound
from assay.store.cache import Cache
from assay.store.objectstore.port import ObjectStore, missing_key
from assay.store.packs import SealedPack, damaged
from assay.store.remote.packed.collect import RemoteCollectPlan, RemoteLook, plan_remote_collection
from assay.store.remote.packed.fetch import read_any_copy
from assay.store.remote.packed.index import (
    OBJECTS,
    RemoteIndex,
    RemoteView,
    object_digest_of,
    object_key,
    pack_key,
    segment_key,
    tombstone_key,
)
from assay.store.remote.packed.mend import Repacker, from_cache, rows_by_pack
from assay.store.remote.packed.pins import DAY_NS, LIFETIME_NS, Pin, PinExpired, read_pins
from assay.store.remote.packed.repair import interrupted
from assay.store.remote.packed.segments import replace_in_index
from assay.store.remote.packed.stream import is_plausible, row_offset

GRACE_NS = LIFETIME_NS
_NODE = int(ObjectKind.NODE)
_CHECK_EVERY = 100
_LOOKS = 5
_NO_DIGEST = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCollectReport:
    """What a collection did, or with ``is_applied`` false would do.

    ``damaged``: needed objects in condemned packs that could not be copied out because their
    bytes are bad; their packs stay.
    """

    plan: RemoteCollectPlan
    live: int
    is_applied: bool
    condemned: int = 0
    swept: int = 0
    freed_bytes: int = 0
    damaged: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class RemoteCollection:
    """One collection; :meth:`run` is the verb.

    ``live``: digest to kind of everything that Git points to.  ``cache`` may know manifests
    that were never pushed here.  ``grace_ns`` of 0 means that both looks are taken now: only
    for somebody who knows that no other collection runs and no reader is slow.
    """

    store: ObjectStore
    index: RemoteIndex
    live: dict[bytes, int]
    grace_ns: int = GRACE_NS
    lifetime_ns: int = LIFETIME_NS
    cache: Cache | None = None
    progress: Progress = SILENT
    _damaged: set[bytes] = field(default_factory=set)
    _condemned: int = 0
    _swept: int = 0
    _freed: int = 0

    def run(self, *, dry_run: bool) -> RemoteCollectReport:
        """Collect, or only say what a collection would do."""
        plan, live = self._once(dry_run=dry_run)
        if not dry_run and not self.grace_ns:
            # What the first look condemned may go at once, but for pins written meanwhile.
            self._once(dry_run=False)
        return RemoteCollectReport(
            plan=plan,
            live=live,
            is_applied=not dry_run,
            condemned=self._condemned,
            swept=self._swept,
            freed_bytes=self._freed,
            damaged=self._damaged,
        )

    def _once(self, *, dry_run: bool) -> tuple[RemoteCollectPlan, int]:
        """One look and what follows from it; looks again where another collector was faster."""
        for _ in range(_LOOKS):
            look = self.look()
            try:
                live = self.mark(look)
                plan = plan_remote_collection(look, live, grace_ns=self.grace_ns)
                if not dry_run:
                    self._apply(look, plan)
            except NotFound as error:
                if error.code != "remote-object-missing":
                    raise
                continue
            return plan, len(live)
        raise interrupted(self.store.describe())

    # -- looking --------------------------------------------------------------------------

    def look(self) -> RemoteLook:
        """Everything there is, pins last: a pin that is not seen is younger than the rest."""
        view = self.index.load()
        large = {row.key: row.size for row in self.store.list(OBJECTS)}
        now_ns = self.store.now_ns()
        pins, expired = read_pins(
            self.store, now_ns=now_ns, lifetime_ns=max(self.grace_ns, self.lifetime_ns)
        )
        return RemoteLook(
            view=view,
            rows=rows_by_pack(view),
            large=large,
            pins=pins,
            expired_pins=expired,
            now_ns=now_ns,
        )

    def mark(self, look: RemoteLook) -> set[bytes]:
        """Digests of everything that the roots of Git and of pins need."""
        live: set[bytes] = set()
        read = self._reader(look.view)

        def is_done(digest: bytes) -> bool:
            """Whether a node was walked before, or is nowhere: a push may have sent a part."""
            if digest in live:
                return True
            live.add(digest)
            return not look.view.copies(digest) and from_cache(self.cache, digest, _NODE) is None

        for digest, kind in (*self.live.items(), *_pinned_roots(look)):
            if kind != _NODE:
                live.add(digest)
                continue
            for node in walk(digest, read, known=is_done):
                if node.level == 0:
                    live.update(split_digests(node.digests, node.width))
        live.discard(_NO_DIGEST)
        return live

    def _reader(self, view: RemoteView) -> Callable[[bytes], bytes]:
        def read(digest: bytes) -> bytes:
            data = from_cache(self.cache, digest, _NODE)
            if data is None:
                data = read_any_copy(self.store, view, digest, _NODE)
            if data is None:
                if not self.index.load().copies(digest):
                    raise missing_key(digest.hex(), self.store.describe())
                # What the manifest lists cannot be told, so nothing may be condemned.
                raise damaged(digest, self.store.describe())
            return data

        return read

    # -- applying -------------------------------------------------------------------------

    def _apply(self, look: RemoteLook, plan: RemoteCollectPlan) -> None:
        self.store.sweep_unfinished(look.now_ns - max(self.grace_ns, DAY_NS))
        if plan.is_empty:
            return
        stuck = self._copy_out(look, plan)
        condemn = [
            *plan.condemn,
            *(
                pack_key(look.view.pack_id(prefix))
                for prefix in plan.rewrite
                if prefix not in stuck
            ),
        ]
        for key in condemn:
            self.store.put(tombstone_key(key), b"unused\n")
        self._condemned += len(condemn)
        kept = {pack_key(look.view.pack_id(prefix)) for prefix in stuck}
        self._delete(look, [key for key in plan.sweep if key not in kept], plan)

    def _copy_out(self, look: RemoteLook, plan: RemoteCollectPlan) -> set[bytes]:
        """Give what is still needed a new home, and make the index forget what will go.

        Prefixes of packs that hold needed objects whose bytes are bad are returned.
        """
        view = look.view
        pin = Pin(self.store, [], lifetime_ns=self.lifetime_ns)
        stuck, new = self._copy_packed(view, {**plan.rescue, **plan.rewrite}, pin)
        self._copy_large(plan.rehome, pin)
        sweep = set(plan.sweep)
        gone = {
            pack_id
            for pack_id in view.packs
            if pack_id[:8] not in stuck and pack_key(pack_id) in sweep
        }
        if gone or new:
            replace_in_index(self.store, view, gone, new)
        if new or plan.rehome:
            try:
                pin.require_alive()
            except PinExpired:
                raise interrupted(self.store.describe()) from None
        return stuck

    def _copy_packed(
        self, view: RemoteView, groups: dict[bytes, list[bytes]], pin: Pin
    ) -> tuple[set[bytes], list[SealedPack]]:
        """``(prefixes of packs with damaged rows, new packs with all the others)``."""
        if not groups:
            return set(), []
        with Repacker.open(None) as repacker:
            stuck = {
                prefix
                for prefix, rows in groups.items()
                if not self._take(view, prefix, rows, repacker)
            }
            plans = repacker.plans(view.condemned_packs())
            pin.cover(pack_key(new.id) for new in plans)
            repacker.send(self.store, plans)
        return stuck, [new.sealed() for new in plans]

    def _copy_large(self, keys: tuple[str, ...], pin: Pin) -> None:
        new_keys = {key: object_key(_digest_in(key), os.urandom(8)) for key in keys}
        if new_keys:
            pin.cover(new_keys.values())
        for key, new_key in new_keys.items():
            self.store.copy(key, new_key)

    def _take(self, view: RemoteView, prefix: bytes, rows: list[bytes], repacker: Repacker) -> bool:
        """Copy rows out of a pack; false when some of them are damaged there."""
        pack_id = view.pack_id(prefix)
        before = len(repacker.lost)
        bad = [row for row in rows if not is_plausible(row, view.packs[pack_id])]
        for row in bad:
            repacker.add(row[:32], row[56], None)
        good = sorted((row for row in rows if row not in bad), key=row_offset)
        repacker.copy(self.store, pack_key(pack_id), good, self.cache)
        self._damaged |= repacker.lost
        return len(repacker.lost) == before

    def _delete(self, look: RemoteLook, sweep: list[str], plan: RemoteCollectPlan) -> None:
        sizes = {pack_key(pack_id): size for pack_id, size in look.view.packs.items()} | look.large
        task = self.progress.task("sweeping", items=len(sweep))
        for at, key in enumerate(sweep):
            if at % _CHECK_EVERY == 0:
                self._require_fresh(look)
            # The tombstone outlives what it condemned by another grace period: until every
            # collection that may yet delete this name is over, nobody may use it again.
            self.store.put(tombstone_key(key), b"swept\n")
            self.store.delete(key)
            self._swept += 1
            self._freed += sizes[key]
            task.advance(1, sizes[key])
        task.done()
        if plan.segments or plan.forget:
            self._require_fresh(look)
        for segment_id in plan.segments:
            self.store.delete(segment_key(segment_id))
        for key in plan.forget:
            self.store.delete(key)

    def _require_fresh(self, look: RemoteLook) -> None:
        """Act only on a plan that is much younger than the grace period."""
        if self.grace_ns and self.store.now_ns() - look.now_ns > self.grace_ns // 2:
            raise interrupted(self.store.describe())


def _pinned_roots(look: RemoteLook) -> list[tuple[bytes, int]]:
    """The roots of pins with their kinds; what is not there yet is kept by the pin's keys."""
    roots = {root for pin in look.pins for root in pin.roots}
    found = []
    for root in roots:
        places = look.view.copies(root)
        found.append((root, places[0].kind if places else int(ObjectKind.BLOB)))
    return found


def _digest_in(key: str) -> bytes:
    digest = object_digest_of(key)
    assert digest is not None
    return digest
