"""Collecting garbage on a packed remote that others use meanwhile: two looks, grace between.

The first look condemns what nothing needs, by a tombstone; the next one that comes a grace
period later deletes what was condemned, after it has copied out whatever is needed after all.
A tombstone is never taken back: a push that saw it has sent the objects again under another
name.  Why no schedule of pushes and collections loses anything is in
``docs/decisions/0010-remote-collection-without-locks.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from assay.store.packs import ROW_BYTES
from assay.store.remote.packed.index import (
    OBJECTS,
    RemoteView,
    object_digest_of,
    pack_key,
    tombstone_key,
)
from assay.store.remote.packed.pins import PinRecord
from assay.store.remote.packed.stream import row_length

_REWRITE_BELOW = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLook:
    """Everything a plan is made from: ``rows`` by pack prefix, large objects' sizes by key."""

    view: RemoteView
    rows: dict[bytes, list[bytes]]
    large: dict[str, int]
    pins: list[PinRecord]
    expired_pins: list[str]
    now_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCollectPlan:
    """What one collection would do.

    ``condemn``: keys that get a tombstone; ``rewrite``: packs of which little is needed, which
    are condemned after that was copied out.  ``sweep``: keys condemned at least a grace period
    ago; ``rescue``: by pack prefix, rows among them that are needed and have no other home, and
    ``rehome``: keys of large objects for which the same is true.
    ``objects`` and ``size_bytes`` count what is newly condemned, ``freed_bytes`` what is swept.
    """

    condemn: tuple[str, ...] = ()
    rewrite: dict[bytes, list[bytes]] = field(default_factory=dict)
    sweep: tuple[str, ...] = ()
    rescue: dict[bytes, list[bytes]] = field(default_factory=dict)
    rehome: tuple[str, ...] = ()
    segments: tuple[bytes, ...] = ()
    forget: tuple[str, ...] = ()
    objects: int = 0
    size_bytes: int = 0
    freed_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be done."""
        return not (self.condemn or self.rewrite or self.sweep or self.segments or self.forget)


def plan_remote_collection(
    look: RemoteLook, live: set[bytes], *, grace_ns: int
) -> RemoteCollectPlan:
    """Decide, when only ``live`` digests and what pins list are needed.  Pure."""
    view = look.view
    pinned = {key for pin in look.pins for key in pin.keys}
    homes, thin, dead = _sort_packs(look, live, pinned)
    large_homes, dead_large = _sort_large(look, live, pinned)
    due = {
        key
        for key, since_ns in view.tombstones.items()
        if look.now_ns - since_ns >= grace_ns and key not in pinned
    }
    sizes = {pack_key(pack_id): size for pack_id, size in view.packs.items()} | look.large
    sweep = sorted(due & sizes.keys())
    return RemoteCollectPlan(
        condemn=tuple(sorted([*(pack_key(view.pack_id(prefix)) for prefix in dead), *dead_large])),
        rewrite=thin,
        sweep=tuple(sweep),
        rescue=_homeless(look, live - homes, sweep),
        rehome=_homeless_large(live - large_homes, sweep),
        segments=tuple(
            sorted(s for s, since in view.superseded.items() if look.now_ns - since >= grace_ns)
        ),
        forget=tuple(sorted([*look.expired_pins, *map(tombstone_key, due - sizes.keys())])),
        objects=len(dead_large)
        + sum(len(look.rows.get(prefix, ())) for prefix in dead)
        + sum(len(look.rows[prefix]) - len(rows) for prefix, rows in thin.items()),
        size_bytes=sum(sizes[key] for key in dead_large)
        + sum(view.packs[view.pack_id(prefix)] for prefix in dead)
        + sum(_length(look.rows[prefix]) - _length(rows) for prefix, rows in thin.items()),
        freed_bytes=sum(sizes[key] for key in sweep),
    )


def _sort_packs(
    look: RemoteLook, live: set[bytes], pinned: set[str]
) -> tuple[set[bytes], dict[bytes, list[bytes]], list[bytes]]:
    """``(digests with a home, thin packs' needed rows, dead packs)``, of packs not condemned.

    An object that lies in several packs has its home in a pinned or a large one, so that the
    other copies may go.
    """
    view = look.view
    homes: set[bytes] = set()
    thin: dict[bytes, list[bytes]] = {}
    dead: list[bytes] = []
    packs = [pack for pack in view.packs if not view.is_tombstoned(pack_key(pack))]
    packs.sort(key=lambda pack: (pack_key(pack) not in pinned, -view.packs[pack], pack))
    for pack_id in packs:
        prefix = pack_id[:8]
        rows = look.rows.get(prefix, []) if prefix in view.present else []
        needed = [row for row in rows if row[:32] in live and row[:32] not in homes]
        homes.update(row[:32] for row in needed)
        if pack_key(pack_id) in pinned:
            continue
        if not needed:
            dead.append(prefix)
        elif _length(needed) < _REWRITE_BELOW * view.packs[pack_id]:
            thin[prefix] = needed
    return homes, thin, dead


def _sort_large(
    look: RemoteLook, live: set[bytes], pinned: set[str]
) -> tuple[set[bytes], list[str]]:
    """``(digests with a home, keys that nothing needs)``, of large objects not condemned.

    Of several names for one object a pinned one, else the shortest, is its home.
    """
    homes: set[bytes] = set()
    dead: list[str] = []
    for key in sorted(look.large, key=lambda name: (name not in pinned, len(name), name)):
        digest = object_digest_of(key)
        if digest is None or look.view.is_tombstoned(key):
            continue
        if key not in pinned and (digest not in live or digest in homes):
            dead.append(key)
        homes.add(digest)
    return homes, dead


def _homeless(look: RemoteLook, needed: set[bytes], sweep: list[str]) -> dict[bytes, list[bytes]]:
    """Rows of packs to be swept for digests that have no home."""
    view = look.view
    going = set(sweep)
    found: dict[bytes, list[bytes]] = {}
    taken: set[bytes] = set()
    for prefix in sorted(view.present - view.usable):
        if pack_key(view.pack_id(prefix)) in going:
            rows = [
                row
                for row in look.rows.get(prefix, ())
                if row[:32] in needed and row[:32] not in taken
            ]
            taken.update(row[:32] for row in rows)
            if rows:
                found[prefix] = rows
    return found


def _homeless_large(needed: set[bytes], sweep: list[str]) -> tuple[str, ...]:
    """One key to be swept for each large object that has no home."""
    last: dict[bytes, str] = {}
    for key in sweep:
        if key.startswith(OBJECTS) and (digest := object_digest_of(key)) in needed:
            assert digest is not None
            last[digest] = key
    return tuple(sorted(last.values()))


def _length(rows: Iterable[bytes]) -> int:
    return sum(row_length(row) + ROW_BYTES for row in rows)
