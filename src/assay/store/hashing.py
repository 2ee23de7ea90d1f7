"""Hashing file content: small files whole, large files in a pipeline of reading and hashing."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from assay.errors import Temporary
from assay.store.walk import not_regular, stat_row

if TYPE_CHECKING:
    from blake3 import blake3 as Blake3

T = TypeVar("T")

BLOCK_BYTES = 4 << 20
_RETRIES = 3
_LOADED_IN = os.getpid()
"""A forked worker has another id.  The hash library's threads do not come along, and a worker
that asked for them would wait for ever."""
TICK_SECONDS = 0.011
"""Longer than the steps of the clock that stamps files, which are 1 to 10 ms on Linux."""


def read_small(fd: int, size: int) -> bytes:
    """Up to ``size + 1`` bytes, all that is there: more than ``size`` means the file grew."""
    # One byte more than expected: a short answer proves the end without another call.
    data = os.read(fd, size + 1)
    if len(data) >= size:
        return data
    parts = [data]
    missing = size + 1 - len(data)
    while data and missing > 0:
        data = os.read(fd, missing)
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


@contextmanager
def hashing_thread(hasher: Blake3) -> Iterator[Callable[[memoryview], Callable[[], None]]]:
    """A function that hashes a block in the background and returns its wait.

    Hashing releases the interpreter lock for blocks of this size, so that one core reads or
    copies while another hashes.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:

        def submit(block: memoryview) -> Callable[[], None]:
            future = pool.submit(hasher.update, block)

            def wait() -> None:
                future.result()

            return wait

        yield submit


def hash_large(fd: int) -> bytes:
    """BLAKE3 of everything from the start of ``fd``; reads ahead while it hashes."""
    return copy_and_hash(fd, None)


def copy_and_hash(source: int, target: int | None) -> bytes:
    """Copy ``source`` to ``target`` (where given) and return the BLAKE3 of the bytes copied.

    Holes stay holes.  Both descriptors are used from position zero.  Whatever happens to the
    source meanwhile, ``target`` holds exactly the bytes that were hashed.
    """
    from blake3 import blake3

    size = os.fstat(source).st_size
    if target is not None:
        os.ftruncate(target, size)
    is_alone = target is None and os.getpid() == _LOADED_IN
    hasher = blake3(max_threads=blake3.AUTO if is_alone else 1)
    buffers = [memoryview(bytearray(min(BLOCK_BYTES, size + 1))) for _ in range(3)]
    waits: list[Callable[[], None] | None] = [None] * len(buffers)
    turn = 0
    at = 0
    with hashing_thread(hasher) as submit:
        for is_data, end in _extents(source, size):
            while at < end:
                wait = waits[turn]
                if wait is not None:
                    wait()
                block = buffers[turn][: end - at]
                got = _read_block(source, block, at) if is_data else _zero(block)
                if not got:
                    break
                block = block[:got]
                waits[turn] = submit(block)
                if target is not None and is_data:
                    _write_at(target, block, at)
                at += got
                turn = (turn + 1) % len(buffers)
        for wait in waits:
            if wait is not None:
                wait()
    if target is not None and at != size:  # it shrank or grew under our hands
        os.ftruncate(target, at)
    return hasher.digest()


def _extents(fd: int, size: int) -> Iterator[tuple[bool, int]]:
    """(is data, end) for each run; the last run has no end bound, the file may be growing."""
    if os.fstat(fd).st_blocks * 512 >= size or not hasattr(os, "SEEK_DATA"):
        yield True, size + 1
        return
    at = 0
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
            end = os.lseek(fd, data, os.SEEK_HOLE)
        except OSError as error:
            # ENXIO: only a hole is left.  Anything else: this file system does not know.
            yield error.errno != errno.ENXIO, size
            return
        if data > at:
            yield False, data
        yield True, end
        at = end


def _read_block(fd: int, block: memoryview, at: int) -> int:
    got = 0
    while got < len(block):
        count = os.preadv(fd, [block[got:]], at + got)
        if not count:
            break
        got += count
    return got


def _zero(block: memoryview) -> int:
    block[:] = bytes(len(block))
    return len(block)


def _write_at(fd: int, block: memoryview, at: int) -> None:
    while block:
        count = os.pwrite(fd, block, at)
        block, at = block[count:], at + count


def read_stable(
    fd: int,
    name: str,
    read: Callable[[int], T],
    *,
    walked: tuple[int, ...] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[T, tuple[int, ...]]:
    """``read(size)`` between two equal stats, and that stat row.

    A file that changes while it is read is read again, three times at most; then
    :class:`Temporary` ``file-changing`` is raised.  ``walked`` is the row of an earlier stat,
    at least :data:`TICK_SECONDS` ago, if there was one.
    """
    for _ in range(_RETRIES):
        before = os.fstat(fd)
        if not stat.S_ISREG(before.st_mode):
            raise not_regular(name)
        if stat_row(before) != walked:
            # A write within the same tick of the clock would leave the times as they are.
            sleep(TICK_SECONDS)
        os.lseek(fd, 0, os.SEEK_SET)
        value = read(before.st_size)
        after = os.fstat(fd)
        if stat_row(before) == stat_row(after):
            return value, stat_row(after)
    raise Temporary(
        "file-changing",
        f"{name} keeps changing while it is read.",
        why=f"Its size or times differed before and after reading, {_RETRIES} times in a row.",
        fix="Wait until whatever writes it is done, then run the command again.",
        paths=(name,),
    )
