"""Looking into folders that are known from last time in several processes, ahead of the walk.

Nearly all the time of a look at unchanged data is spent in the kernel, one file after the other.
The walk itself decides what is there: what was looked at ahead and is not met is forgotten.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate

from assay.errors import AssayError
from assay.store.walk import FolderScan, IgnoreIn, Listed, list_folder, open_root

WORTH_FILES = 20_000
"""As many files are listed in the time that a process takes to start and to hand over."""
_MOST = 4


def look_ahead(
    root: bytes,
    known: Sequence[tuple[bytes, int]],
    *,
    keep_links: bool,
    ignored: IgnoreIn | None,
    jobs: int | None = None,
) -> dict[bytes, Listed]:
    """Looks into the folders of ``known`` (with the number of files to expect), by folder.

    Folders that cannot be looked into are left out: it is for the walk to say why.
    """
    count = _processes(known, jobs)
    if count < 2:
        return {}
    mine, *others = _parts(known, count)
    readers = [_start(root, part, keep_links, ignored) for part in others]
    try:
        found = {each.scan.rel: each for each in _look(root, mine, keep_links, ignored)}
        for _, pipe in readers:
            found.update((each.scan.rel, each) for each in _received(pipe))
    finally:
        for process, pipe in readers:
            os.close(pipe)
            _reap(process)
    return found


def _processes(known: Sequence[tuple[bytes, int]], jobs: int | None) -> int:
    files = sum(files for _, files in known)
    if files < WORTH_FILES or sys.platform != "linux" or not _is_single_threaded():
        return 1
    return min(jobs or len(os.sched_getaffinity(0)), _MOST, len(known))


def _is_single_threaded() -> bool:
    """A forked process has one of its parent's threads, and the locks that all of them held."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _parts(known: Sequence[tuple[bytes, int]], count: int) -> list[list[bytes]]:
    """Neighbouring folders together, about as many files in each part."""
    parts: list[list[bytes]] = [[] for _ in range(count)]
    sums = list(accumulate(files + 1 for _, files in known))
    for (folder, _), reached in zip(known, sums, strict=True):
        parts[min(count - 1, (reached - 1) * count // sums[-1])].append(folder)
    return parts


def _look(
    root: bytes, folders: Sequence[bytes], keep_links: bool, ignored: IgnoreIn | None
) -> Iterator[Listed]:
    root_fd = open_root(root)
    try:
        for folder in folders:
            try:
                yield list_folder(root_fd, folder, keep_links, ignored)
            except (AssayError, OSError):
                continue
    finally:
        os.close(root_fd)


def _start(
    root: bytes, folders: Sequence[bytes], keep_links: bool, ignored: IgnoreIn | None
) -> tuple[int, int]:
    """(process, where its answer is read)."""
    ours, theirs = os.pipe()
    process = os.fork()
    if process:
        os.close(theirs)
        return process, ours
    # Whatever happens, this process must not go on as its parent would.
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(ours)
        answer = marshal.dumps([_flat(each) for each in _look(root, folders, keep_links, ignored)])
        with open(theirs, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _flat(listed: Listed) -> tuple[object, ...]:
    scan, below, linked, scratch = listed
    names = b"\0".join(scan.names)
    return scan.rel, names, scan.stats.tobytes(), scan.is_empty, below, linked, scratch


def _received(pipe: int) -> Iterator[Listed]:
    with open(pipe, "rb", closefd=False) as file:
        answer = file.read()
    try:
        rows = marshal.loads(answer)
    except (EOFError, ValueError, TypeError):
        return  # it was killed; the walk looks for itself
    for rel, names, stats, is_empty, below, linked, scratch in rows:
        parts = names.split(b"\0") if names else []
        yield Listed(FolderScan(rel, parts, array("q", stats), is_empty), below, linked, scratch)


def _reap(process: int) -> None:
    try:
        os.waitpid(process, 0)
    except ChildProcessError:  # whoever uses this as a library ignores SIGCHLD
        return
