"""Repairing a packed remote from a cache that has good copies.

A pack that can be made whole is replaced under its own name: same name, same bytes.  Of
others, what is good moves to a new pack, the index forgets the old one, and a tombstone
condemns it; what no good copy was found for then counts as missing, so that the next push
from a clone that has it heals it.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.core.progress import Progress
from assay.errors import IntegrityError, NotFound, Temporary
from assay.store.cache import Cache
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import SealedPack, newer_format
from assay.store.remote.packed.index import (
    RemoteIndex,
    RemoteView,
    pack_key,
    segment_key,
    tombstone_key,
)
from assay.store.remote.packed.mend import (
    Findings,
    Repacker,
    check_packed,
    from_cache,
    rows_by_pack,
)
from assay.store.remote.packed.pins import Pin, PinExpired
from assay.store.remote.packed.segments import put_segments, replace_in_index
from assay.store.remote.packed.stream import (
    DamagedSource,
    is_plausible,
    read_remote_rows,
    row_offset,
)
from assay.store.remote.packed.upload import large_blocks
from assay.store.remote.port import RepairReport
from assay.store.segments import rows_with_prefix


@dataclass(slots=True)
class PackedRepair:
    """One repair; :meth:`run` is the verb."""

    store: ObjectStore
    index: RemoteIndex
    cache: Cache
    lifetime_ns: int
    progress: Progress

    def run(self) -> RepairReport:
        """Check everything, then mend what is wrong."""
        view, found = check_packed(self.store, self.index, progress=self.progress)
        if found.broken_segments:
            rebuild_index(self.store, view, found.broken_segments)
            view, found = check_packed(self.store, self.index, progress=self.progress)
        repaired, unrepaired = self._mend_large(found)
        if found.bad_rows or found.invalid_packs or found.missing:
            with Repacker.open(None) as repacker:
                repaired += self._mend_packs(view, found, repacker)
                unrepaired |= repacker.lost
        return RepairReport(repaired=repaired, unrepaired=unrepaired)

    def _mend_packs(self, view: RemoteView, found: Findings, repacker: Repacker) -> int:
        bad = found.bad_rows.keys() | found.invalid_packs
        groups = rows_by_pack(view)
        for pack_id in sorted(bad):
            size = view.packs[pack_id]
            rows = sorted(groups[pack_id[:8]], key=row_offset)
            for row in rows:
                if not is_plausible(row, size):
                    repacker.add(row[:32], row[56], from_cache(self.cache, row[:32], row[56]))
            good = [row for row in rows if is_plausible(row, size)]
            repacker.copy(self.store, pack_key(pack_id), good, self.cache)
            repacker.seal()  # each on its own, so that one made whole keeps its name
        for digest, row in sorted(found.missing.items()):
            repacker.add(digest, row[56], from_cache(self.cache, digest, row[56]))
        self._replace(view, bad, repacker)
        wrong = {d for digests in found.bad_rows.values() for d in digests} | found.missing.keys()
        return len(wrong - repacker.lost)

    def _replace(self, view: RemoteView, bad: set[bytes], repacker: Repacker) -> None:
        """Upload the mended packs, point the index at them, condemn those they replace."""
        plans = repacker.plans(view.condemned_packs())
        pin = Pin(self.store, [], lifetime_ns=self.lifetime_ns)
        pin.cover(pack_key(plan.id) for plan in plans)
        repacker.send(self.store, plans)
        replaced = bad - {plan.id for plan in plans}
        new = [plan.sealed() for plan in plans if plan.id not in bad]
        replace_in_index(self.store, view, replaced, new)
        for pack_id in sorted(replaced):
            self.store.put(tombstone_key(pack_key(pack_id)), b"damaged\n")
        try:
            pin.require_alive()
        except PinExpired:
            raise interrupted(self.store.describe()) from None

    def _mend_large(self, found: Findings) -> tuple[int, set[bytes]]:
        repaired = 0
        unrepaired: set[bytes] = set()
        for digest, key in sorted(found.bad_large.items()):
            try:
                blocks = large_blocks(self.cache.loose_path(digest), digest)
                self.store.put_blocks(key, blocks)
                repaired += 1
            except (DamagedSource, FileNotFoundError):
                # Condemned, it counts as absent, so that whoever has it sends it again.
                self.store.put(tombstone_key(key), b"damaged\n")
                unrepaired.add(digest)
        return repaired, unrepaired


def rebuild_index(store: ObjectStore, view: RemoteView, broken: list[bytes]) -> None:
    """Index the packs that no readable segment names, and drop the segments that are broken."""
    known = {pack_id for segment in view.segments for pack_id in segment.packs}
    packs: list[SealedPack] = []
    for pack_id in sorted(view.packs.keys() - known):
        try:
            packs.append(read_remote_rows(store, pack_key(pack_id), view.packs[pack_id]))
        except NotFound:
            continue
        except IntegrityError as error:
            if error.code == newer_format("", 0).code:
                raise
    if packs:
        rows = [row for pack in packs for row in rows_with_prefix(pack)]
        put_segments(store, {pack.id: pack.size_bytes for pack in packs}, rows, broken)
    for segment_id in broken:
        store.delete(segment_key(segment_id))


def interrupted(where: str) -> Temporary:
    """The error for a rewriting whose pin ran out before it was done."""
    return Temporary(
        "remote-busy",
        f"Rewriting packs of {where} took too long to be sure of its result.",
        why="Its pin ran out, so a collection may have removed what it had just written.",
        fix="Run the command again.",
    )
