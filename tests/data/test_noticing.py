"""Changes are noticed whatever the clock says, and the index is never more than a memory."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from projects import LARGE, Project, flip, overwrite


@pytest.fixture
def settled(lone: Project) -> Project:
    """A project whose index knows every file, with nothing changed for longer than a tick."""
    lone.write({"data/a": "aaaa", "data/sub/b": "bbbb", "data/big": b"b" * LARGE, "one": "1111"})
    lone.save("1", "data", "one")
    time.sleep(0.02)
    assert lone.status() == {}
    return lone


def sizes_and_times(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_atime_ns, found.st_mtime_ns


@pytest.mark.parametrize("name", ["data/a", "data/big", "one"])
def test_a_same_size_edit_with_its_old_time_restored_is_seen(settled: Project, name: str) -> None:
    path = settled.root / name
    before = sizes_and_times(path)
    overwrite(path, lambda data: flip(data, 0))
    os.utime(path, ns=before[1:])
    assert sizes_and_times(path) == before
    assert list(settled.status()) == [name.split("/")[0]]
    settled.assay("add", name.split("/")[0])
    assert settled.status() == {}


@pytest.mark.parametrize("name", ["data/a", "one"])
def test_same_size_edits_in_quick_succession_are_all_recorded(lone: Project, name: str) -> None:
    """Within one tick of the clock neither size nor times can tell two contents apart."""
    top = name.split("/")[0]
    lone.write({name: "0000"})
    lone.assay("add", top)
    with lone.opened() as repository:
        for number in range(1, 60):
            content = f"{number:04d}".encode()
            with (lone.root / name).open("r+b") as file:
                file.write(content)
            (recorded,) = repository.add([str(lone.root / top)])
            assert recorded.is_changed, number
    assert lone.status() == {}
    lone.remove(name)
    lone.assay("checkout")
    assert lone.read(name) == b"0059"


def test_an_edit_right_after_a_checkout_is_seen(lone: Project) -> None:
    lone.write({"data/a": "0000", "one": "0000"})
    lone.save("0", "data", "one")
    for number in range(1, 25):
        lone.remove("data", "one")
        with lone.opened() as repository:
            repository.checkout()
            for name in ("data/a", "one"):
                with (lone.root / name).open("r+b") as file:
                    file.write(b"%04d" % number)
            changed = {item.tracked.name for item in repository.status()}
            assert changed == {"data", "one"}, number
            repository.checkout(force=True)


def test_replaced_removed_added_and_renamed_files_are_seen(settled: Project) -> None:
    steps = [
        lambda: os.replace(settled.root / "data/a", settled.root / "data/c"),
        lambda: os.replace(settled.root / "data/c", settled.root / "data/a"),
        lambda: settled.write({"data/new": "new"}),
        lambda: settled.remove("data/new"),
        lambda: settled.remove("data/sub"),
        lambda: settled.write({"data/sub/b": "bbbb"}),
        lambda: settled.write({"data/e": None}),
        lambda: settled.remove("data/e"),
    ]
    for number, step in enumerate(steps):
        step()
        assert settled.status() == ({"data": "modified"} if number % 2 == 0 else {}), number


def test_touched_files_are_the_same(settled: Project) -> None:
    for name in ("data/a", "one"):
        os.utime(settled.root / name)
    assert settled.status() == {}


@pytest.mark.parametrize("stamp", [0, 1, 2**31, 2**33, 253402300799])
def test_any_modification_time_will_do(lone: Project, stamp: int) -> None:
    lone.write({"data/a": "aaaa", "one": "1111"})
    for name in ("data/a", "one"):
        os.utime(lone.root / name, (stamp, stamp))
    lone.save("1", "data", "one")
    assert lone.status() == {}
    overwrite(lone.root / "data/a", lambda data: flip(data, 0))
    os.utime(lone.root / "data/a", (stamp, stamp))
    assert lone.status() == {"data": "modified"}


def hashes(project: Project) -> int:
    """How many files a look has to hash."""
    from assay.data.scan import look

    with project.opened() as repository:
        workspace = repository.context.workspace
        return look(workspace, b"data").hashed + look(workspace, b"one").hashed


def test_an_unchanged_project_is_not_hashed_again(settled: Project) -> None:
    assert hashes(settled) == 0


def test_a_moved_project_keeps_its_memory(settled: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = Project(tmp_path / "elsewhere" / "moved")
    os.rename(settled.root, moved.root)
    assert hashes(moved) == 0
    assert moved.status() == {}


def test_a_copied_project_looks_again(settled: Project, tmp_path: Path) -> None:
    copied = Project(tmp_path / "copied")
    shutil.copytree(settled.root, copied.root)
    (copied.root / "data/a").write_text("xxxx")
    found = (settled.root / "data/a").stat()
    os.utime(copied.root / "data/a", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert copied.status() == {"data": "modified"}
    assert settled.status() == {}


def test_without_its_index_a_project_only_looks_again(settled: Project) -> None:
    for name in (settled.root / ".assay").glob("index.db*"):
        name.unlink()
    assert settled.status() == {}
    assert hashes(settled) == 0


@pytest.mark.parametrize("damage", ["empty", "garbage", "truncated", "text", "newer", "folder"])
def test_a_damaged_index_is_rebuilt_silently(settled: Project, damage: str) -> None:
    path = settled.root / ".assay" / "index.db"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    data = path.read_bytes()
    if damage == "newer":
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version=99")
        database.close()
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {
                "empty": b"",
                "garbage": b"SQLite format 3\0" + b"\xff" * 8000,
                "truncated": data[: len(data) // 2],
                "text": b"not a database at all\n" * 500,
            }[damage]
        )
    settled.write({"data/a": "changed"})
    outcome = settled.assay("status", "--json")
    assert list(outcome.json()) == ["data.assay"]
    assert outcome.stderr == ""
    settled.assay("add", "data")
    assert settled.status() == {}


def test_a_flipped_bit_anywhere_in_the_index_never_gives_a_wrong_answer(settled: Project) -> None:
    """A digest that the index remembers wrongly would be recorded, and its data be lost."""
    path = settled.root / ".assay" / "index.db"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    data = path.read_bytes()
    pointers = {name: settled.pointer(name) for name in ("data", "one")}
    places = [at for at in range(0, len(data), 37) if data[at]]
    for at in places:
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.write_bytes(flip(data, at))
        with settled.opened() as repository:
            assert repository.status() == [], at
            repository.add([str(settled.root / name) for name in pointers])
        assert {name: settled.pointer(name) for name in pointers} == pointers, at
