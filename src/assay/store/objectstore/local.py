"""An object store in a folder: a local disk, a mounted NAS, a USB stick.

Files are written under ``.unfinished/``, flushed, renamed, and their folder is flushed.  No
locks and no memory maps are needed, so it is as correct on network file systems as their
rename is.  Symbolic links below the root are never followed.
"""

from __future__ import annotations

import builtins
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from assay.store.durable import (
    CREATE,
    READ,
    make_folder,
    sync_file_system,
    sync_folder,
    temporary_name,
    write_all,
)
from assay.store.links import reflink
from assay.store.objectstore.folder_errors import (
    absent_root,
    link_inside,
    translate_remote,
    wrong_size,
)
from assay.store.objectstore.port import (
    Buffer,
    Listed,
    Stat,
    missing_key,
    require_key,
    require_prefix,
)

UNFINISHED = ".unfinished"
_BLOCK = 8 << 20
_NOFOLLOW = READ | getattr(os, "O_NOFOLLOW", 0)
_GROUP_FILES, _GROUP_BYTES = 4096, 256 << 20


class LocalStore:
    """Objects as files below ``root``, which must exist until :meth:`create` is called."""

    in_processes = True

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self._unfinished = os.path.join(self.root, UNFINISHED)
        self._sound: set[str] = set()

    def describe(self) -> str:
        """The folder's path."""
        return self.root

    def create(self) -> None:
        """Make the root; its parent must exist, or a NAS may merely not be mounted."""
        if os.path.isdir(self.root):
            return
        if not os.path.isdir(os.path.dirname(self.root)):
            raise absent_root(self.root)
        with self._errors(self.root):
            make_folder(self.root)

    # -- reading --------------------------------------------------------------------------

    def get(self, key: str) -> bytes:
        """All bytes of a key."""
        fd = self._open(key)
        try:
            with self._errors(key):
                return self._read(fd, 0, os.fstat(fd).st_size)
        finally:
            os.close(fd)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most ``length`` bytes from ``start``."""
        fd = self._open(key)
        try:
            with self._errors(key):
                return self._read(fd, start, min(length, max(0, os.fstat(fd).st_size - start)))
        finally:
            os.close(fd)

    def _read(self, fd: int, start: int, length: int) -> bytes:
        data = os.pread(fd, length, start)
        if len(data) == length:
            return data
        parts = [data]
        missing = length - len(data)
        while missing and (data := os.pread(fd, missing, start + length - missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def get_file(self, key: str, local_path: str, size_bytes: int) -> None:
        """Copy a key to a new local file."""
        source = self._open(key)
        try:
            if os.fstat(source).st_size != size_bytes:
                raise wrong_size(key, self.root, os.fstat(source).st_size, size_bytes)
            target = os.open(local_path, CREATE, 0o666)
            try:
                if not reflink(source, target):
                    _copy(source, target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def head(self, key: str) -> Stat | None:
        """Size and time of a key."""
        path = self._path(key)
        with self._errors(key):
            try:
                found = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                self._require_root()
                return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Stat(found.st_size, found.st_mtime_ns)

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every key that starts with ``prefix``."""
        folder, _, start = require_prefix(prefix).rpartition("/")
        top = os.path.join(self.root, folder) if folder else self.root
        self._check_folder(top)
        pending = [(top, folder + "/" if folder else "", start)]
        while pending:
            path, key, start = pending.pop()
            with self._errors(path):
                try:
                    with os.scandir(path) as listing:
                        entries = [e for e in listing if e.name.startswith(start)]
                except (FileNotFoundError, NotADirectoryError):
                    self._require_root()
                    continue
                found = []
                for entry in entries:
                    if entry.name[0] == ".":
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, f"{key}{entry.name}/", ""))
                    elif entry.is_file(follow_symlinks=False):
                        try:
                            row = entry.stat(follow_symlinks=False)
                        except FileNotFoundError:
                            continue
                        found.append(Listed(key + entry.name, row.st_size, row.st_mtime_ns))
            yield from found

    def local_path(self, key: str) -> str | None:
        """The file of a key."""
        return self._path(key)

    # -- writing --------------------------------------------------------------------------

    def put(self, key: str, data: Buffer, *, create_only: bool = False) -> bool:
        """Store bytes durably."""
        final = self._path(key)
        if not create_only:
            self.put_blocks(key, (data,))
            return True
        temporary = self._write((data,), key)
        try:
            with self._errors(key):
                make_folder(os.path.dirname(final))
                created = _link_new(temporary, final, data)
                sync_folder(os.path.dirname(final))
                return created
        finally:
            os.unlink(temporary)

    def put_blocks(self, key: str, blocks: Iterable[Buffer]) -> int:
        """Store the concatenation of blocks durably."""
        final = self._path(key)
        temporary = self._write(blocks, key)
        return self._publish(temporary, final, key)

    def put_file(self, key: str, local_path: str) -> None:
        """Store a local file durably, sharing its blocks where the file system can."""
        final = self._path(key)
        source = os.open(local_path, READ)
        try:
            temporary, target = self._begin(key)
            try:
                with self._errors(key):
                    if not reflink(source, target):
                        _copy(source, target)
                    os.fsync(target)
            except BaseException:
                os.unlink(temporary)
                raise
            finally:
                os.close(target)
        finally:
            os.close(source)
        self._publish(temporary, final, key)

    def put_many(self, items: Iterable[tuple[str, Buffer]]) -> int:
        """Store many small objects; one flush of the file system serves a group of them."""
        count = 0
        group: list[tuple[str, str]] = []
        size = 0
        try:
            for key, data in items:
                final = self._path(key)
                group.append((self._write((data,), key, flush=False), final))
                size += len(data)
                count += 1
                if len(group) >= _GROUP_FILES or size >= _GROUP_BYTES:
                    self._publish_group(group)
                    size = 0
            self._publish_group(group)
        except BaseException:
            for temporary, _ in group:
                _discard(temporary)
            raise
        return count

    def _publish_group(self, group: builtins.list[tuple[str, str]]) -> None:
        publish = self._publish_many if len(group) > 8 else self._publish_few
        with self._errors(self.root):
            publish(group, {os.path.dirname(final) for _, final in group})
        group.clear()

    def _publish_few(self, group: builtins.list[tuple[str, str]], folders: set[str]) -> None:
        for temporary, _ in group:
            _flush(temporary)
        for folder in folders:
            make_folder(folder)
        for temporary, final in group:
            os.replace(temporary, final)
        for folder in folders:
            sync_folder(folder)

    def _publish_many(self, group: builtins.list[tuple[str, str]], folders: set[str]) -> None:
        # A flush a file and a folder costs a millisecond each; one of everything costs little more.
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
        sync_file_system(self.root)
        for temporary, final in group:
            os.replace(temporary, final)
        sync_file_system(self.root)

    def copy(self, source: str, target: str) -> None:
        """Store the bytes of one key under another."""
        if self.head(source) is None:
            raise missing_key(source, self.root)
        self.put_file(target, self._path(source))

    def delete(self, key: str) -> None:
        """Remove a key."""
        path = self._path(key)
        with self._errors(key):
            try:
                os.unlink(path)
            except (FileNotFoundError, NotADirectoryError):
                self._require_root()
                return
            sync_folder(os.path.dirname(path))

    def now_ns(self) -> int:
        """The time that the file system gives to a new file: a NAS has its own clock."""
        temporary, fd = self._begin("clock")
        try:
            # Written, because some network file systems take the time from the client until then.
            with self._errors(temporary):
                write_all(fd, b"\0")
                os.fsync(fd)
                return os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)
            _discard(temporary)

    def sweep_unfinished(self, before_ns: int) -> int:
        """Remove unfinished files last written before a time."""
        removed = 0
        with self._errors(self._unfinished):
            try:
                names = os.listdir(self._unfinished)
            except FileNotFoundError:
                return 0
            for name in names:
                path = os.path.join(self._unfinished, name)
                try:
                    if os.lstat(path).st_mtime_ns < before_ns:
                        os.unlink(path)
                        removed += 1
                except FileNotFoundError:
                    continue
        return removed

    # -- the parts ------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        path = os.path.join(self.root, require_key(key))
        self._check_folder(os.path.dirname(path))
        return path

    def _check_folder(self, folder: str) -> None:
        """Refuse a folder that a symbolic link leads to; asked once a folder."""
        if folder in self._sound or folder == self.root:
            return
        at = folder
        while at != self.root and at not in self._sound:
            if os.path.islink(at):
                raise link_inside(at)
            at = os.path.dirname(at)
        if os.path.isdir(folder):
            self._sound.add(folder)

    def _open(self, key: str) -> int:
        path = self._path(key)
        with self._errors(key):
            try:
                return os.open(path, _NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError):
                self._require_root()
                raise missing_key(key, self.root) from None
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise missing_key(key, self.root) from None
                raise

    def _begin(self, key: str) -> tuple[str, int]:
        """A new unfinished file and its descriptor."""
        temporary = temporary_name(self._unfinished)
        with self._errors(key):
            try:
                return temporary, os.open(temporary, CREATE, 0o666)
            except FileNotFoundError:
                self._require_root()
                os.makedirs(self._unfinished, exist_ok=True)
                return temporary, os.open(temporary, CREATE, 0o666)

    def _write(self, blocks: Iterable[Buffer], key: str, *, flush: bool = True) -> str:
        temporary, fd = self._begin(key)
        try:
            for block in blocks:
                with self._errors(key):
                    write_all(fd, memoryview(block))
            if flush:
                with self._errors(key):
                    os.fsync(fd)
        except BaseException:
            _discard(temporary)
            raise
        finally:
            os.close(fd)
        return temporary

    def _publish(self, temporary: str, final: str, key: str) -> int:
        folder = os.path.dirname(final)
        try:
            with self._errors(key):
                if not os.path.isdir(folder):
                    make_folder(folder)
                size = os.path.getsize(temporary)
                os.replace(temporary, final)
                sync_folder(folder)
        except BaseException:
            _discard(temporary)
            raise
        return size

    def _require_root(self) -> None:
        if not os.path.isdir(self.root):
            raise absent_root(self.root)

    @contextmanager
    def _errors(self, where: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            translated = translate_remote(error, self.root, where)
            if translated is None:
                raise
            raise translated from error


def _copy(source: int, target: int) -> None:
    """Copy inside the kernel where it can, else through memory."""
    size = os.fstat(source).st_size
    at = 0
    if hasattr(os, "copy_file_range"):
        try:
            while at < size and (got := os.copy_file_range(source, target, size - at, at, at)):
                at += got
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
    os.lseek(target, at, os.SEEK_SET)
    while data := os.pread(source, _BLOCK, at):
        write_all(target, data)
        at += len(data)


def _link_new(temporary: str, final: str, data: Buffer) -> bool:
    """Give a flushed file a second name, only if that is free."""
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        try:
            fd = os.open(final, CREATE, 0o666)
        except FileExistsError:
            return False
        try:
            write_all(fd, memoryview(data))
            os.fsync(fd)
        finally:
            os.close(fd)
    return True


def _flush(path: str) -> None:
    fd = os.open(path, READ)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
