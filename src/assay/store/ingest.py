"""Taking file content into the cache: read, hash, store, all in one pass over the bytes."""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from blake3 import blake3

from assay.core.digest import ObjectKind
from assay.core.paths import link_problem
from assay.core.progress import SILENT, Progress
from assay.errors import AssayError, InvalidInput, NotFound, Temporary
from assay.store.cache import Cache, is_packed_size
from assay.store.durable import (
    CREATE,
    READ,
    disk_errors,
    publish,
    temporary_name,
    write_all,
)
from assay.store.hashing import (
    TICK_SECONDS,
    copy_and_hash,
    hash_large,
    read_small,
    read_stable,
)
from assay.store.links import HARDLINK, REFLINK, SYMLINK, LinkChooser, reflink
from assay.store.packs import SealedPack
from assay.store.walk import STAT_FIELDS, FolderScan, open_folder, open_root, stat_row
from assay.store.workers import run_batches, worker_count

_READ_FILE = READ | getattr(os, "O_NONBLOCK", 0)
"""A pipe that has taken a file's name must not make the open wait for a writer."""
_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20


class Batch(NamedTuple):
    """Files of one folder: ``rel`` from the root, names, and their stat rows."""

    rel: bytes
    names: list[bytes]
    stats: array[int]


class Hashed(NamedTuple):
    """For each name of a batch its digest, and by position the stat rows that had changed."""

    digests: bytes
    restated: dict[int, tuple[int, ...]]
    sealed: list[SealedPack]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What to do with the bytes.

    ``store`` false only hashes.  ``link_types`` as configured: a hard or symbolic link type
    makes every file a loose object, because a pack cannot be linked to.  ``stamp_ns`` was read
    from the files' own file system before they were walked: a file with older times cannot
    change unseen while it is read; for any other a tick of the clock is waited for.
    """

    store: bool = True
    link_types: tuple[str, ...] = ("reflink", "copy")
    jobs: int | None = None
    loose_only: bool = field(default=False)
    stamp_ns: int = 0


def batches_of(scans: list[FolderScan]) -> Iterator[Batch]:
    """Cut folder scans into batches of bounded count and size."""
    for scan in scans:
        low, size = 0, 0
        for at in range(len(scan.names)):
            size += scan.stats[at * STAT_FIELDS]
            if at + 1 - low >= _BATCH_FILES or size >= _BATCH_BYTES:
                yield _cut(scan, low, at + 1)
                low, size = at + 1, 0
        if low < len(scan.names):
            yield _cut(scan, low, len(scan.names))


def _cut(scan: FolderScan, low: int, high: int) -> Batch:
    if low == 0 and high == len(scan.names):
        return Batch(scan.rel, scan.names, scan.stats)
    return Batch(scan.rel, scan.names[low:high], scan.stats[low * STAT_FIELDS : high * STAT_FIELDS])


def ingest(
    cache: Cache,
    root: bytes,
    scans: list[FolderScan],
    options: IngestOptions,
    *,
    progress: Progress = SILENT,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Batch, Hashed]]:
    """Hash (and store) every file of ``scans``; yields batches as they are done.

    For use inside ``cache.writing()`` when storing.  The objects of small files become
    findable when the iterator is exhausted; nothing may refer to them before.
    """
    files = sum(len(scan.names) for scan in scans)
    size = sum(sum(scan.stats[::STAT_FIELDS]) for scan in scans)
    task = progress.task("adding" if options.store else "hashing", items=files, size_bytes=size)
    sealed: list[SealedPack] = []
    count = worker_count(files, size, options.jobs)
    if any(scan.names and max(scan.stats[2::STAT_FIELDS]) >= options.stamp_ns for scan in scans):
        sleep(TICK_SECONDS)
    arguments = (cache.root, root, options)
    try:
        for batch, result in run_batches(_Ingester, arguments, batches_of(scans), workers=count):
            sealed += result.sealed
            if batch is not None:
                task.advance(len(batch.names), sum(batch.stats[::STAT_FIELDS]))
                yield batch, result
        if options.store:
            cache.publish_packs(sealed)
    finally:
        task.done()


class _Ingester:
    """One worker: owns an unfinished pack."""

    def __init__(self, cache_root: str, root: bytes, options: IngestOptions) -> None:
        self._cache = Cache(cache_root)
        self._root = root
        self._root_fd = open_root(root)
        self._options = options
        self._links = LinkChooser(options.link_types)
        self._writer = self._cache.pack_writer()
        self._written: set[bytes] = set()
        self._is_empty = not self._cache.segments() if options.store else True
        self._loose_only = options.loose_only or self._links.prefers_links

    def run(self, batch: Batch) -> Hashed:
        """Hash one batch."""
        digests: list[bytes] = []
        restated: dict[int, tuple[int, ...]] = {}
        sealed: list[SealedPack] = []
        try:
            folder_fd = open_folder(self._root_fd, batch.rel)
        except (FileNotFoundError, NotADirectoryError):
            raise _vanished(batch.rel, b"") from None
        try:
            for at, name in enumerate(batch.names):
                row = batch.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS]
                digest, seen = self._file(folder_fd, batch.rel, name, row)
                digests.append(digest)
                if seen is not None:
                    restated[at] = seen
                if self._writer.is_full and (pack := self._writer.seal()) is not None:
                    sealed.append(pack)
        finally:
            os.close(folder_fd)
        return Hashed(b"".join(digests), restated, sealed)

    def finish(self) -> Hashed:
        """Seal the last pack."""
        pack = self._writer.seal()
        os.close(self._root_fd)
        return Hashed(b"", {}, [pack] if pack is not None else [])

    def abandon(self) -> None:
        """Drop the unfinished pack."""
        self._writer.abandon()
        os.close(self._root_fd)

    def _file(
        self, folder_fd: int, rel: bytes, name: bytes, row: array[int]
    ) -> tuple[bytes, tuple[int, ...] | None]:
        if stat.S_ISLNK(row[4]):
            # Comparing may meet any link; only storing one is refused.
            is_strict = self._options.store
            return self._store(_link_target(folder_fd, rel, name, is_strict)), None
        try:
            fd = os.open(name, _READ_FILE, dir_fd=folder_fd)
        except (FileNotFoundError, NotADirectoryError):
            raise _vanished(rel, name) from None
        except PermissionError:
            raise _unreadable(rel, name) from None
        try:
            size = row[0]
            if is_packed_size(size):
                # The common case, kept short: one read between two stats, both as on the walk.
                before = os.fstat(fd)
                data = read_small(fd, size)
                after = os.fstat(fd)
                if (
                    len(data) == size
                    and after.st_mtime_ns == row[1]
                    and after.st_ctime_ns == row[2] == before.st_ctime_ns
                    and after.st_size == size
                ):
                    return self._store(data), None
            return self._slow(fd, rel, name, folder_fd, tuple(row))
        finally:
            os.close(fd)

    def _slow(
        self, fd: int, rel: bytes, name: bytes, folder_fd: int, row: tuple[int, ...]
    ) -> tuple[bytes, tuple[int, ...] | None]:
        """Large files, and files that changed since the walk."""
        shown = os.fsdecode(os.path.join(rel, name))
        digest, seen = read_stable(
            fd, shown, lambda size: self._content(fd, size, row[4]), walked=row
        )
        if not is_packed_size(seen[0]) and self._is_shared(row[4]):
            self._share(fd, folder_fd, name, digest, shown)
            seen = stat_row(os.fstat(fd))
        return digest, (seen if seen != row else None)

    def _is_shared(self, mode: int) -> bool:
        # One inode has one mode: executables are copied, so that a plain file with the same
        # content never becomes executable by being linked.
        return self._options.store and self._links.types[0] == HARDLINK and not mode & 0o111

    def _content(self, fd: int, size: int, mode: int) -> bytes:
        if is_packed_size(size):
            return self._store(read_small(fd, size))
        if not self._options.store:
            return hash_large(fd)
        if self._links.types[0] in (HARDLINK, SYMLINK):
            digest = hash_large(fd)
            if self._is_shared(mode) or self._cache.has(digest):
                return digest
        return self._copy_in(fd)

    def _store(self, data: bytes) -> bytes:
        digest = blake3(data).digest()
        if not self._options.store or digest in self._written:
            return digest
        if self._loose_only:
            if data and not self._cache.has(digest):
                write_loose(self._cache, digest, data)
                return digest
            if data:
                return digest
        if self._is_empty or not self._cache.has(digest):
            self._writer.append(digest, ObjectKind.BLOB, data)
        self._written.add(digest)
        return digest

    def _copy_in(self, fd: int) -> bytes:
        """Reflink or copy an open file into a loose object."""
        temporary = temporary_name(self._cache.tmp_folder, "loose")
        with disk_errors(temporary):
            target = os.open(temporary, CREATE, 0o444)
            try:
                if REFLINK in self._links.types and self._reflinked(fd, target):
                    digest = hash_large(target)
                else:
                    digest = copy_and_hash(fd, target)
                self._place(target, temporary, digest)
            except BaseException:
                if os.path.exists(temporary):
                    os.unlink(temporary)
                raise
            finally:
                os.close(target)
        return digest

    def _reflinked(self, source: int, target: int) -> bool:
        devices = os.fstat(source).st_dev, os.fstat(target).st_dev
        if REFLINK not in self._links.candidates(*devices):
            return False
        if reflink(source, target):
            return True
        self._links.failed(REFLINK, *devices)
        return False

    def _place(self, fd: int, temporary: str, digest: bytes) -> None:
        final = self._cache.loose_path(digest)
        if os.path.exists(final) and os.path.getsize(final) == os.fstat(fd).st_size:
            os.unlink(temporary)
            return
        os.fsync(fd)
        publish(temporary, final)

    def _share(self, fd: int, folder_fd: int, name: bytes, digest: bytes, shown: str) -> None:
        """Make the workspace's own file the loose object, by a hard link."""
        final = self._cache.loose_path(digest)
        if os.path.exists(final):
            return
        temporary = temporary_name(self._cache.tmp_folder, "loose")
        try:
            os.link(name, os.fsencode(temporary), src_dir_fd=folder_fd)
        except OSError:  # another file system, or links are not possible: copy
            if self._copy_in(fd) != digest:
                raise _changing(shown) from None
            return
        with disk_errors(temporary):
            try:
                if not os.path.samestat(os.stat(temporary), os.fstat(fd)):
                    raise _changing(shown)  # the name is another file's by now
                os.fchmod(fd, 0o444)
                os.fsync(fd)
                publish(temporary, final)
            except BaseException:
                os.unlink(temporary)
                raise


def write_loose(cache: Cache, digest: bytes, data: bytes) -> None:
    """Store ``data`` as a loose object; the caller vouches for ``digest``."""
    temporary = temporary_name(cache.tmp_folder, "loose")
    with disk_errors(temporary):
        fd = os.open(temporary, CREATE, 0o444)
        try:
            write_all(fd, data)
            os.fsync(fd)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        publish(temporary, cache.loose_path(digest))


def _link_target(folder_fd: int, rel: bytes, name: bytes, is_strict: bool) -> bytes:
    try:
        target = os.readlink(name, dir_fd=folder_fd)
    except OSError:  # removed, or no link any more
        raise _vanished(rel, name) from None
    problem = link_problem(rel, target) if is_strict else ""
    if problem:
        path = os.fsdecode(os.path.join(rel, name))
        raise InvalidInput(
            "link-untrackable",
            f"{path} is a symbolic link to {os.fsdecode(target)!r}, which cannot be tracked.",
            why=problem[0].upper() + problem[1:] + "; elsewhere it would lead somewhere else.",
            fix="Make it relative to its folder, remove it, or name it in the ignore file.",
            paths=(path,),
        )
    return target


def _changing(shown: str) -> Temporary:
    return Temporary(
        "file-changing",
        f"{shown} changed while it was added.",
        why="It was replaced or written between being read and being linked.",
        fix="Wait until whatever writes it is done, then run the command again.",
        paths=(shown,),
    )


def _vanished(rel: bytes, name: bytes) -> AssayError:
    path = os.fsdecode(os.path.join(rel, name))
    return NotFound(
        "file-vanished",
        f"{path} vanished while it was being added.",
        why="Something removed it after the folder was listed.",
        fix="Run the command again when nothing else changes the folder.",
        paths=(path,),
    )


def _unreadable(rel: bytes, name: bytes) -> AssayError:
    path = os.fsdecode(os.path.join(rel, name))
    return InvalidInput(
        "file-unreadable",
        f"{path} may not be read.",
        why="Its permissions do not let you.",
        fix="Change its permissions, or name it in the ignore file.",
        paths=(path,),
    )
