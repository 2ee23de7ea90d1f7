"""The trash keeps exact bytes, gives back only inside the repository, and says what is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from projects import Project


@pytest.fixture
def displaced(project: Project) -> Project:
    """A project with one trash entry: data/a, which held "mine"."""
    project.write({"data/a": "saved", "data/b": "b"})
    project.save()
    project.write({"data/a": "mine"})
    project.assay("checkout", "--force")
    assert project.read("data/a") == b"saved"
    return project


def entry_folder(project: Project) -> Path:
    (only,) = (project.root / ".assay" / "trash").iterdir()
    return only


def test_modes_times_links_and_odd_names_come_back(project: Project) -> None:
    project.write({"data/a": "saved"})
    project.save()
    odd = b"data/\xff\n odd"
    project.write({"data/run.sh": "#!", odd: "odd", "data/sub/deep": "deep"})
    (project.root / "data/run.sh").chmod(0o755)
    os.utime(project.root / "data/run.sh", ns=(1, 2_000_000_001))
    before = project.tree()
    project.assay("checkout", "--force")
    assert project.tree() == {b"a": b"saved"}
    listed = project.assay("trash", "list", "--json").json()
    assert os.fsdecode(odd) in listed[0]["paths"]
    project.assay("undo")
    assert project.tree() == before
    assert (project.root / "data/run.sh").stat().st_mtime_ns == 2_000_000_001


def test_entries_are_listed_newest_first_and_undone_in_that_order(displaced: Project) -> None:
    for number in range(3):
        displaced.write({"data/a": f"mine {number}"})
        displaced.assay("checkout", "--force")
    listed = displaced.assay("trash", "list", "--json").json()
    assert len(listed) == 4
    assert [entry["created"] for entry in listed] == sorted(
        (entry["created"] for entry in listed), reverse=True
    )
    displaced.assay("trash", "restore")
    assert displaced.read("data/a") == b"mine 2"


def test_restoring_over_newer_work_keeps_that_as_well(displaced: Project) -> None:
    displaced.write({"data/a": "newer work"})
    displaced.assay("undo")
    assert displaced.read("data/a") == b"mine"
    displaced.assay("undo")
    assert displaced.read("data/a") == b"newer work"


def test_restoring_where_a_file_now_is_a_folder_and_the_reverse(displaced: Project) -> None:
    displaced.remove("data/a")
    displaced.write({"data/a/deep": "deep"})
    displaced.assay("undo")
    assert displaced.read("data/a") == b"mine"
    displaced.assay("undo")
    assert displaced.read("data/a/deep") == b"deep"
    displaced.remove("data")
    displaced.write({"data": "a file"})
    displaced.assay("undo")
    assert displaced.read("data/a") == b"mine"
    displaced.assay("undo")
    assert displaced.read("data") == b"a file"


def test_an_unknown_or_ambiguous_id_is_refused(displaced: Project) -> None:
    displaced.write({"data/a": "more"})
    displaced.assay("checkout", "--force")
    assert "trash-entry-unknown" in displaced.assay("trash", "restore", "zz", exit_code=3).stderr
    assert "trash-ambiguous" in displaced.assay("trash", "restore", "1", exit_code=4).stderr


def test_an_empty_trash_says_so(project: Project) -> None:
    assert project.assay("trash", "list", "--json").json() == []
    assert "trash-empty" in project.assay("undo", exit_code=3).stderr
    assert "trash-empty" in project.assay("trash", "restore", exit_code=3).stderr


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "created_ns": "x", "command": "checkout", "paths": [], "size_bytes": 0}',
    ],
)
def test_a_corrupt_entry_is_named_and_keeps_its_files(displaced: Project, damage: bytes) -> None:
    record = entry_folder(displaced) / "entry.json"
    record.write_bytes(damage)
    for words in (["trash", "list"], ["trash", "restore"], ["undo"]):
        outcome = displaced.assay(*words, exit_code=5)
        assert "entry.json" in outcome.stderr
    assert (entry_folder(displaced) / "files" / "data" / "a").read_bytes() == b"mine"
    assert displaced.read("data/a") == b"saved"


def test_an_entry_of_a_newer_format_is_refused(displaced: Project) -> None:
    record = entry_folder(displaced) / "entry.json"
    content = json.loads(record.read_bytes())
    record.write_text(json.dumps({**content, "format": 99}))
    outcome = displaced.assay("undo", exit_code=5)
    assert "newer" in outcome.stderr
    assert displaced.read("data/a") == b"saved"


def test_other_entries_stay_usable_by_id(displaced: Project) -> None:
    good = entry_folder(displaced).name
    broken = displaced.root / ".assay" / "trash" / "9999999999-00000000"
    (broken / "files").mkdir(parents=True)
    (broken / "entry.json").write_text("{")
    displaced.assay("trash", "restore", good)
    assert displaced.read("data/a") == b"mine"


def test_an_entry_that_a_killed_command_never_began_is_passed_over(displaced: Project) -> None:
    (displaced.root / ".assay" / "trash" / "9999999999-00000000" / "files").mkdir(parents=True)
    displaced.assay("trash", "list")
    displaced.assay("undo")
    assert displaced.read("data/a") == b"mine"
    displaced.assay("gc", "--force")
    assert not (displaced.root / ".assay" / "trash" / "9999999999-00000000").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "/tmp/outside",
        ".git/hooks/post-checkout",
        ".assay/config.toml",
        "a/../../b",
        "",
    ],
)
def test_a_forged_entry_gives_nothing_back_outside_the_data(displaced: Project, path: str) -> None:
    """A repository can commit a trash folder of its own, ignored or not."""
    forged = displaced.root / ".assay" / "trash" / "9999999999-00000000"
    (forged / "files").mkdir(parents=True)
    target = os.path.normpath(os.path.join(forged, "files", path))
    if path and not path.startswith("/"):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).write_text("hostile")
    record = {
        "format": 1,
        "created_ns": 9_999_999_999_000_000_000,
        "command": "checkout",
        "paths": [path],
        "size_bytes": 7,
    }
    (forged / "entry.json").write_text(json.dumps(record))
    before = {
        str(found): found.read_bytes()
        for found in (displaced.root / ".git").rglob("*")
        if found.is_file()
    }
    outcome = displaced.assay("undo", exit_code=5)
    assert "path-unsafe" in outcome.stderr or "trash-invalid" in outcome.stderr
    after = {
        str(found): found.read_bytes()
        for found in (displaced.root / ".git").rglob("*")
        if found.is_file()
    }
    assert before == after
    assert not (displaced.root.parent / "outside").exists()


def test_a_link_in_the_workspace_cannot_lead_a_restored_file_outside(
    displaced: Project, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    displaced.remove("data")
    os.symlink(outside, displaced.root / "data")
    displaced.assay("undo")
    assert os.listdir(outside) == []
    assert displaced.read("data/a") == b"mine"


def test_old_entries_expire_with_a_collection_and_young_ones_do_not(displaced: Project) -> None:
    record = entry_folder(displaced) / "entry.json"
    content = json.loads(record.read_bytes())
    displaced.assay("gc", "--force")
    assert len(displaced.assay("trash", "list", "--json").json()) == 1
    record.write_text(json.dumps({**content, "created_ns": 10**18}))
    displaced.assay("gc", "--force")
    assert displaced.assay("trash", "list", "--json").json() == []
