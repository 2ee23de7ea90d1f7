"""Moving files and folders between two folders, by descriptors and across file systems.

Nothing is reached through a symbolic link, and no path is too long: every folder on the way is
opened by itself.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import Conflict
from assay.store.restore import open_chain

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def opened(folder: bytes) -> Iterator[int]:
    """A descriptor of a folder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def parent_of(top_fd: int, path: bytes, *, create: bool = False) -> Iterator[tuple[int, bytes]]:
    """(descriptor of the folder that holds ``path``, its name there).

    Raises :class:`assay.errors.Conflict` ``path-blocked`` where a link or a file is in the way.
    """
    folder, _, name = path.rpartition(b"/")
    fd = open_chain(top_fd, folder, create=create)
    try:
        yield fd, name
    finally:
        os.close(fd)


def stat_at(top_fd: int, path: bytes) -> os.stat_result | None:
    """What is at ``path`` below a folder, no link followed; ``None`` where nothing is."""
    folder, _, name = path.rpartition(b"/")
    fd = _folder_at(top_fd, folder)
    if fd is None:
        return None
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    finally:
        os.close(fd)


def obstacle_at(top_fd: int, folder: bytes) -> bytes | None:
    """The first part of ``folder`` that is there but is no real folder."""
    parts = folder.split(b"/") if folder else []
    fd = os.dup(top_fd)
    try:
        for at, name in enumerate(parts):
            try:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _NOFOLLOW, dir_fd=fd)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                return b"/".join(parts[: at + 1])
            os.close(fd)
            fd = below
    finally:
        os.close(fd)
    return None


def _folder_at(top_fd: int, folder: bytes) -> int | None:
    try:
        return open_chain(top_fd, folder)
    except (FileNotFoundError, Conflict):
        return None


def move(source_fd: int, source: bytes, target_fd: int, target: bytes) -> None:
    """Move one file, link or folder; ``target`` must not exist.  Its folder is made."""
    with (
        parent_of(source_fd, source) as (from_fd, name),
        parent_of(target_fd, target, create=True) as (to_fd, new_name),
    ):
        try:
            os.rename(name, new_name, src_dir_fd=from_fd, dst_dir_fd=to_fd)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Whole under another name first: a copy that was cut short is never taken for it.
            scratch = b".assay-scratch-%b" % os.urandom(6).hex().encode()
            try:
                _copy(from_fd, name, to_fd, scratch)
                os.rename(scratch, new_name, src_dir_fd=to_fd, dst_dir_fd=to_fd)
            except BaseException:
                remove_tree(to_fd, scratch)
                raise
            remove_tree(from_fd, name)


def _copy(from_fd: int, name: bytes, to_fd: int, new_name: bytes) -> None:
    found = os.stat(name, dir_fd=from_fd, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=from_fd), new_name, dir_fd=to_fd)
    elif stat.S_ISDIR(found.st_mode):
        os.mkdir(new_name, dir_fd=to_fd)
        with (
            parent_of(from_fd, name + b"/x") as (below, _),
            parent_of(to_fd, new_name + b"/x") as (
                copy,
                _,
            ),
        ):
            for entry in os.listdir(below):
                _copy(below, os.fsencode(entry), copy, os.fsencode(entry))
    else:
        _copy_file(from_fd, name, to_fd, new_name, found)


def _copy_file(
    from_fd: int, name: bytes, to_fd: int, new_name: bytes, found: os.stat_result
) -> None:
    source = os.open(name, os.O_RDONLY | _NOFOLLOW, dir_fd=from_fd)
    with open(source, "rb") as reader:
        target = os.open(new_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=to_fd)
        with open(target, "wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fchmod(target, stat.S_IMODE(found.st_mode))
            os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.fsync(target)


def remove_tree(folder_fd: int, name: bytes) -> None:
    """Delete a file, link or whole folder; nothing there is fine."""
    try:
        found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(name, dir_fd=folder_fd)
    else:
        os.unlink(name, dir_fd=folder_fd)


def files_below(top_fd: int, folder: bytes) -> list[bytes]:
    """Every file and link below ``folder``, as paths from ``top_fd``; no link is followed."""
    found = []
    with parent_of(top_fd, folder + b"/x") as (fd, _):
        for name in map(os.fsencode, os.listdir(fd)):
            path = folder + b"/" + name
            if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                found += files_below(top_fd, path)
            else:
                found.append(path)
    return found
