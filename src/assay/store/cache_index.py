"""Which objects lie in which packs of the cache: its segments, read, written and merged."""

from __future__ import annotations

import errno
import os
import sys
import weakref
from collections.abc import Collection, Iterable
from functools import cache

from assay.store.durable import CREATE, READ, disk_errors, publish, temporary_name, write_all
from assay.store.packs import Location, SealedPack, pack_path
from assay.store.segments import Segment, encode_segment, live_segments, rows_with_prefix

_MERGE_ABOVE = 8


class PackIndex:
    """The packs below a cache folder, and the segments that say what is in them."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.packs_folder = os.path.join(root, "packs")
        self.index_folder = os.path.join(root, "index")
        self.tmp_folder = os.path.join(root, "tmp")
        self._segments: list[Segment] | None = None
        self._listing: frozenset[str] = frozenset()
        self._superseded: list[str] = []
        self._present: dict[bytes, bytes] = {}
        self._names: dict[bytes, str] = {}
        self._open_packs: dict[bytes, int] = {}
        # Whoever forgets to close a cache in a program that runs for long must not run out of
        # descriptors.
        weakref.finalize(self, _close_all, self._open_packs).atexit = False

    def pack_path(self, pack_id: bytes) -> str:
        """Where a pack lies."""
        return pack_path(self.packs_folder, pack_id)

    def segments(self) -> list[Segment]:
        """The live segments, as last listed."""
        if self._segments is None:
            self.refresh()
        assert self._segments is not None
        return self._segments

    def refresh(self) -> None:
        """List segments and packs anew, if the listing changed."""
        for _ in range(20):
            try:
                names = frozenset(n for n in os.listdir(self.index_folder) if n.endswith(".seg"))
            except FileNotFoundError:
                names = frozenset()
            if self._segments is not None and names == self._listing and self._packs_present():
                return
            try:
                opened = [Segment.open(os.path.join(self.index_folder, n)) for n in sorted(names)]
            except FileNotFoundError:
                continue  # merged away between listing and opening
            # The largest first: it answers most questions.
            self._segments = sorted(live_segments(opened), key=lambda s: s.count, reverse=True)
            self._listing = names
            live = {segment.path for segment in self._segments}
            self._superseded = [segment.path for segment in opened if segment.path not in live]
            self._note_packs()
            return

    def _packs_present(self) -> bool:
        return all(os.path.exists(self.pack_path(pack)) for pack in self._present.values())

    def _note_packs(self) -> None:
        self.close()
        self._present, self._names = {}, {}
        for segment in self._segments or ():
            for pack_id, size in segment.packs.items():
                try:
                    path = self.pack_path(pack_id)
                    if os.stat(path).st_size == size:
                        self._present[pack_id[:8]] = pack_id
                        self._names[pack_id[:8]] = path
                except FileNotFoundError:
                    continue

    def locate(self, digest: bytes) -> Location | None:
        """Where a packed object lies, in a pack that is there; ``None`` if it is not packed."""
        for segment in self.segments():
            found = segment.find(digest)
            if found is not None and found.pack in self._present:
                return found
        return None

    def not_packed(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of ``digests`` that lie in no pack that is there."""
        wanted = set(digests)
        for segment in self.segments():
            if not wanted:
                break
            if len(wanted) * 20 < segment.count:
                wanted = {d for d in wanted if not self._in_segment(segment, d)}
            elif all(pack[:8] in self._present for pack in segment.packs):
                wanted.difference_update(segment.digests())
            else:
                wanted.difference_update(
                    row.digest for row in segment.locations() if row.pack in self._present
                )
        return wanted

    def _in_segment(self, segment: Segment, digest: bytes) -> bool:
        found = segment.find(digest)
        return found is not None and found.pack in self._present

    # -- open packs -----------------------------------------------------------------------

    def pack_fd(self, prefix: bytes) -> int:
        """An open descriptor of the pack with this prefix; closed by :meth:`close`."""
        fd = self._open_packs.get(prefix)
        if fd is None:
            if len(self._open_packs) >= _most_open_packs():
                self.close()
            path = self.pack_path(self._present[prefix])
            try:
                fd = os.open(path, READ)
            except OSError as error:
                if error.errno != errno.EMFILE or not self._open_packs:
                    raise
                self.close()
                fd = os.open(path, READ)
            self._open_packs[prefix] = fd
        return fd

    def pack_name(self, prefix: bytes) -> str:
        """The path of the pack with this prefix, for messages."""
        return self._names[prefix]

    def close(self) -> None:
        """Close the open packs."""
        _close_all(self._open_packs)

    # -- segments -------------------------------------------------------------------------

    def publish_packs(self, packs: list[SealedPack]) -> None:
        """Make the objects of sealed packs findable: one durable segment for all of them."""
        if not packs:
            return
        rows = [row for pack in packs for row in rows_with_prefix(pack)]
        self._write_segment([(pack.id, pack.size_bytes) for pack in packs], rows)
        self.refresh()
        if len(self.segments()) > _MERGE_ABOVE:
            self._merge_segments()

    def _write_segment(
        self, packs: list[tuple[bytes, int]], rows: list[bytes], supersedes: Iterable[bytes] = ()
    ) -> bytes:
        # Without a nonce, what was collected and is added again would give the very segment that
        # was superseded then, and count as replaced for ever.
        nonce = os.urandom(32)
        segment_id, data = encode_segment(packs, rows, supersedes=[*supersedes, nonce])
        temporary = temporary_name(self.tmp_folder, "segment")
        with disk_errors(self.index_folder):
            fd = os.open(temporary, CREATE, 0o444)
            try:
                write_all(fd, data)
                os.fsync(fd)
            except BaseException:
                os.unlink(temporary)
                raise
            finally:
                os.close(fd)
            publish(temporary, os.path.join(self.index_folder, f"{segment_id.hex()}.seg"))
        return segment_id

    def _merge_segments(self) -> None:
        """Log-structured: merge the small ones, until each is larger than all smaller ones."""
        by_size = sorted(self.segments(), key=lambda segment: segment.count)
        chosen, total = by_size[:2], by_size[0].count + by_size[1].count
        for segment in by_size[2:]:
            if segment.count > 2 * total and len(by_size) - len(chosen) < _MERGE_ABOVE:
                break
            chosen.append(segment)
            total += segment.count
        self.replace_segments(
            chosen, {pack: size for s in chosen for pack, size in s.packs.items()}
        )

    def replace_segments(
        self,
        old: list[Segment],
        packs: dict[bytes, int],
        *,
        without: Collection[bytes] = (),
        new: Collection[SealedPack] = (),
    ) -> None:
        """One segment over the rows of ``old`` that lie in ``packs``, in place of ``old``.

        ``new`` packs are listed by the same step, and their objects only there: of two places
        for one object a segment keeps either, and what was just written was just verified.
        """
        fresh = [row for pack in new for row in rows_with_prefix(pack)]
        dropped = {*without, *(row[:32] for row in fresh)}
        prefixes = {pack[:8] for pack in packs}
        rows = [
            row
            for segment in old
            for row in segment.rows()
            if row[32:40] in prefixes and row[:32] not in dropped
        ]
        packs = {**packs, **{pack.id: pack.size_bytes for pack in new}}
        ids = [segment.id for segment in old]
        self._write_segment(list(packs.items()), rows + fresh, supersedes=ids)
        # With those that a merger left behind because it was killed before it came to them.
        for path in (*(segment.path for segment in old), *self._superseded):
            with disk_errors(path):
                try:
                    os.unlink(path)
                except FileNotFoundError:
                    continue
        self._segments = None
        self.refresh()

    def forget(self) -> None:
        """Drop what was read of the index; the next use lists it anew."""
        self.close()
        self._segments, self._listing, self._present = None, frozenset(), {}

    def publish_rebuilt(self, packs: list[SealedPack]) -> bytes:
        """The id of one new segment over exactly ``packs``: the others cannot be trusted."""
        rows = [row for pack in packs for row in rows_with_prefix(pack)]
        return self._write_segment([(pack.id, pack.size_bytes) for pack in packs], rows)

    def drop_rows(self, digests: set[bytes]) -> None:
        """Forget where packed objects lie, so that they count as absent."""
        old = self.segments()
        packs = {pack: size for segment in old for pack, size in segment.packs.items()}
        self.replace_segments(old, packs, without=digests)


def _close_all(packs: dict[bytes, int]) -> None:
    while packs:
        os.close(packs.popitem()[1])


@cache
def _most_open_packs() -> int:
    """A quarter of the files that this process may have open, and enough is enough."""
    if sys.platform == "win32":
        return 64
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 64 if allowed == resource.RLIM_INFINITY else max(2, min(64, allowed // 4))
