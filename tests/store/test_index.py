"""The index: answers what it was told, or nothing, whatever becomes of its file."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from array import array
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.store.index import FolderRow, WorkspaceIndex, is_racy
from assay.store.walk import STAT_FIELDS, stat_row, walk_batch
from store_folders import Disk, folder, large, put

Row = tuple[int, int, int, int, int]


@pytest.fixture
def index(tmp_path: Path) -> WorkspaceIndex:
    return WorkspaceIndex(str(tmp_path / "index.db"))


def reopened(index: WorkspaceIndex) -> WorkspaceIndex:
    index.close()
    return WorkspaceIndex(index.path)


# -- what was told is answered ----------------------------------------------------------------

PATHS = st.sampled_from([b"a", b"a/b", b"a/b/c", b"a-", b"a0", b"b", b"", b"\xff", b"a/\n"])
NAMES = st.sets(st.sampled_from([b"x", b"y", b"\xff", b" ", b"z" * 255]), max_size=5)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.just("put"), PATHS, NAMES, st.integers(0, 9))
        | st.tuples(st.just("drop"), PATHS, st.just(set()), st.just(0)),
        max_size=12,
    ),
    PATHS.filter(bool),
)
def test_folders_are_a_dictionary_by_path(
    steps: list[tuple[str, bytes, set[bytes], int]], top: bytes
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        index = WorkspaceIndex(os.path.join(name, "i.db"))
        model: dict[bytes, FolderRow] = {}
        for what, path, names, seed in steps:
            if what == "put":
                model[path] = folder(path, *names, seed=seed)
                put(index, model[path])
            else:
                model.pop(path, None)
                with index.transaction():
                    index.drop_folders([path])
        expected = {p: row for p, row in model.items() if p == top or p.startswith(top + b"/")}
        assert index.folders(top) == expected
        again = reopened(index)
        assert again.folders(top) == expected
        again.close()


def test_a_folder_of_thousands_of_names_reads_back_whole_and_changes_in_parts(
    index: WorkspaceIndex,
) -> None:
    first = large(b"f", 2)
    put(index, first)
    assert index.folders(b"f") == {b"f": first}
    digests = bytearray(first.digests)
    digests[32 * 4000] ^= 1
    second = first._replace(digests=bytes(digests), stamp_ns=200)
    put(index, second)
    found = reopened(index).folders(b"f")[b"f"]
    assert (found.names, found.stats, found.digests) == second[1:4]
    assert found.stamp_ns == 100, "as old as its oldest part"
    put(index, folder(b"f", b"only"))
    assert index.folders(b"f") == {b"f": folder(b"f", b"only")}
    put(index, first)
    with index.transaction():
        index.drop_folders([b"f"])
    assert index.folders(b"f") == {}


def test_files_and_outputs_are_remembered_and_forgotten(index: WorkspaceIndex) -> None:
    stats = (5, 10, 20, 30, 40)
    index.put_file(b"\xff", stats, b"d" * 32, 50)
    with index.transaction():
        index.put_output(b"o", b"r" * 32, b"sum", "follow")
    index = reopened(index)
    assert index.file_digest(b"\xff", stats) == b"d" * 32
    assert index.output_root(b"o", "follow", b"sum") == b"r" * 32
    assert index.output_root(b"o", "keep", b"sum") is None
    assert index.output_root(b"o", "follow", b"other") is None
    assert index.file_digest(b"other", stats) is None
    index.drop_file(b"\xff")
    with index.transaction():
        index.drop_output(b"o")
    assert index.file_digest(b"\xff", stats) is None
    assert index.output_root(b"o", "follow", b"sum") is None


@pytest.mark.parametrize("field", range(STAT_FIELDS))
def test_a_file_with_any_other_stat_field_is_not_known(index: WorkspaceIndex, field: int) -> None:
    stats = [5, 10, 20, 30, 40]
    index.put_file(b"f", tuple(stats), b"d" * 32, 50)
    stats[field] += 1
    assert index.file_digest(b"f", tuple(stats)) is None


# -- the racy rule -----------------------------------------------------------------------------


def test_a_file_is_trusted_only_when_all_its_times_are_older_than_the_look() -> None:
    for times, is_trusted in {(9, 9): True, (10, 9): False, (9, 10): False, (11, 1): False}.items():
        assert is_racy(array("q", [1, *times, 1, 1]), 10) != is_trusted
        assert is_racy(array("q", [1, 5, 5, 1, 1, 1, *times, 1, 1]), 10) != is_trusted
    assert not is_racy(array("q"), 0)


@pytest.mark.parametrize(("mtime", "ctime"), [(50, 20), (20, 50), (60, 60)])
def test_a_single_file_that_is_not_older_than_the_look_is_not_known(
    index: WorkspaceIndex, mtime: int, ctime: int
) -> None:
    stats = (5, mtime, ctime, 30, 40)
    index.put_file(b"f", stats, b"d" * 32, 50)
    assert index.file_digest(b"f", stats) is None


def test_a_same_size_edit_with_the_old_time_restored_is_not_known(
    index: WorkspaceIndex, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    before = path.stat()
    index.put_file(b"f", stat_row(before), b"d" * 32, 2**62)
    path.write_bytes(b"new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert index.file_digest(b"f", stat_row(after)) is None


def test_times_beyond_the_year_2262_are_never_trusted(
    index: WorkspaceIndex, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    path = tmp_path / "d" / "f"
    path.touch()
    os.utime(path, (1, 13_000_000_000))
    if path.stat().st_mtime < 13_000_000_000:
        pytest.skip("this file system does not keep such times")
    row = stat_row(path.stat())
    index.put_file(b"f", row, b"d" * 32, 2**62)
    assert index.file_digest(b"f", row) is None
    (scan,) = walk_batch(os.fsencode(tmp_path / "d"), b"")
    assert is_racy(scan.stats, 2**62)


# -- all or nothing -----------------------------------------------------------------------------


def test_an_error_inside_a_transaction_undoes_it(index: WorkspaceIndex) -> None:
    put(index, folder(b"a", b"x"))
    with suppress(ZeroDivisionError), index.transaction():
        index.put_folders([folder(b"b", b"x"), large(b"c", 4)])
        raise ZeroDivisionError
    assert set(index.folders(b"a") | index.folders(b"b") | index.folders(b"c")) == {b"a"}
    put(index, folder(b"b", b"x"))
    assert set(index.folders(b"b")) == {b"b"}


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from store_folders import WorkspaceIndex, folder, large, put
index = WorkspaceIndex(sys.argv[1])
print("go", flush=True)
for n in range(100_000):
    put(index, folder(b"t", b"x", seed=n), folder(b"t/u", b"x", seed=n), large(b"t/v", n, 5000))
    print(n, flush=True)
"""


def test_a_killed_writer_leaves_all_of_a_transaction_or_nothing(index: WorkspaceIndex) -> None:
    here = str(Path(__file__).parent.parent)
    chance = random.Random(3)
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, index.path, here],
            stdout=subprocess.PIPE,
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(chance.random() * 0.2)
            writer.kill()
            said = writer.stdout.read().split()
        rows = reopened(index).folders(b"t")
        if not rows:
            assert not said
            continue
        seeds = [
            n
            for n in range(int(said[-1]) if said else 0, int(said[-1] if said else 0) + 2)
            if rows[b"t"] == folder(b"t", b"x", seed=n)
        ]
        if said:
            assert seeds, "what was committed is there"
        for n in seeds:
            assert rows[b"t/u"] == folder(b"t/u", b"x", seed=n)
            assert rows[b"t/v"].digests == large(b"t/v", n, 5000).digests


def test_several_processes_write_at_once(index: WorkspaceIndex) -> None:
    script = (
        "import sys\nsys.path.insert(0, sys.argv[3])\n"
        "from store_folders import WorkspaceIndex, folder, put\n"
        "index = WorkspaceIndex(sys.argv[1])\n"
        "for n in range(8): put(index, folder(b'w/%s/%d' % (sys.argv[2].encode(), n), b'x'))\n"
    )
    here = str(Path(__file__).parent.parent)
    running = [
        subprocess.Popen([sys.executable, "-c", script, index.path, name, here]) for name in "abc"
    ]
    assert [writer.wait() for writer in running] == [0, 0, 0]
    assert len(index.folders(b"w")) == 24


# -- whatever becomes of the file ---------------------------------------------------------------


def filled(path: str) -> dict[bytes, FolderRow]:
    index = WorkspaceIndex(path)
    rows = {b"d%d" % n: folder(b"d%d" % n, b"x", b"y", seed=2 * n) for n in range(40)}
    rows[b"big"] = large(b"big", 2, 6000)
    put(index, *rows.values())
    index.put_file(b"f", (1, 2, 3, 4, 5), b"d" * 32, 100)
    index.close()
    return rows


def must_be_true_or_unknown(path: str, rows: dict[bytes, FolderRow]) -> None:
    index = WorkspaceIndex(path)
    for name, row in rows.items():
        found = index.folders(name).get(name)
        if found is None:
            continue
        known = dict(zip(found.names.split(b"\0"), split(found.digests, 32), strict=True))
        true = dict(zip(row.names.split(b"\0"), split(row.digests, 32), strict=True))
        assert known.items() <= true.items(), "a wrong digest"
    assert index.file_digest(b"f", (1, 2, 3, 4, 5)) in (None, b"d" * 32)
    put(index, folder(b"new", b"x"))
    assert index.folders(b"new") == {b"new": folder(b"new", b"x")}
    index.close()


def split(data: bytes, width: int) -> list[bytes]:
    return [data[at : at + width] for at in range(0, len(data), width)]


DAMAGE = {
    "emptied": lambda data: b"",
    "replaced by text": lambda _: b"this is no database\n" * 300,
    "replaced by noise": lambda data: random.Random(1).randbytes(len(data)),
    "cut in its header": lambda data: data[:50],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "cut at a page": lambda data: data[: 4096 * 3],
    "zeroed in the middle": lambda data: data[:8192] + bytes(8192) + data[16384:],
    "given a later schema": lambda data: data[:60] + b"\0\0\0\x7f" + data[64:],
}


@pytest.mark.parametrize("what", list(DAMAGE))
def test_a_damaged_index_is_started_anew(index: WorkspaceIndex, what: str) -> None:
    rows = filled(index.path)
    path = Path(index.path)
    path.write_bytes(DAMAGE[what](path.read_bytes()))
    must_be_true_or_unknown(index.path, rows)
    must_be_true_or_unknown(index.path, rows)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_never_become_a_wrong_digest(index: WorkspaceIndex, seed: int) -> None:
    rows = filled(index.path)
    path = Path(index.path)
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 5, 200])):
        place = chance.randrange(len(data)) if seed % 2 else chance.randrange(8192)
        data[place] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    must_be_true_or_unknown(index.path, rows)


def test_tables_that_somebody_dropped_are_made_anew(index: WorkspaceIndex) -> None:
    import sqlite3

    rows = filled(index.path)
    for table in ("folders", "files"):
        db = sqlite3.connect(index.path)
        db.execute(f"DROP TABLE {table}")
        db.close()
        must_be_true_or_unknown(index.path, rows)


def test_a_lost_log_beside_the_index_does_no_harm(index: WorkspaceIndex) -> None:
    rows = filled(index.path)
    for suffix in ("-wal", "-shm"):
        Path(index.path + suffix).write_bytes(os.urandom(5000))
    must_be_true_or_unknown(index.path, rows)


def test_an_index_that_cannot_be_kept_is_held_in_memory(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "taken").mkdir()
    places = [tmp_path / "no folder" / "i.db", tmp_path / "taken", disk("ro") / "i.db"]
    for place in places:
        index = WorkspaceIndex(str(place))
        assert index.folders(b"a") == {}
        put(index, folder(b"a", b"x"))
        index.put_file(b"f", (1, 2, 3, 4, 5), b"d" * 32, 100)
        index.close()
    assert (tmp_path / "taken").is_dir()


def test_a_full_disk_loses_memory_but_fails_no_command(disk: Disk) -> None:
    path = str(disk("size=256k") / "i.db")
    index = WorkspaceIndex(path)
    put(index, folder(b"a", b"x"))
    put(index, *(large(b"big%d" % n, n, 4000) for n in range(5)))
    assert index.folders(b"big1").keys() <= {b"big1"}
    index.close()
    assert WorkspaceIndex(path).folders(b"a").keys() <= {b"a"}
