"""Writing objects into the workspace: verified, atomically, and never through a link.

Every file is written to a scratch name, checked against its digest, and renamed into place
through a descriptor of its folder that was reached without following any symbolic link.
"""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from assay.core.digest import ObjectKind
from assay.core.manifest import EXECUTABLE, SYMLINK
from assay.core.paths import link_problem
from assay.core.progress import SILENT, Progress
from assay.errors import AssayError, Conflict, IntegrityError, InvalidInput, NotFound
from assay.store.batches import WriteBatch
from assay.store.cache import Cache
from assay.store.durable import READ, disk_errors, translate, write_all
from assay.store.hashing import copy_and_hash, hash_large
from assay.store.ingest import write_loose
from assay.store.links import COPY, HARDLINK, REFLINK, LinkChooser, make_link, reflink
from assay.store.links import SYMLINK as SYMLINK_TYPE
from assay.store.packs import damaged
from assay.store.walk import SCRATCH_FOLDER_PREFIX, SCRATCH_PREFIX, STAT_FIELDS, open_root, stat_row
from assay.store.workers import run_batches, worker_count

_SCRATCH = SCRATCH_PREFIX.encode()
_SCRATCH_FOLDER = SCRATCH_FOLDER_PREFIX.encode()
_NOTHING = (0,) * STAT_FIELDS


class Written(NamedTuple):
    """Stat rows of the files of a batch, and by position what went wrong with the others."""

    stats: array[int]
    failed: dict[int, AssayError]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """How to link, and how many processes to use."""

    link_types: tuple[str, ...] = ("reflink", "copy")
    jobs: int | None = None


def restore(
    cache: Cache,
    root: bytes,
    batches: list[WriteBatch],
    options: RestoreOptions,
    *,
    progress: Progress = SILENT,
) -> Iterator[tuple[WriteBatch, Written]]:
    """Write every file of ``batches``; yields them as they are done."""
    files = sum(len(batch.names) for batch in batches)
    size = sum(sum(batch.sizes) for batch in batches)
    task = progress.task("writing", items=files, size_bytes=size)
    workers = worker_count(files, size, options.jobs)
    try:
        arguments = (cache.root, root, options)
        for batch, result in run_batches(_Restorer, arguments, batches, workers=workers):
            if batch is not None:
                task.advance(len(batch.names), sum(batch.sizes))
                yield batch, result
    finally:
        task.done()


def open_chain(root_fd: int, rel: bytes, *, create: bool = False) -> int:
    """A descriptor of the folder ``rel``, reached without following symbolic links.

    Raises :class:`Conflict` ``path-blocked`` where a link or a file is in the way.
    """
    fd = os.dup(root_fd)
    done = b""
    for part in rel.split(b"/") if rel else ():
        done = done + b"/" + part if done else part
        try:
            try:
                below = os.open(part, _FOLDER_FLAGS, dir_fd=fd)
            except FileNotFoundError:
                if not create:
                    raise
                _make(part, fd)
                below = os.open(part, _FOLDER_FLAGS, dir_fd=fd)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise _blocked(done) from None
            raise
        os.close(fd)
        fd = below
    return fd


_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def _make(name: bytes, dir_fd: int) -> None:
    try:
        os.mkdir(name, dir_fd=dir_fd)
    except FileExistsError:  # another worker was first
        return


def _blocked(path: bytes) -> Conflict:
    shown = os.fsdecode(path)
    return Conflict(
        "path-blocked",
        f"{shown} is not a folder, but files must be written below it.",
        why="A symbolic link or a file has its name; assay never writes through links.",
        fix="Move it away, or use --force, which moves it to the trash.",
        paths=(shown,),
    )


def _of_one_file(error: AssayError | OSError, path: bytes) -> AssayError:
    """The error of one file; raised instead when the others would meet it as well."""
    known = error
    if isinstance(error, OSError):
        # Without its file name, which is the scratch file's.
        known = translate(OSError(error.errno, error.strerror), os.fsdecode(path)) or error
    if isinstance(known, (Conflict, IntegrityError, InvalidInput, NotFound)):
        return known
    raise known from error


def _unlink_if_there(name: bytes, dir_fd: int) -> None:
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return


def _is_as_seen(found: os.stat_result, expected: tuple[int, ...]) -> bool:
    """Whether a file is still what was looked at.

    Linking a read-only object once more, or replacing one of its links, changes the ctime of
    all of them; whoever edits one must make it writable first, which stays visible.
    """
    row = stat_row(found)
    if row == expected:
        return True
    is_object = found.st_nlink > 1 and not found.st_mode & 0o222
    return is_object and (*row[:2], *row[3:]) == (*expected[:2], *expected[3:])


def _inside(target: bytes, rel: bytes) -> bytes:
    """The target of a symbolic link in the folder ``rel``, if it may be written."""
    problem = link_problem(rel, target)
    if problem:
        raise IntegrityError(
            "link-escapes",
            f"A symbolic link to {os.fsdecode(target)[:200]!r} was not written.",
            why=problem[0].upper() + problem[1:] + ".",
            fix="Do not trust where the data came from, or ask its owner for a relative link.",
            paths=(os.fsdecode(rel),),
        )
    return target


def _exists(name: bytes, dir_fd: int) -> bool:
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


WriteFile = Callable[[int, WriteBatch, bytes, bytes, int], tuple[int, ...]]
"""Write one file of a batch into an open folder; its stat row."""


class _Restorer:
    """One worker."""

    def __init__(self, cache_root: str, root: bytes, options: RestoreOptions) -> None:
        self._cache = Cache(cache_root)
        self._root_fd = open_root(root)
        self._device = os.fstat(self._root_fd).st_dev
        self._links = LinkChooser(options.link_types)
        self._wants_links = self._links.prefers_links
        # Not the process id alone: in a container it is the same every time, and the scratch
        # file of a killed checkout may still lie there.
        token = os.urandom(6).hex().encode()
        self._scratches = (b"%b%b-%d" % (_SCRATCH, token, n) for n in count())
        self._cache.segments()

    def run(self, batch: WriteBatch) -> Written:
        """Write one batch."""
        try:
            with disk_errors(os.fsdecode(batch.rel)):
                if batch.is_whole_leaf and not batch.replaces:
                    written = self._fresh_folder(batch)
                    if written is not None:
                        return written
                folder_fd = open_chain(self._root_fd, batch.rel, create=True)
        except (Conflict, InvalidInput) as error:
            files = range(len(batch.names))
            return Written(array("q", _NOTHING * len(files)), dict.fromkeys(files, error))
        try:
            return self._each(batch, folder_fd, self._file)
        finally:
            os.close(folder_fd)

    def _each(self, batch: WriteBatch, folder_fd: int, write: WriteFile) -> Written:
        failed: dict[int, AssayError] = {}
        stats = array("q")
        for at, name in enumerate(batch.names):
            digest = batch.digests[at * 32 : at * 32 + 32]
            try:
                stats.extend(write(folder_fd, batch, name, digest, batch.kinds[at]))
            except (AssayError, OSError) as error:
                failed[at] = _of_one_file(error, os.path.join(batch.rel, name))
                stats.extend(_NOTHING)
        return Written(stats, failed)

    def _fresh_folder(self, batch: WriteBatch) -> Written | None:
        """Write a folder that is not there under a scratch name, and rename it whole.

        That spares every file its own rename and two looks at its place.  ``None`` when there
        is something at the folder's place, now or when it is done.
        """
        parent, _, name = batch.rel.rpartition(b"/")
        parent_fd = open_chain(self._root_fd, parent, create=True)
        try:
            if _exists(name, parent_fd):
                return None
            scratch = _SCRATCH_FOLDER + next(self._scratches).removeprefix(_SCRATCH)
            os.mkdir(scratch, dir_fd=parent_fd)
            folder_fd = os.open(scratch, _FOLDER_FLAGS, dir_fd=parent_fd)
            try:
                written = self._each(batch, folder_fd, self._new_file)
                os.rename(scratch, name, src_dir_fd=parent_fd, dst_dir_fd=parent_fd)
                return written
            except OSError:
                self._clear(folder_fd, scratch, parent_fd)
                if not _exists(name, parent_fd):
                    raise
                return None
            except BaseException:
                self._clear(folder_fd, scratch, parent_fd)
                raise
            finally:
                os.close(folder_fd)
        finally:
            os.close(parent_fd)

    def _clear(self, folder_fd: int, scratch: bytes, parent_fd: int) -> None:
        for name in os.listdir(folder_fd):
            os.unlink(name, dir_fd=folder_fd)
        os.rmdir(scratch, dir_fd=parent_fd)

    def _new_file(
        self, folder_fd: int, batch: WriteBatch, name: bytes, digest: bytes, kind: int
    ) -> tuple[int, ...]:
        try:
            self._content(name, folder_fd, digest, kind, batch.rel)
        except BaseException:
            _unlink_if_there(name, folder_fd)
            raise
        return stat_row(os.stat(name, dir_fd=folder_fd, follow_symlinks=kind != SYMLINK))

    def finish(self) -> Written:
        """Close what is open."""
        self.abandon()
        return Written(array("q"), {})

    def abandon(self) -> None:
        """Close what is open."""
        self._cache.close()
        os.close(self._root_fd)

    def _file(
        self, folder_fd: int, batch: WriteBatch, name: bytes, digest: bytes, kind: int
    ) -> tuple[int, ...]:
        # In the same folder: a rename cannot cross file systems, and the new file's blocks
        # land near its neighbours'.
        scratch = next(self._scratches)
        try:
            self._content(scratch, folder_fd, digest, kind, batch.rel)
            self._require_unchanged(folder_fd, batch, name)
            os.rename(scratch, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
            if self._wants_links:
                _unlink_if_there(scratch, folder_fd)  # renaming a link onto its like does nothing
        except BaseException:
            _unlink_if_there(scratch, folder_fd)
            raise
        return stat_row(os.stat(name, dir_fd=folder_fd, follow_symlinks=kind != SYMLINK))

    def _require_unchanged(self, folder_fd: int, batch: WriteBatch, name: bytes) -> None:
        """What is displaced must still be what was looked at; what is new must be absent."""
        try:
            found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        expected = batch.replaces.get(name)
        if stat.S_ISLNK(found.st_mode) and expected is not None:
            return  # replacing the link itself loses no content
        if expected is None or not _is_as_seen(found, expected):
            path = os.fsdecode(os.path.join(batch.rel, name))
            raise Conflict(
                "workspace-changed",
                f"{path} appeared or changed during checkout; it was left alone.",
                why="Another program wrote it meanwhile.",
                fix="Look at it, then run the command again.",
                paths=(path,),
            )

    def _content(
        self, scratch: bytes, scratch_fd: int, digest: bytes, kind: int, rel: bytes
    ) -> None:
        mode = 0o777 if kind == EXECUTABLE else 0o666
        found = self._cache.locate(digest)
        if found is not None and found.kind == ObjectKind.BLOB:
            data = self._cache.read(digest, ObjectKind.BLOB, at=found)
            if kind == SYMLINK:
                os.symlink(_inside(data, rel), scratch, dir_fd=scratch_fd)
                return
            if not (self._wants_links and data and kind != EXECUTABLE):
                self._write(scratch, scratch_fd, data, mode)
                return
            if not os.path.exists(self._cache.loose_path(digest)):
                write_loose(self._cache, digest, data)
        self._loose(scratch, scratch_fd, digest, kind, mode, rel)

    def _write(self, scratch: bytes, scratch_fd: int, data: bytes, mode: int) -> None:
        fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=scratch_fd)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)

    def _loose(
        self, scratch: bytes, scratch_fd: int, digest: bytes, kind: int, mode: int, rel: bytes
    ) -> None:
        path = self._cache.loose_path(digest)
        try:
            source = os.open(path, READ)
        except FileNotFoundError:
            raise self._cache.absent(digest) from None
        try:
            if kind == SYMLINK:
                if hash_large(source) != digest:
                    raise damaged(digest, path)
                target = os.pread(source, 1 << 16, 0)
                os.symlink(_inside(target, rel), scratch, dir_fd=scratch_fd)
                return
            target_device = self._device
            for link in self._links.candidates(os.fstat(source).st_dev, target_device):
                if kind == EXECUTABLE and link in (HARDLINK, SYMLINK_TYPE):
                    continue  # one inode has one mode
                if self._linked(link, source, path, scratch, scratch_fd, digest, mode):
                    return
                self._links.failed(link, os.fstat(source).st_dev, target_device)
        finally:
            os.close(source)

    def _linked(
        self,
        link: str,
        source: int,
        path: str,
        scratch: bytes,
        scratch_fd: int,
        digest: bytes,
        mode: int,
    ) -> bool:
        if link in (HARDLINK, SYMLINK_TYPE):
            if os.fstat(source).st_mode & 0o222:
                try:
                    os.fchmod(source, 0o444)
                except PermissionError:  # another user's: a writable object is not shared
                    return False
            if hash_large(source) != digest:
                raise damaged(digest, path)
            return make_link(link, os.path.abspath(path), os.fsdecode(scratch), dir_fd=scratch_fd)
        target = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode, dir_fd=scratch_fd)
        try:
            if link == REFLINK:
                if not reflink(source, target):
                    os.unlink(scratch, dir_fd=scratch_fd)
                    return False
                found = hash_large(target)
            else:
                assert link == COPY
                found = copy_and_hash(source, target)
            if found != digest:
                raise damaged(digest, path)
        finally:
            os.close(target)
        return True
