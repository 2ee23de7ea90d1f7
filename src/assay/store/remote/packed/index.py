"""What a packed remote holds: a view over its index segments, packs, tombstones and objects.

A row counts only if its pack is there with the recorded size.  Tombstones are listed first
and packs last: a pack that is swept meanwhile is then seen either as tombstoned or as gone,
and a pack whose segment is seen is seen too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assay.errors import IntegrityError, NotFound
from assay.store.durable import (
    make_folder,
    process_is_running,
    sweep_temporaries,
    write_atomic,
)
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import ROW, Location
from assay.store.segments import Segment

PACKS, INDEX, OBJECTS, PINS, TOMBSTONES = "packs/", "index/", "objects/", "pins/", "tombstones/"
_FEW = 64
_BISECT_RATIO = 20


def pack_key(pack_id: bytes) -> str:
    """The key of a pack."""
    name = pack_id.hex()
    return f"{PACKS}{name[:2]}/{name}.pack"


def segment_key(segment_id: bytes) -> str:
    """The key of an index segment."""
    return f"{INDEX}{segment_id.hex()}.seg"


def object_key(digest: bytes, generation: bytes = b"") -> str:
    """The key of a large object; a generation makes another name for the same bytes."""
    name = digest.hex()
    suffix = f".{generation.hex()}" if generation else ""
    return f"{OBJECTS}{name[:2]}/{name[2:]}{suffix}"


def tombstone_key(key: str) -> str:
    """The key that says that ``key`` will be deleted."""
    return TOMBSTONES + key


def object_digest_of(key: str) -> bytes | None:
    """The digest that a large object's key names."""
    try:
        digest = bytes.fromhex(key[len(OBJECTS) :].split(".")[0].replace("/", ""))
    except ValueError:
        return None
    return digest if len(digest) == 32 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteView:
    """One look at a packed remote.

    ``superseded``: ids of listed segments that a live one replaces, with the time since when.
    ``packs``: every pack
    file (id to size).  ``present``: prefixes of packs that are there as recorded, and
    ``usable``: those of them without a tombstone.  ``tombstones``: keys that are to go, with
    the time of their tombstone.
    """

    store: ObjectStore
    segments: list[Segment]
    superseded: dict[bytes, int]
    packs: dict[bytes, int]
    pack_ids: dict[bytes, bytes]
    present: set[bytes]
    usable: set[bytes]
    tombstones: dict[str, int]

    def rows_of(
        self, wanted: set[bytes], *, prefixes: set[bytes] | None = None
    ) -> dict[bytes, bytes]:
        """A row for each wanted digest that lies in a pack of ``prefixes`` (default: usable)."""
        return rows_among(self.segments, wanted, self.usable if prefixes is None else prefixes)

    def without(self, wanted: set[bytes]) -> set[bytes]:
        """Those of ``wanted`` for which no usable pack has a row."""
        left = wanted
        for segment in self.segments:
            if not left:
                break
            if len(left) * _BISECT_RATIO < segment.count:
                left = {d for d in left if not _is_in(segment, d, self.usable)}
            elif self.usable.issuperset(pack[:8] for pack in segment.packs):
                left = left.difference(segment.digests())
            else:
                usable = self.usable
                left = left.difference(r[:32] for r in segment.rows() if r[32:40] in usable)
        return left

    def copies(self, digest: bytes) -> list[Location]:
        """Every place where a digest lies in a pack that is there, the usable ones first."""
        found = [row for s in self.segments if (row := s.find(digest)) and row.pack in self.present]
        return sorted(found, key=lambda row: row.pack not in self.usable)

    def pack_id(self, prefix: bytes) -> bytes:
        """The id of a pack that is present."""
        return self.pack_ids[prefix]

    def condemned_packs(self) -> set[bytes]:
        """Ids of packs with a tombstone, whether they are still there or not."""
        ids = (_id_in(key, ".pack") for key in self.tombstones if key.startswith(PACKS))
        return {pack_id for pack_id in ids if pack_id is not None}

    def is_tombstoned(self, key: str) -> bool:
        """Whether a key is to be deleted."""
        return key in self.tombstones

    def large(self, digests: set[bytes], *, tombstoned: bool = False) -> dict[bytes, str]:
        """Keys of those digests stored as objects of their own.

        Tombstoned ones count only when asked for, and only where there is no other.
        """
        found: dict[bytes, str] = {}
        for key in self._large_keys(digests):
            digest = object_digest_of(key)
            if digest is None or digest not in digests:
                continue
            if not self.is_tombstoned(key):
                found[digest] = key
            elif tombstoned:
                found.setdefault(digest, key)
        return found

    def _large_keys(self, digests: set[bytes]) -> Iterator[str]:
        if len(digests) > _FEW:
            yield from (listed.key for listed in self.store.list(OBJECTS))
            return
        for digest in digests:
            key = object_key(digest)
            if not self.is_tombstoned(key) and self.store.head(key) is not None:
                yield key
            else:
                yield from (listed.key for listed in self.store.list(key))


def _is_in(segment: Segment, digest: bytes, prefixes: set[bytes]) -> bool:
    found = segment.find(digest)
    return found is not None and found.pack in prefixes


def rows_among(
    segments: Iterable[Segment], wanted: set[bytes], prefixes: set[bytes]
) -> dict[bytes, bytes]:
    """A row for each wanted digest that some segment places in a pack of ``prefixes``."""
    found: dict[bytes, bytes] = {}
    left = wanted
    for segment in segments:
        if not left:
            break
        before = len(found)
        if len(left) * _BISECT_RATIO < segment.count:
            for digest in left:
                place = segment.find(digest)
                if place is not None and place.pack in prefixes:
                    found[digest] = ROW.pack(*place)
        else:
            for row in segment.rows():
                if (digest := row[:32]) in left and row[32:40] in prefixes:
                    found[digest] = row
        if len(found) != before:
            left = left - found.keys()
    return found


class RemoteIndex:
    """Loads views, keeping verified copies of segments in ``state_dir`` (memory without)."""

    def __init__(self, store: ObjectStore, state_dir: str | None) -> None:
        self._store = store
        self._folder = os.path.join(state_dir, "index") if state_dir else None
        self._opened: dict[bytes, Segment] = {}

    def load(self, *, broken: list[bytes] | None = None) -> RemoteView:
        """Look now.  Damaged segments are an error, unless ``broken`` is there to list them."""
        if self._folder is not None:
            sweep_temporaries(self._folder, process_is_running)
        tombstones = {
            row.key[len(TOMBSTONES) :]: row.mtime_ns for row in self._store.list(TOMBSTONES)
        }
        listed = self._segments(broken)
        packs = self._packs()
        replaced = {old for segment in self._opened.values() for old in segment.supersedes}
        live = [s for segment_id, s in self._opened.items() if segment_id not in replaced]
        live.sort(key=lambda segment: -segment.count)
        present = {
            pack_id[:8]
            for segment in live
            for pack_id, size in segment.packs.items()
            if packs.get(pack_id) == size
        }
        dead = {pack_id[:8] for pack_id in packs if pack_key(pack_id) in tombstones}
        return RemoteView(
            store=self._store,
            segments=live,
            superseded=_superseded(live, listed),
            packs=packs,
            pack_ids={pack_id[:8]: pack_id for pack_id in packs},
            present=present,
            usable=present - dead,
            tombstones=tombstones,
        )

    def _packs(self) -> dict[bytes, int]:
        packs: dict[bytes, int] = {}
        for row in self._store.list(PACKS):
            pack_id = _id_in(row.key, ".pack")
            if pack_id is not None and pack_key(pack_id) == row.key:
                packs[pack_id] = row.size
        return packs

    def _segments(self, broken: list[bytes] | None) -> dict[bytes, int]:
        """List and open segments; ids to times."""
        for _ in range(20):
            listed: dict[bytes, int] = {}
            for row in self._store.list(INDEX):
                segment_id = _id_in(row.key, ".seg")
                if segment_id is not None and segment_key(segment_id) == row.key:
                    listed[segment_id] = row.mtime_ns
            for gone in self._opened.keys() - listed.keys():
                self._forget(gone)
            try:
                for segment_id in listed.keys() - self._opened.keys():
                    self._admit(segment_id, broken)
            except NotFound:
                continue  # replaced, and deleted between listing and reading
            return listed
        raise IntegrityError(
            "segment-invalid",
            f"The index of the remote {self._store.describe()} cannot be read.",
            why="It lists segments that cannot be opened.",
            fix="Run `assay verify --remote`.",
        )

    def _admit(self, segment_id: bytes, broken: list[bytes] | None) -> None:
        try:
            self._opened[segment_id] = self._open(segment_id)
        except IntegrityError as error:
            if broken is None or error.code == "store-newer-format":
                raise
            if segment_id not in broken:
                broken.append(segment_id)

    def _open(self, segment_id: bytes) -> Segment:
        key = segment_key(segment_id)
        if self._folder is None:
            # A mapping of a file on a NAS dies with the file; a copy of it in memory does not.
            return _checked(Segment(self._store.get(key), key), segment_id)
        path = os.path.join(self._folder, f"{segment_id.hex()}.seg")
        try:
            return _checked(Segment.open(path), segment_id)
        except (FileNotFoundError, IntegrityError):
            data = self._store.get(key)
        segment = _checked(Segment(data, key), segment_id)
        try:
            make_folder(self._folder)
            write_atomic(path, data, durable=False)
        except (OSError, IntegrityError):
            return segment  # the copy only saves time
        return _checked(Segment.open(path), segment_id)

    def _forget(self, segment_id: bytes) -> None:
        self._opened.pop(segment_id)
        if self._folder is not None:
            try:
                os.unlink(os.path.join(self._folder, f"{segment_id.hex()}.seg"))
            except OSError:
                return


def _superseded(live: list[Segment], listed: dict[bytes, int]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for segment in live:
        since = listed[segment.id]
        for old in segment.supersedes:
            if old in listed:
                found[old] = min(since, found.get(old, since))
    return found


def _checked(segment: Segment, segment_id: bytes) -> Segment:
    segment.check()
    if segment.id != segment_id:
        raise IntegrityError(
            "segment-invalid",
            f"Index segment {segment.path} is not the one its name says.",
            why="It was replaced or renamed on the remote.",
            fix="Run `assay verify --remote --repair`.",
            paths=(segment.path,),
        )
    return segment


def _id_in(key: str, suffix: str) -> bytes | None:
    name = key.rsplit("/", 1)[-1]
    try:
        found = bytes.fromhex(name.removesuffix(suffix))
    except ValueError:
        return None
    return found if len(found) == 32 and name.endswith(suffix) else None
