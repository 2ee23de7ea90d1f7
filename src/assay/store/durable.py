"""Making bytes durable: the order of write, fsync and rename that survives power loss.

A file is written under a temporary name, flushed, renamed to its final name, and the folder
is flushed, so that a name that can be seen always holds all of its bytes.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assay.errors import AssayError, Conflict, InvalidInput, Temporary

O_BINARY: int = getattr(os, "O_BINARY", 0)
READ = os.O_RDONLY | O_BINARY | getattr(os, "O_CLOEXEC", 0)
_HAS_SYNCFS = sys.platform == "linux"
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | O_BINARY | getattr(os, "O_CLOEXEC", 0)


def temporary_name(folder: str, label: str = "t") -> str:
    """A fresh path in ``folder`` that names the writing process, so leftovers can be told."""
    return os.path.join(folder, f"{label}-{os.getpid()}-{os.urandom(6).hex()}.tmp")


def sync_folder(folder: str) -> None:
    """Flush a folder's entries; systems that cannot flush folders need no flush."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def sync_file_system(folder: str) -> None:
    """Flush everything that was written to the file system of ``folder``.

    Not all of the machine, as ``os.sync`` does: that waits for the slowest disk of all, and never
    says when one failed.
    """
    import ctypes

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if _HAS_SYNCFS else None
    if syncfs is None:
        os.sync()
        return
    fd = os.open(folder, READ)
    try:
        if syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), folder)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte, however the kernel splits the call."""
    done = os.write(fd, data)
    if done < len(data):
        view = memoryview(data)[done:]
        while view.nbytes:
            view = view[os.write(fd, view) :]


def publish(temporary: str, final: str) -> None:
    """Rename a flushed file into place and flush the folder, creating it where needed."""
    folder = os.path.dirname(final)
    if not os.path.isdir(folder):
        make_folder(folder)
    os.replace(temporary, final)
    sync_folder(folder)


def make_folder(folder: str) -> None:
    """Create ``folder`` and its parents; new names are flushed into their parents."""
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for name in reversed(missing):
        os.makedirs(name, exist_ok=True)
        sync_folder(os.path.dirname(name) or ".")


def write_atomic(path: str, data: bytes, *, mode: int = 0o666, durable: bool = True) -> None:
    """Replace ``path`` by ``data``: readers see the old bytes or the new, never a part."""
    folder = os.path.dirname(path) or "."
    temporary = temporary_name(folder, f".{os.path.basename(path)[:40]}")
    with disk_errors(path):
        fd = os.open(temporary, CREATE, mode)
        try:
            write_all(fd, data)
            if durable:
                os.fsync(fd)
        except BaseException:
            os.close(fd)
            os.unlink(temporary)
            raise
        os.close(fd)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        if durable:
            sync_folder(folder)


@contextmanager
def disk_errors(where: str) -> Iterator[None]:
    """Turn the system's answers about disks and permissions into errors that help."""
    try:
        yield
    except OSError as error:
        translated = translate(error, where)
        if translated is None:
            raise
        raise translated from error


def translate(error: OSError, where: str) -> AssayError | None:
    """The error of ours that says what ``error`` means, or ``None``."""
    place = _named(error) or where
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Temporary(
            "disk-full",
            f"No space left while writing {place}.",
            why="The disk or a quota is full. Nothing was lost; unfinished files were removed.",
            fix="Free some space (`assay gc`, `assay trash list`), then run the command again.",
            paths=(place,),
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Conflict(
            "permission-denied",
            f"Not allowed to write {place}: {error.strerror}.",
            why="The file or its folder is read-only for you.",
            fix="Change the permissions, or point the setting at a folder you may write.",
            paths=(place,),
        )
    if error.errno == errno.EIO:
        return Temporary(
            "disk-error",
            f"The disk failed at {place}.",
            why="The operating system reported an input/output error.",
            fix="Check the disk, then run `assay verify`.",
            paths=(place,),
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Temporary(
            "too-many-open-files",
            f"No more files may be open at once, at {place}.",
            why="The limit of this process or of the machine is reached.",
            fix="Raise the limit (`ulimit -n 1024`), or use fewer jobs (`--jobs 1`).",
            paths=(place,),
        )
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput(
            "path-too-long",
            f"The path is too long for the system: {place[:200]}.",
            why="A name may have 255 bytes, a path 4,095.",
            fix="Shorten it.",
            paths=(place,),
        )
    return None


def _named(error: OSError) -> str:
    name = error.filename
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else ""


def sweep_temporaries(folder: str, is_running: Callable[[int], bool]) -> int:
    """Remove what dead writers left in ``folder``; returns how many entries went."""
    import shutil

    removed = 0
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    for name in names:
        parts = name.removesuffix(".tmp").rsplit("-", 2)
        if not name.endswith(".tmp") or len(parts) != 3 or not parts[1].isdigit():
            continue
        if is_running(int(parts[1])):
            continue
        path = os.path.join(folder, name)
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except OSError:  # gone already, or another user's: no reason to stop
            continue
        removed += 1
    return removed


def process_is_running(pid: int) -> bool:
    """Whether a process of this machine has this id (true when in doubt)."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
