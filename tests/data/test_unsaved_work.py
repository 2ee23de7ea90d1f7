"""No command destroys unsaved work: refused without --force, kept in the trash with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from projects import LARGE, Project, clone

OLD = {"data/a": "a1", "data/sub/b": "b1", "data/gone": "gone"}
NEW = {"data/a": "a2", "data/sub/b": "b1", "data/came": "came"}


@pytest.fixture
def versions(project: Project) -> Project:
    """Tags old and new; new is checked out."""
    project.write(OLD)
    project.save("old")
    project.git("tag", "old")
    project.remove("data/gone")
    project.write(NEW)
    project.save("new")
    project.git("tag", "new")
    project.assay("push", "--all-commits")
    return project


def refused(project: Project, command: str, *named: str) -> None:
    before = project.tree()
    outcome = project.assay(command, exit_code=4)
    for name in named:
        assert name in outcome.stderr
    assert project.tree() == before
    assert project.assay("trash", "list", "--json").json() == []


@pytest.mark.parametrize("command", ["checkout", "pull"])
def test_modified_files_are_refused_then_kept_and_brought_back(
    versions: Project, command: str
) -> None:
    versions.git("checkout", "-q", "old")
    versions.write({"data/a": "my own work"})
    refused(versions, command, "data/a")
    versions.assay(command, "--force")
    assert versions.read("data/a") == b"a1"
    assert versions.status() == {}
    versions.assay("undo")
    assert versions.read("data/a") == b"my own work"
    versions.assay("undo")
    assert versions.read("data/a") == b"a1", "what an undo displaces can be undone in turn"


@pytest.mark.parametrize("command", ["checkout", "pull"])
@pytest.mark.parametrize(
    "name", ["data/gone", "data/untracked", "data/new/deep/untracked", "data/sub/untracked"]
)
def test_untracked_files_are_refused_then_kept_and_brought_back(
    versions: Project, command: str, name: str
) -> None:
    versions.git("checkout", "-q", "old")
    versions.write({name: "my own work"})
    refused(versions, command, name)
    versions.assay(command, "--force")
    assert versions.status() == {}
    entry = versions.assay("trash", "list", "--json").json()[0]
    assert entry["paths"] == [name]
    versions.assay("trash", "restore", entry["id"][:14])
    assert versions.read(name) == b"my own work"


def test_a_deleted_file_is_no_work_to_lose(versions: Project) -> None:
    versions.remove("data/a", "data/sub")
    versions.assay("checkout")
    assert versions.tree() == {b"a": b"a2", b"sub/b": b"b1", b"came": b"came"}


def test_files_that_the_cache_has_are_replaced_without_force(versions: Project) -> None:
    versions.write({"data/a": "a1"})  # the old version's content
    versions.assay("checkout")
    assert versions.read("data/a") == b"a2"


def test_refused_for_one_path_nothing_changes_in_any(versions: Project) -> None:
    versions.write({"other": "other 1"})
    versions.save("other", "other")
    versions.write({"other": "other 2"})
    versions.save("other", "other")
    versions.git("checkout", "-q", "HEAD~1")
    versions.write({"data/a": "my own work"})
    versions.assay("checkout", exit_code=4)
    assert versions.read("other") == b"other 2"
    assert versions.read("data/a") == b"my own work"


def test_a_first_pull_over_files_of_ones_own_is_refused(versions: Project, tmp_path: Path) -> None:
    other = clone(versions, tmp_path / "clone")
    other.write({"data/a": "mine", "data/extra": "extra"})
    refused(other, "pull", "data/a", "data/extra")
    other.assay("pull", "--force")
    assert other.tree() == versions.tree()
    other.assay("undo")
    assert other.read("data/a") == b"mine"
    assert other.read("data/extra") == b"extra"


def test_a_single_file_is_treated_alike(versions: Project) -> None:
    versions.write({"model.bin": b"1" * LARGE})
    versions.save("1", "model.bin")
    versions.write({"model.bin": b"2" * LARGE})
    outcome = versions.assay("checkout", "model.bin", exit_code=4)
    assert "model.bin" in outcome.stderr
    versions.assay("checkout", "--force", "model.bin.assay")
    assert versions.read("model.bin") == b"1" * LARGE
    versions.assay("undo")
    assert versions.read("model.bin") == b"2" * LARGE


def test_only_what_the_target_names_is_touched(versions: Project) -> None:
    versions.write({"data/a": "changed", "data/sub/b": "changed"})
    versions.assay("checkout", "--force", "data/sub")
    assert versions.read("data/sub/b") == b"b1"
    assert versions.read("data/a") == b"changed"


IGNORED = {".assayignore": "*.log\n"}


def test_an_ignored_file_in_the_way_is_refused_then_kept(versions: Project) -> None:
    versions.write({"data/run.log": "recorded"})
    versions.save("log")
    versions.remove("data/run.log")
    versions.write(IGNORED)
    versions.write({"data/run.log": "my own work"})
    refused(versions, "checkout", "data/run.log")
    versions.assay("checkout", "--force")
    assert versions.read("data/run.log") == b"recorded"
    versions.assay("undo")
    assert versions.read("data/run.log") == b"my own work"


def test_ignored_files_elsewhere_are_left_alone(versions: Project) -> None:
    versions.write(IGNORED)
    versions.write({"data/run.log": "mine", "data/came2/deep.log": "mine"})
    versions.switch("old")
    assert versions.read("data/run.log") == b"mine"
    assert versions.read("data/came2/deep.log") == b"mine"


def test_a_folder_of_ignored_files_where_a_file_belongs(versions: Project) -> None:
    versions.write(IGNORED)
    versions.git("checkout", "-q", "old")
    versions.remove("data/sub")
    versions.write({"data/gone/mine.log": "mine"})
    refused(versions, "checkout", "data/gone")
    versions.assay("checkout", "--force")
    assert versions.read("data/gone") == b"gone"
    assert versions.status() == {}
    versions.assay("undo")
    assert versions.read("data/gone/mine.log") == b"mine"


def test_a_file_where_the_folder_around_a_tracked_path_belongs(project: Project) -> None:
    project.write({"deep/er/data/a": "a"})
    project.save("1", "deep/er/data")
    project.remove("deep/er/data")
    pointer = project.read("deep/er/data.assay")
    project.remove("deep")
    project.write({"deep/er/data.assay": pointer, "deep/er/data": "mine"})
    refused(project, "checkout", "deep/er/data")
    project.assay("checkout", "--force")
    assert project.read("deep/er/data/a") == b"a"
    project.assay("undo")
    assert project.read("deep/er/data") == b"mine"


@pytest.mark.parametrize("where", ["data", "data/sub", "data/a", "model"])
@pytest.mark.parametrize("kind", ["folder", "file", "nothing"])
def test_a_link_in_the_way_is_refused_then_kept_and_never_written_through(
    versions: Project, tmp_path: Path, where: str, kind: str
) -> None:
    versions.write({"model": b"1"})
    versions.save("model", "model")
    outside = tmp_path / "outside"
    if kind == "folder":
        outside.mkdir()
        (outside / "b").write_text("not ours")
    elif kind == "file":
        outside.write_text("not ours")
    versions.remove(where)
    os.symlink(outside, versions.root / where)
    before = outside.read_text() if kind == "file" else ""
    outcome = versions.assay("checkout", exit_code=4)
    assert where in outcome.stderr
    assert os.readlink(versions.root / where) == str(outside)
    versions.assay("checkout", "--force")
    assert versions.status() == {}
    assert not (versions.root / where).is_symlink()
    if kind == "folder":
        assert sorted(os.listdir(outside)) == ["b"]
        assert (outside / "b").read_text() == "not ours"
    elif kind == "file":
        assert outside.read_text() == before
    else:
        assert not outside.exists()
    versions.assay("undo")
    assert os.readlink(versions.root / where) == str(outside)


def test_add_and_commit_never_change_the_data(versions: Project) -> None:
    versions.write({"data/a": "changed"})
    before = {
        name: os.stat(versions.root / "data" / os.fsdecode(name)).st_mtime_ns
        for name in versions.tree()
    }
    versions.assay("add", "data")
    versions.assay("commit")
    after = {
        name: os.stat(versions.root / "data" / os.fsdecode(name)).st_mtime_ns
        for name in versions.tree()
    }
    assert before == after
