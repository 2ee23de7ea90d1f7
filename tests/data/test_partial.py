"""Working with a part of a tracked folder: add, pull, check out, push."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project, clone

TREE = {"data/a": "a", "data/sub/b": "b", "data/sub/c": "c", "data/empty": None}


@pytest.fixture
def shared(project: Project) -> Project:
    project.write(TREE)
    project.save()
    project.assay("push")
    return project


@pytest.fixture
def fresh(shared: Project, tmp_path: Path) -> Project:
    """A clone with nothing pulled."""
    return clone(shared, tmp_path / "fresh")


def files_of(project: Project, rev: str = "HEAD") -> set[str]:
    listed = project.assay("ls", ".", "data", "-R", "--rev", rev, "--json").json()
    return {entry["path"] for entry in listed}


def test_adding_one_file_records_only_that_file(shared: Project) -> None:
    shared.write({"data/a": "changed", "data/sub/b": "changed", "data/new": "new"})
    shared.assay("add", "data/a")
    shared.commit()
    assert files_of(shared) == {"a", "sub/b", "sub/c"}
    changes = shared.assay("diff", "HEAD~1", "HEAD", "--json").json()
    assert [item["path"] for item in changes["modified"]] == ["data/", "data/a"]
    assert changes["added"] == []
    assert shared.status() == {"data": "modified"}
    shared.assay("add", "data/new", "data/sub")
    assert shared.status() == {}


def test_adding_one_new_file_needs_nothing_of_the_others(fresh: Project) -> None:
    """A colleague adds a file to a data set of which nothing is here, the manifest included."""
    fresh.write({"data/new": "new"})
    fresh.assay("add", "data/new")
    fresh.commit()
    assert files_of(fresh) == {"a", "sub/b", "sub/c", "new"}
    fresh.assay("push")
    fresh.assay("pull")
    assert fresh.tree() == {
        b"a": b"a",
        b"sub/b": b"b",
        b"sub/c": b"c",
        b"new": b"new",
        b"empty": None,
    }


def test_adding_a_deleted_part_records_that_it_is_gone(shared: Project) -> None:
    shared.remove("data/sub")
    shared.assay("add", "data/sub")
    assert shared.status() == {}
    shared.commit()
    assert files_of(shared) == {"a"}


@pytest.mark.parametrize("target", ["data/typo", "data/sub/typo", "data/a/b", "data/typo/x"])
def test_adding_what_neither_is_nor_was_is_refused(shared: Project, target: str) -> None:
    before = shared.pointer()
    outcome = shared.assay("add", target, exit_code=3)
    assert target in outcome.stderr
    assert shared.pointer() == before


@pytest.mark.parametrize(
    "command", ["add", "commit", "checkout", "status", "push", "fetch", "pull"]
)
def test_a_path_inside_a_tracked_file_is_unknown(shared: Project, command: str) -> None:
    shared.write({"model": "model"})
    shared.save("model", "model")
    before = shared.pointer("model")
    outcome = shared.assay(command, "model/x", exit_code=3)
    assert "model/x" in outcome.stderr
    assert shared.pointer("model") == before
    assert shared.read("model") == b"model"


def test_pulling_one_file_brings_only_that_file(fresh: Project) -> None:
    fresh.assay("pull", "data/sub/b")
    assert fresh.tree() == {b"sub/b": b"b"}
    assert len(fresh.cached()) == 2, "the manifest and one file"


def test_pulling_one_folder_brings_only_that_folder(fresh: Project) -> None:
    fresh.assay("pull", "data/sub")
    assert fresh.tree() == {b"sub/b": b"b", b"sub/c": b"c"}
    fresh.assay("pull", "data/empty")
    assert fresh.tree() == {b"sub/b": b"b", b"sub/c": b"c", b"empty": None}
    fresh.assay("pull")
    assert fresh.status() == {}


@pytest.mark.parametrize("command", ["pull", "checkout", "fetch"])
def test_a_part_that_is_not_in_the_record_is_unknown(shared: Project, command: str) -> None:
    outcome = shared.assay(command, "data/typo", exit_code=3)
    assert "data/typo" in outcome.stderr


def test_a_partly_present_folder_says_what_is_missing_and_can_be_pushed(fresh: Project) -> None:
    fresh.assay("pull", "data/sub/b")
    assert fresh.status() == {"data": "modified"}
    assert fresh.assay("status", "data/sub/b", "--json").json() == {}
    granular = fresh.assay("data", "status", "--granular", "--json").json()
    assert sorted(granular["uncommitted"]["deleted"]) == [
        "data/a",
        "data/empty/",
        "data/sub/c",
    ]
    fresh.assay("push")
    fresh.assay("pull")
    assert fresh.status() == {}


def test_adding_a_partly_present_folder_whole_records_only_what_is_there(fresh: Project) -> None:
    """As DVC does: the record becomes what the folder holds.  History keeps the rest."""
    fresh.assay("pull", "data/sub/b")
    before = fresh.git("rev-parse", "HEAD").decode()
    fresh.assay("add", "data")
    assert "nfiles: 1\n" in fresh.pointer()
    fresh.commit("less")
    assert files_of(fresh, before) == {"a", "sub/b", "sub/c"}
    fresh.git("checkout", "-q", before)
    fresh.assay("pull")
    assert fresh.tree() == {b"a": b"a", b"sub/b": b"b", b"sub/c": b"c", b"empty": None}


def test_pushing_one_file_sends_it_and_what_leads_to_it(shared: Project) -> None:
    shared.write({"data/a": "a2", "data/sub/b": "b2"})
    shared.save()
    shared.assay("push", "data/a")
    assert shared.assay("status", "--cloud", "data", "--json").json() == {"data": "new"}
    shared.assay("push")
    assert shared.assay("status", "--cloud", "--json").json() == {}


def test_changes_below_the_target_only_are_checked_out(shared: Project) -> None:
    shared.write({"data/a": "b", "data/sub/b": "a"})  # contents that the cache has
    shared.assay("checkout", "data/sub")
    assert shared.read("data/sub/b") == b"b"
    assert shared.read("data/a") == b"b"
    assert shared.status() == {"data": "modified"}
    shared.assay("checkout", "data/a")
    assert shared.status() == {}


def test_a_part_in_a_sub_folder_of_the_repository(shared: Project) -> None:
    shared.write({"deep/er/set/x": "x", "deep/er/set/y": "y"})
    shared.save("deep", "deep/er/set")
    shared.write({"deep/er/set/x": "x2", "deep/er/set/y": "y2"})
    shared.assay("--cd", "deep/er", "add", "set/x")
    shared.commit()
    assert shared.status() == {"deep/er/set": "modified"}
    shared.assay("--cd", "deep/er/set", "checkout", "--force", "y")
    assert shared.read("deep/er/set/y") == b"y"
    assert shared.status() == {}
