"""Hashing: what is copied is what was hashed, holes stay holes, change is noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InvalidInput, Temporary
from assay.store.hashing import BLOCK_BYTES, copy_and_hash, hash_large, read_small, read_stable
from store_folders import blob


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source"


def copied(source: Path) -> tuple[bytes, bytes, int]:
    """(digest, bytes of the copy, blocks of the copy) of one `copy_and_hash`."""
    target = source.with_name("target")
    target.unlink(missing_ok=True)
    with source.open("rb") as read, target.open("wb") as write:
        digest = copy_and_hash(read.fileno(), write.fileno())
    return digest, target.read_bytes(), target.stat().st_blocks


SIZES = [0, 1, 4095, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_is_hashed_and_copied_whole(path: Path, size: int) -> None:
    data = os.urandom(size)
    path.write_bytes(data)
    assert copied(path)[:2] == (blob(data), data)
    with path.open("rb") as file:
        assert hash_large(file.fileno()) == blob(data)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 9_000_000), st.binary(min_size=1, max_size=9)), max_size=4),
    st.integers(0, 9_000_000),
)
def test_a_sparse_file_stays_sparse(runs: list[tuple[int, bytes]], size: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "source")
        with path.open("wb") as file:
            file.truncate(size)
            for at, data in runs:
                file.seek(at)
                file.write(data)
        digest, copy, blocks = copied(path)
        whole = path.read_bytes()
        assert copy == whole
        assert digest == blob(whole)
        assert blocks * 512 <= (path.stat().st_blocks + 64) * 512


def test_the_file_position_does_not_matter(path: Path) -> None:
    path.write_bytes(b"0123456789" * 100)
    with path.open("rb") as file:
        file.seek(500)
        assert hash_large(file.fileno()) == blob(b"0123456789" * 100)


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_small_read_gives_all_there_is_and_one_byte_of_growth(path: Path, size: int) -> None:
    path.write_bytes(b"x" * size)
    fd = os.open(path, os.O_RDONLY)
    assert read_small(fd, size) == b"x" * size
    os.lseek(fd, 0, os.SEEK_SET)
    assert len(read_small(fd, size + 10)) == size
    with path.open("ab") as more:
        more.write(b"yyy")
    os.lseek(fd, 0, os.SEEK_SET)
    assert len(read_small(fd, size)) > size
    os.close(fd)


# -- files that change -----------------------------------------------------------------------


@pytest.fixture
def changing(path: Path) -> Iterator[Path]:
    """A file that shrinks and grows all the time."""
    script = (
        "import os, sys\nfd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "block = b'x' * 3_000_000\nprint('go', flush=True)\n"
        "while True:\n"
        "    os.ftruncate(fd, 0)\n    os.pwrite(fd, block, 0)\n"
        "    os.ftruncate(fd, 1_000_000)\n    os.pwrite(fd, block, 9_000_000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        yield path
        writer.kill()


def test_a_copy_holds_exactly_the_bytes_that_were_hashed_whatever_happens_meanwhile(
    changing: Path,
) -> None:
    for _ in range(25):
        digest, copy, _ = copied(changing)
        assert blob(copy) == digest


def test_a_file_that_never_rests_is_given_up(changing: Path) -> None:
    fd = os.open(changing, os.O_RDONLY)
    reads = []

    def read(size: int) -> bytes:
        reads.append(size)
        return hash_large(fd)

    with pytest.raises(Temporary) as caught:
        read_stable(fd, "the name", read)
    os.close(fd)
    assert caught.value.code == "file-changing"
    assert caught.value.paths == ("the name",)
    assert len(reads) == 3


def test_a_file_that_changes_once_is_read_again(path: Path) -> None:
    path.write_bytes(b"one")
    fd = os.open(path, os.O_RDONLY)
    seen = []

    def read(size: int) -> bytes:
        data = os.read(fd, 100)
        if not seen:
            path.write_bytes(b"three")
        seen.append(data)
        return data

    value, row = read_stable(fd, "f", read)
    os.close(fd)
    assert (value, seen) == (b"three", [b"one", b"three"])
    assert row[0] == 5


def test_a_same_size_edit_with_restored_times_is_noticed(path: Path) -> None:
    path.write_bytes(b"old!")
    fd = os.open(path, os.O_RDONLY)
    times = os.stat(path)
    edits = 0

    def read(size: int) -> bytes:
        nonlocal edits
        data = os.read(fd, 100)
        if not edits:
            path.write_bytes(b"new!")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            edits += 1
        return data

    assert read_stable(fd, "f", read)[0] == b"new!"
    os.close(fd)


def test_a_tick_of_the_clock_passes_before_a_fresh_file_is_read(path: Path) -> None:
    path.write_bytes(b"x")
    fd = os.open(path, os.O_RDONLY)
    slept: list[float] = []
    row = read_stable(fd, "f", lambda _: None, sleep=slept.append)[1]
    assert [seconds > 0.01 for seconds in slept] == [True]
    read_stable(fd, "f", lambda _: None, sleep=slept.append, walked=row)
    os.close(fd)
    assert len(slept) == 1, "not when an earlier look saw the same"


def test_a_pipe_that_took_the_files_place_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    fd = os.open(tmp_path / "p", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(InvalidInput) as caught:
        read_stable(fd, "p", lambda _: None)
    os.close(fd)
    assert caught.value.code == "file-special"


@pytest.mark.slow
def test_a_hole_of_four_gibibytes_is_hashed_without_being_stored(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(4 << 30)
        file.seek(2 << 30)
        file.write(b"island")
    target = path.with_name("target")
    with path.open("rb") as read, target.open("wb") as write:
        digest = copy_and_hash(read.fileno(), write.fileno())
    assert target.stat().st_size == 4 << 30
    assert target.stat().st_blocks < 100
    with target.open("rb") as copy:
        assert hash_large(copy.fileno()) == digest
