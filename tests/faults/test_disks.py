"""Disks that are full, read-only or another one than the cache's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from disks import filled, read_only, small_disk
from projects import LARGE, Project, clone, new_project

SMALL = {f"data/{n:03d}": os.urandom(3000) for n in range(100)}
BIG = {"big": os.urandom(LARGE)}


def test_adding_to_a_full_disk_says_so_and_works_once_there_is_room(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    with small_disk(tmp_path / "disk") as disk:
        project.assay("config", "cache.dir", disk / "cache")
        project.write({"data/first": "first", **SMALL, **BIG})
        project.assay("add", "data/first")
        before = project.pointer("data/first")
        with filled(disk, free_bytes=100_000):
            for name in ("data/001", "data/002", "big"):
                outcome = project.assay("add", name, exit_code=None)
                assert outcome.exit_code in (0, 75), outcome.text
            for target in (["big"], sorted(SMALL)):
                outcome = project.assay("add", *target, exit_code=75)
                assert "disk-full" in outcome.stderr
            assert list((disk / "cache" / "tmp").iterdir()) == [], "unfinished files were left"
        project.assay("verify", exit_code=None)
        project.assay("add", "big", *sorted(SMALL))
        assert project.pointer("data/first") == before
        assert project.status() == {}
        project.assay("verify")


def test_checking_out_to_a_full_disk_harms_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        project = new_project(disk / "project")
        project.assay("config", "cache.dir", tmp_path / "cache")
        project.write({**SMALL, **BIG, "mine": "mine"})
        project.save("1", "data", "big")
        before = project.tree()
        project.remove("data", "big")
        with filled(disk, free_bytes=100_000):
            outcome = project.assay("checkout", exit_code=75)
            assert "disk-full" in outcome.stderr
            assert {k: before[k] for k in project.tree()} == project.tree()
            assert not (project.root / "big").exists()
            assert project.leftovers() == []
        project.assay("checkout")
        assert project.tree() == before
        assert project.read("mine") == b"mine"
        assert project.status() == {}


def test_displacing_work_on_a_full_disk_loses_none(tmp_path: Path) -> None:
    """The trash may lie on another disk than the data, and that one be full."""
    with small_disk(tmp_path / "disk") as disk:
        project = new_project(tmp_path / "project")
        project.write({"data/a": "a"})
        project.save()
        os.makedirs(disk / "trash")
        os.symlink(disk / "trash", project.root / ".assay/trash")
        mine = os.urandom(300_000)
        project.write({"data/a": mine})
        with filled(disk, free_bytes=100_000):
            project.assay("checkout", "--force", exit_code=75)
            assert project.read("data/a") == mine
        project.assay("checkout", "--force")
        assert project.read("data/a") == b"a"
        project.assay("undo", exit_code=None)
        assert project.read("data/a") in (mine, b"a")


def test_pushing_to_and_pulling_from_full_disks(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        project = new_project(tmp_path / "project", remote=disk / "remote")
        project.write({**SMALL, **BIG})
        project.save("1", "data", "big")
        with filled(disk, free_bytes=100_000):
            outcome = project.assay("push", exit_code=None)
            assert outcome.exit_code in (6, 75), outcome.text
        project.assay("push")
        other = clone(project, tmp_path / "other")
        other.assay("pull")
        assert other.tree() == project.tree()
        third = clone(project, disk / "third")
        with filled(disk, free_bytes=200_000):
            outcome = third.assay("pull", exit_code=75)
            assert "disk-full" in outcome.stderr
        third.assay("pull")
        assert third.tree() == project.tree()
        assert third.read("big") == BIG["big"]
        third.assay("verify")


def test_looking_works_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        project = new_project(disk / "project")
        project.write({"data/a": "a", "data/b": "b"})
        project.save()
        project.write({"data/a": "changed"})
        with filled(disk):
            for suffix in ("", "-wal", "-shm"):
                (project.root / f".assay/index.db{suffix}").unlink(missing_ok=True)
            with filled(disk / "project"):
                assert project.status() == {"data": "modified"}
                project.assay("diff")
                project.assay("verify", exit_code=5)


@pytest.mark.parametrize("fresh", [False, True], ids=["used", "fresh-clone"])
def test_looking_at_a_read_only_project(project: Project, tmp_path: Path, fresh: bool) -> None:
    project.write({"data/a": "a", "data/b": "b", "one": "1"})
    project.save("1", "data", "one")
    project.assay("push")
    there = clone(project, tmp_path / "clone") if fresh else project
    if not fresh:
        project.write({"data/a": "changed"})
    expected = {"data": "not in cache", "one": "not in cache"} if fresh else {"data": "modified"}
    before = there.tree(".")
    with read_only(there.root):
        assert there.status() == expected
        assert there.assay("data", "status", "--json").json()
        there.assay("diff")
        there.assay("ls", ".", "-R")
        there.assay("verify", exit_code=None)
        there.assay("trash", "list")
        there.assay("doctor", exit_code=None)
        there.assay("--version")
        for words in (["add", "data"], ["checkout"], ["pull"], ["gc", "--force"]):
            outcome = there.assay(*words, exit_code=4)
            assert "permission-denied" in outcome.stderr, words
    assert there.tree(".") == before


def test_a_read_only_cache_can_be_checked_out_from(lone: Project, tmp_path: Path) -> None:
    lone.assay("config", "cache.dir", tmp_path / "cache")
    lone.write({"data/a": "a", "big": b"b" * LARGE})
    lone.save("1", "data", "big")
    lone.remove("data", "big")
    with read_only(tmp_path / "cache"):
        lone.assay("checkout")
        assert lone.tree() == {b"a": b"a"}
        assert lone.status() == {}
        lone.write({"data/a": "new"})
        outcome = lone.assay("add", "data", exit_code=4)
        assert "permission-denied" in outcome.stderr
    lone.assay("add", "data")


def test_a_read_only_remote_can_be_pulled_from(project: Project, tmp_path: Path) -> None:
    project.write({"data/a": "a", "big": b"b" * LARGE})
    project.save("1", "data", "big")
    project.assay("push")
    other = clone(project, tmp_path / "other")
    project.write({"data/a": "new"})
    project.save("2")
    with read_only(tmp_path / "remote"):
        other.assay("pull")
        outcome = project.assay("push", exit_code=None)
        assert outcome.exit_code in (4, 6), outcome.text
    assert other.read("data/a") == b"a"
    project.assay("push")


def test_a_read_only_folder_in_the_workspace_is_named(lone: Project) -> None:
    lone.write({"data/a": "1", "data/locked/b": "1", "data/z": "1"})
    lone.save("1")
    lone.write({"data/a": "2", "data/locked/b": "2", "data/z": "2"})
    lone.save("2")
    lone.git("checkout", "-q", "HEAD~1")
    with read_only(lone.root / "data/locked"):
        outcome = lone.assay("checkout", exit_code=4)
        assert "data/locked" in outcome.stderr
        assert lone.read("data/locked/b") == b"2"
    lone.assay("checkout")
    assert lone.tree() == {b"a": b"1", b"locked/b": b"1", b"z": b"1"}


@pytest.mark.parametrize("link_type", ["reflink", "copy", "hardlink", "symlink"])
def test_data_on_another_disk_than_the_cache(
    project: Project, tmp_path: Path, link_type: str
) -> None:
    project.assay("config", "cache.type", f"{link_type},copy")
    with small_disk(project.root / "data"), small_disk(tmp_path / "elsewhere"):
        project.write({"data/a": "a", "data/sub/b": "b", "data/big": b"b" * LARGE, "one": "1"})
        project.save("1", "data", "one")
        project.assay("push")
        before = {name: project.read(name) for name in ("data/a", "data/sub/b", "data/big")}
        project.remove("data/a", "data/big")  # not through a link into the cache
        project.write({"data/a": "mine", "data/big": "mine", "data/new": "mine"})
        project.assay("checkout", "--force")
        assert {name: project.read(name) for name in before} == before
        project.assay("undo")
        assert project.read("data/new") == b"mine"
        assert project.read("data/big") == b"mine"
        project.save("2")
        assert project.status() == {}
        other = clone(project, tmp_path / "elsewhere" / "clone")
        other.assay("config", "cache.dir", project.cache_folder)
        other.git("checkout", "-q", "HEAD~1")
        other.assay("checkout")
        assert {name: other.read(name) for name in before} == before
        other.assay("verify")


def test_a_data_folder_that_is_a_mount_becomes_empty_not_absent(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    with small_disk(project.root / "data"):
        project.write({"data/a": "a"})
        project.save("1")
        project.remove("data/a")
        project.save("2")
        project.switch("HEAD~1")
        assert project.tree() == {b"a": b"a"}
        project.switch("-")
        assert project.tree() == {}
        assert project.status() == {}
