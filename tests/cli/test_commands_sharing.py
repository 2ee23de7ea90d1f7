"""push, fetch, pull, status --cloud: through a folder, between clones and revisions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from projects import LARGE, Project, clone, new_project

TREE = {"data/a": "a", "data/sub/b": "b", "big": b"b" * LARGE, "data/empty": None}


@pytest.fixture(params=["packed", "plain"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project with a remote of either layout, some data, nothing pushed."""
    (tmp_path / "remote").mkdir()
    project = new_project(tmp_path / "project", remote=tmp_path / "remote")
    project.assay("remote", "modify", "store", "layout", request.param)
    project.write(TREE)
    project.save("v1", "data", "big")
    return project


def test_what_one_clone_pushes_another_pulls(project: Project, tmp_path: Path) -> None:
    pushed = project.assay("push", "--json").json()
    assert pushed["objects"] == 4, "a manifest and three files"
    assert project.assay("push", "--json").json()["objects"] == 0
    assert "up to date" in project.assay("push").stdout
    other = clone(project, tmp_path / "other")
    pulled = other.assay("pull", "--json").json()
    assert pulled["objects"] == 4
    assert sorted(pulled["checkout"]["added"]) == ["big", "data/"]
    assert other.tree() == project.tree()
    assert other.read("big") == TREE["big"]
    assert other.status() == {}
    assert other.assay("pull", "--json").json()["objects"] == 0


def test_fetch_fills_the_cache_only(project: Project, tmp_path: Path) -> None:
    project.assay("push")
    other = clone(project, tmp_path / "other")
    assert other.assay("fetch", "--dry-run", "--json").json()["objects"] > 0
    assert len(other.cached()) == 1, "the manifest, which tells what there is to fetch"
    other.assay("fetch")
    assert not (other.root / "data").exists()
    shutil.rmtree(tmp_path / "remote")
    other.assay("checkout")
    assert other.tree() == project.tree()


def test_cloud_status_tells_where_data_is(project: Project, tmp_path: Path) -> None:
    assert project.assay("status", "-c", "--json").json() == {"data": "new", "big": "new"}
    project.assay("push", "big")
    assert project.assay("status", "-c", "--json").json() == {"data": "new"}
    project.assay("push")
    assert project.assay("status", "-c", "--json").json() == {}
    assert "in sync" in project.assay("status", "-c").stdout
    other = clone(project, tmp_path / "other")
    assert other.assay("status", "-c", "--json").json() == {"data": "deleted", "big": "deleted"}
    project.write({"big": b"c" * LARGE})
    project.save("v2", "big")
    other.git("pull", "-q")
    assert other.assay("status", "-c", "--json").json() == {"data": "deleted", "big": "missing"}


def test_other_revisions_travel_on_request(project: Project, tmp_path: Path) -> None:
    project.git("tag", "v1")
    project.write({"data/a": "a2"})
    project.save("v2")
    project.git("checkout", "-q", "-b", "topic")
    project.write({"data/a": "a3"})
    project.save("v3")
    project.git("checkout", "-q", "main")
    project.assay("checkout")
    project.assay("push")
    assert project.assay("status", "-c", "--json").json() == {}
    counts = {
        flags: project.assay("push", *flags.split(), "--dry-run", "--json").json()["objects"]
        for flags in ("--all-branches", "--all-tags", "--all-commits", "--rev topic", "--rev v1")
    }
    assert counts == {
        "--all-branches": 2,
        "--all-tags": 2,
        "--all-commits": 4,
        "--rev topic": 2,
        "--rev v1": 2,
    }
    project.assay("push", "--all-commits")
    other = clone(project, tmp_path / "other")
    other.assay("fetch", "-a", "-T", "--rev", "origin/topic")
    shutil.rmtree(tmp_path / "remote")
    for rev, content in (("v1", b"a"), ("origin/topic", b"a3"), ("main", b"a2")):
        other.switch(rev)
        assert other.read("data/a") == content
    assert "revision-missing" in other.assay("push", "--rev", "nonsense", exit_code=3).stderr


def test_a_pull_over_new_commits_switches(project: Project, tmp_path: Path) -> None:
    project.assay("push")
    other = clone(project, tmp_path / "other")
    other.assay("pull")
    project.write({"data/a": "a2", "data/new": "new"})
    project.remove("data/sub")
    project.save("v2")
    project.assay("push")
    other.git("pull", "-q")
    other.assay("pull")
    assert other.tree() == project.tree()
    assert other.status() == {}


def test_without_a_remote_the_fix_is_named(tmp_path: Path) -> None:
    project = new_project(tmp_path / "lone")
    project.write({"data/a": "a"})
    project.save()
    for command in ("push", "fetch", "pull", "status"):
        flags = ["-c"] if command == "status" else []
        if command in ("fetch", "pull"):
            shutil.rmtree(project.cache_folder, ignore_errors=True)
        outcome = project.assay(command, *flags, exit_code=3)
        assert "assay remote add" in outcome.stderr
    assert "remote-unknown" in project.assay("push", "-r", "none", exit_code=3).stderr


def test_data_that_was_never_pushed_is_named(project: Project, tmp_path: Path) -> None:
    project.assay("push", "big")
    other = clone(project, tmp_path / "other")
    outcome = other.assay("pull", exit_code=3)
    assert "data" in outcome.stderr
    assert other.read("big") == TREE["big"], "what could be had was not checked out"
    assert not (other.root / "data").exists()
    other.assay("pull", "--allow-missing")
    outcome = other.assay("push", exit_code=3)
    assert "data" in outcome.stderr


def test_one_incomplete_path_does_not_hold_up_the_others(project: Project, tmp_path: Path) -> None:
    project.write({"other": "other"})
    project.save("other", "other")
    shutil.rmtree(project.cache_folder / "objects")
    outcome = project.assay("push", exit_code=3)
    assert "big" in outcome.stderr
    assert project.assay("status", "-c", "--json").json() == {"big": "missing"}


def test_each_output_goes_to_the_remote_that_its_pointer_names(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    project.assay("remote", "add", "private", tmp_path / "private")
    project.write({"big.assay": project.pointer("big") + "  remote: private\n"})
    project.commit("private")
    project.assay("push")
    sizes = {
        name: sum(f.stat().st_size for f in (tmp_path / name).rglob("*") if f.is_file())
        for name in ("remote", "private")
    }
    assert sizes["private"] > LARGE > sizes["remote"]
    other = clone(project, tmp_path / "other")
    other.assay("pull")
    assert other.read("big") == TREE["big"]
    assert other.tree() == project.tree()


def test_a_pointer_may_say_that_its_data_is_not_pushed(project: Project) -> None:
    project.write({"big.assay": project.pointer("big") + "  push: false\n"})
    project.assay("push")
    assert project.assay("status", "-c", "big", "--json").json() == {"big": "new"}


def test_a_relative_remote_is_found_from_every_folder(project: Project, tmp_path: Path) -> None:
    project.assay("remote", "add", "--force", "--default", "store", "../relative")
    project.write({"deep/er/x": "x"})
    project.assay("--cd", "deep/er", "add", "x")
    project.assay("--cd", "deep/er", "push")
    assert (tmp_path / "relative").is_dir()
    project.commit()
    other = clone(project, tmp_path / "other")
    other.assay("--cd", "deep/er", "pull")
    assert other.tree() == project.tree()
