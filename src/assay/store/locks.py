"""Locks between processes: many readers or one writer of a file, released by the kernel.

The kernel drops a lock with its process, however that ends, so there is nothing stale to
steal.  Waiting is announced, never limited to a few seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assay.core.progress import SILENT, Progress
from assay.errors import Temporary

_POLL_SECONDS = 0.02

if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int, shared: bool) -> bool:  # noqa: ARG001 - the POSIX one's signature
        # Windows has no shared mode here: readers take turns.
        try:
            os.lseek(fd, 0, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(fd: int, shared: bool) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def locked(
    path: str,
    *,
    shared: bool = False,
    what: str = "the repository",
    progress: Progress = SILENT,
    timeout_seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock on ``path`` (created when absent) for the length of the block.

    Waits without limit unless ``timeout_seconds`` is given, then raises
    :class:`Temporary` ``locked``.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        waited = 0.0
        while not _try_lock(fd, shared):
            # Not at once: another command may only be looking whether it is alone.
            if waited == _POLL_SECONDS:
                progress.note(f"waiting for another assay command that is using {what} ...")
            if timeout_seconds is not None and waited >= timeout_seconds:
                raise Temporary(
                    "locked",
                    f"Another assay command is still using {what}.",
                    why=f"Its lock on {path} was not released in {timeout_seconds:g} s.",
                    fix="Wait for it to end, then try again.",
                    paths=(path,),
                )
            sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
        yield
    finally:
        os.close(fd)


@contextmanager
def tried_lock(path: str) -> Iterator[bool]:
    """Whether this process alone holds the lock on ``path`` for the block; never waits."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        yield _try_lock(fd, shared=False)
    finally:
        os.close(fd)


@contextmanager
def inherited_lock(path: str, *, what: str, progress: Progress = SILENT) -> Iterator[int]:
    """A lock whose descriptor may be handed to children: they hold on when this process is killed.

    Leaving the block in an orderly way releases it for them too.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        waited = 0
        while not _try_lock(fd, shared=False):
            if waited == 1:
                progress.note(f"waiting for another assay command that is using {what} ...")
            time.sleep(_POLL_SECONDS)
            waited += 1
        try:
            yield fd
        finally:
            _unlock(fd)
    finally:
        os.close(fd)
