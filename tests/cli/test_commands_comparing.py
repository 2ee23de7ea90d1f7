"""status, data status and diff: what they say, in the shapes that DVC's users parse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from projects import Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """data/ with two files and a single file, committed; then all kinds of change."""
    project = new_project(tmp_path / "project")
    project.write({"data/a": "a", "data/sub/b": "b", "file": "f"})
    project.save("v1", "data", "file")
    return project


def change(project: Project) -> None:
    project.write({"data/a": "a2", "data/d": "d", "file": "f2"})
    project.remove("data/sub/b", "data/sub")


def paths(items: list[dict[str, object]]) -> list[object]:
    return [item["path"] for item in items]


def test_a_clean_project_has_nothing_to_say(project: Project) -> None:
    assert project.assay("status", "--json").json() == {}
    assert project.assay("data", "status", "--json").json() == {}
    assert project.assay("diff", "--json").json() == {
        "added": [],
        "deleted": [],
        "modified": [],
        "renamed": [],
        "not in cache": [],
    }
    assert "up to date" in project.assay("status").stdout
    assert project.assay("diff").stdout == ""
    assert project.assay("status", "--quiet").stdout == ""


def test_status_names_pointers_and_what_became_of_each(project: Project) -> None:
    change(project)
    assert project.assay("status", "--json").json() == {
        "data.assay": [{"changed outs": {"data": "modified"}}],
        "file.assay": [{"changed outs": {"file": "modified"}}],
    }
    project.remove("file")
    assert project.status() == {"data": "modified", "file": "deleted"}
    assert project.assay("status", "--json", "file").json() == {
        "file.assay": [{"changed outs": {"file": "deleted"}}]
    }
    text = project.assay("status").stdout
    assert "data.assay:\n\tchanged outs:\n\t\tmodified:" in text
    assert project.assay("status", "--quiet", exit_code=1).stdout == ""
    shutil.rmtree(project.cache_folder)
    assert project.status() == {"data": "modified", "file": "not in cache"}


def test_data_status_groups_changes_as_git_does(project: Project) -> None:
    change(project)
    assert project.assay("data", "status", "--json").json() == {
        "uncommitted": {"modified": ["data/", "file"]}
    }
    granular = project.assay("data", "status", "--granular", "--json").json()
    assert {kind: sorted(names) for kind, names in granular["uncommitted"].items()} == {
        "added": ["data/d"],
        "modified": ["data/", "data/a", "file"],
        "deleted": ["data/sub/b"],
    }
    project.assay("add", "data")
    both = project.assay("data", "status", "--json").json()
    assert both == {"committed": {"modified": ["data/"]}, "uncommitted": {"modified": ["file"]}}
    project.write({"loose": "loose", "tracked.py": "x"})
    project.git("add", "tracked.py")
    more = project.assay("data", "status", "--json", "--untracked-files", "--unchanged").json()
    assert more["untracked"] == ["loose"]
    assert "unchanged" not in more
    project.commit()
    project.assay("checkout", "--force")
    assert project.assay("data", "status", "--json", "--unchanged").json() == {
        "unchanged": ["data/", "file"]
    }


def test_data_status_before_the_first_commit_and_without_a_cache(tmp_path: Path) -> None:
    project = Project(tmp_path / "young")
    project.root.mkdir()
    project.git("init", "-q")
    project.assay("init")
    project.write({"data/a": "a"})
    project.assay("add", "data")
    assert project.assay("data", "status", "--json").json() == {"committed": {"added": ["data/"]}}
    project.commit()
    shutil.rmtree(project.cache_folder)
    assert project.assay("data", "status", "--json").json() == {"not_in_cache": ["data/"]}


def test_data_status_asks_a_remote_on_request(project: Project, tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    project.assay("remote", "add", "--default", "store", tmp_path / "remote")
    asked = project.assay("data", "status", "--json", "--not-in-remote").json()
    assert sorted(asked["not_in_remote"]) == ["data/", "file"]
    project.assay("push")
    assert project.assay("data", "status", "--json", "--not-in-remote").json() == {}


def test_diff_lists_files_and_the_folders_around_them(project: Project) -> None:
    change(project)
    changes = project.assay("diff", "--json").json()
    assert paths(changes["added"]) == ["data/d"]
    assert paths(changes["deleted"]) == ["data/sub/b"]
    assert paths(changes["modified"]) == ["data/", "data/a", "file"]
    assert changes["renamed"] == []
    text = project.assay("diff").stdout
    assert "Added:\n    data/d\n" in text
    assert text.endswith("files summary: 1 added, 1 deleted, 2 modified\n")
    table = project.assay("diff", "--md").stdout
    assert "| Status | Path |" in table.replace("  ", " ")
    assert "| added | data/d |" in table


def test_diff_shows_digests_on_request(project: Project) -> None:
    change(project)
    changes = project.assay("diff", "--json", "--show-hash").json()
    top, inner, _ = changes["modified"]
    assert top["hash"]["old"].endswith(".dir")
    assert top["hash"]["new"].endswith(".dir")
    assert len(inner["hash"]["old"]) == len(inner["hash"]["new"]) == 64
    assert len(changes["added"][0]["hash"]) == 64
    assert len(changes["deleted"][0]["hash"]) == 64


def test_diff_between_revisions_and_by_target(project: Project) -> None:
    first = project.git("rev-parse", "HEAD").decode()
    change(project)
    project.save("v2", "data", "file")
    project.assay("diff", exit_code=0)
    forward = project.assay("diff", first, "HEAD", "--json").json()
    backward = project.assay("diff", "HEAD", "HEAD~1", "--json").json()
    assert forward["added"] == backward["deleted"]
    assert forward["deleted"] == backward["added"]
    assert forward["modified"] == backward["modified"]
    only = project.assay("diff", first, "--targets", "data/a", "--json").json()
    assert paths(only["modified"]) == ["data/a"]
    assert only["added"] == only["deleted"] == []
    assert "revision-missing" in project.assay("diff", "nonsense", exit_code=3).stderr
    assert "revision-invalid" in project.assay("diff", "--", "--output=x", exit_code=2).stderr


def test_diff_recognises_renames(project: Project) -> None:
    project.write({"data/moved": "a"})
    project.remove("data/a")
    changes = project.assay("diff", "--json").json()
    assert changes["renamed"] == [{"path": {"old": "data/a", "new": "data/moved"}}]
    assert changes["added"] == changes["deleted"] == []
    assert "data/a -> data/moved" in project.assay("diff").stdout


def test_diff_of_a_whole_path_that_came_or_went(project: Project) -> None:
    project.remove("data")
    assert paths(project.assay("diff", "--json").json()["deleted"]) == [
        "data/",
        "data/a",
        "data/sub/b",
    ]
    project.remove("data.assay")
    project.write({"new/x": "x"})
    project.assay("add", "new")
    changes = project.assay("diff", "--json").json()
    assert paths(changes["added"]) == ["new/", "new/x"]
    assert paths(changes["deleted"]) == ["data/", "data/a", "data/sub/b"]


def test_diff_says_what_it_cannot_look_into(project: Project) -> None:
    change(project)
    project.save("v2", "data", "file")
    shutil.rmtree(project.cache_folder)
    changes = project.assay("diff", "HEAD~1", "HEAD", "--json").json()
    assert paths(changes["not in cache"]) == ["data/", "file"]
    assert paths(changes["modified"]) == ["data/", "file"]
    hidden = project.assay("diff", "HEAD~1", "HEAD", "--json", "--hide-missing").json()
    assert hidden["not in cache"] == []


def test_a_changed_mode_is_a_change(project: Project) -> None:
    (project.root / "data/a").chmod(0o755)
    (project.root / "file").chmod(0o755)
    assert paths(project.assay("diff", "--json").json()["modified"]) == ["data/", "data/a", "file"]


@pytest.mark.parametrize("command", [["status"], ["data", "status"], ["diff"], ["ls", "."]])
def test_reading_changes_nothing(project: Project, command: list[str]) -> None:
    change(project)
    before = {
        path: content
        for path, content in project.tree(".").items()
        if not path.startswith((b".assay/index.db", b".assay/tmp"))
    }
    project.assay(*command)
    after = project.tree(".")
    assert {path: after[path] for path in before} == before
    extra = after.keys() - before.keys()
    assert all(path.startswith((b".assay/index.db", b".assay/tmp")) for path in extra)
