"""Changing the index of a packed remote: new segments, merged ones, ones without some packs.

Anyone may do so at any time.  A segment only ever replaces others by saying everything that
they say of packs that are there: no place of an object is forgotten, because a push in
progress may rely on exactly that one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from assay.store.objectstore.port import ObjectStore
from assay.store.packs import SealedPack
from assay.store.remote.packed.index import RemoteIndex, RemoteView, segment_key
from assay.store.segments import Segment, encode_segment, rows_with_prefix

MERGE_ABOVE = 16
"""With more live segments than this, a push merges the small ones."""


def publish_segment(store: ObjectStore, packs: Iterable[SealedPack]) -> None:
    """Make the objects of packs findable."""
    found = list(packs)
    rows = [row for pack in found for row in rows_with_prefix(pack)]
    put_segments(store, {pack.id: pack.size_bytes for pack in found}, rows, ())


def put_segments(
    store: ObjectStore, packs: dict[bytes, int], rows: list[bytes], supersedes: Iterable[bytes]
) -> None:
    """Store rows as one segment, or as several where packs share objects.

    A segment holds one place for each digest, so further places go into a segment of their
    own first.  Each gets a name that never was, by a random id among those it supersedes:
    equal ones would share a name, and that may stand among what an old merge replaced.
    """
    first: list[bytes] = []
    again: list[bytes] = []
    before = b""
    for row in sorted(rows):
        if row == before:
            continue
        (again if row[:32] == before[:32] else first).append(row)
        before = row
    if again:
        put_segments(store, packs, again, ())
    named = {row[32:40] for row in first}
    kept = [(pack_id, size) for pack_id, size in packs.items() if pack_id[:8] in named]
    segment_id, data = encode_segment(kept, first, supersedes=[*supersedes, os.urandom(32)])
    store.put(segment_key(segment_id), data)


def merge_segments(store: ObjectStore, index: RemoteIndex, view: RemoteView) -> None:
    """One segment in place of many small ones (which go after grace), where there are many."""
    if len(view.segments) < MERGE_ABOVE:
        return
    view = index.load()
    chosen = sorted(view.segments, key=lambda segment: segment.count)
    total = 0
    for at, segment in enumerate(chosen):
        if at >= 2 and segment.count > 2 * total and len(chosen) - at < MERGE_ABOVE // 2:
            chosen = chosen[:at]
            break
        total += segment.count
    _replace(store, view, chosen, view.present, [])


def replace_in_index(
    store: ObjectStore, view: RemoteView, gone: set[bytes], new: list[SealedPack]
) -> None:
    """Publish what the index says without packs that are absent or ``gone``, and with ``new``."""
    kept = view.present - {pack_id[:8] for pack_id in gone}
    affected = [
        segment
        for segment in view.segments
        if not segment.count or any(pack_id[:8] not in kept for pack_id in segment.packs)
    ]
    if any(segment.count for segment in affected) or new:
        _replace(store, view, affected, kept, new)


def _replace(
    store: ObjectStore,
    view: RemoteView,
    segments: list[Segment],
    kept: set[bytes],
    new: list[SealedPack],
) -> None:
    packs = {
        pack_id: size
        for segment in segments
        for pack_id, size in segment.packs.items()
        if pack_id[:8] in kept
    }
    rows = [row for segment in segments for row in segment.rows() if row[32:40] in kept]
    for pack in new:
        packs[pack.id] = pack.size_bytes
        rows += rows_with_prefix(pack)
    replaced = {segment.id for segment in segments}
    put_segments(store, packs, rows, replaced | view.superseded.keys() if replaced else ())
