"""init, add, commit, checkout: where they may be run, on what, and what they refuse."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from blake3 import blake3

from projects import LARGE, Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project."""
    return new_project(tmp_path / "project")


def test_a_pointer_says_what_was_added(project: Project) -> None:
    project.write({"file": "content", "data/a": "a", "data/b": "b"})
    added = project.assay("add", "file", "data", "--json").json()
    digest = blake3(b"content").hexdigest()
    assert project.pointer("file") == (
        f"outs:\n- blake3: {digest}\n  size: 7\n  hash: blake3\n  path: file\n"
    )
    assert added[0] == {
        "path": "file",
        "pointer": "file.assay",
        "blake3": digest,
        "size": 7,
        "nfiles": 1,
        "changed": True,
    }
    assert "  size: 2\n  nfiles: 2\n" in project.pointer()
    assert (project.root / ".gitignore").read_text() == "/file\n/data\n"
    assert [item["changed"] for item in project.assay("add", "data", "--json").json()] == [False]


def test_comments_and_other_keys_of_a_pointer_are_kept(project: Project) -> None:
    project.write({"file": "1"})
    project.assay("add", "file")
    text = project.pointer("file")
    project.write(
        {"file.assay": "# why we keep it\n" + text + "  desc: ours  # note\nmeta:\n  owner: me\n"}
    )
    project.write({"file": "22"})
    project.assay("add", "file")
    after = project.pointer("file")
    for kept in ("# why we keep it", "desc: ours", "# note", "owner: me"):
        assert kept in after
    assert "size: 2" in after
    assert project.status() == {}


def test_a_pointer_with_several_outputs_keeps_each_of_them(project: Project) -> None:
    one, two = blake3(b"1").hexdigest(), blake3(b"2").hexdigest()
    items = "".join(
        f"- blake3: {digest}\n  size: 1\n  hash: blake3\n  path: {name}\n"
        for digest, name in ((one, "one"), (two, "two"))
    )
    project.write({"both.assay": "outs:\n" + items, "one": "1", "two": "2"})
    assert project.assay("add", "one", "two").exit_code == 0
    assert project.status() == {}
    project.write({"one": "1111", "two": "2222"})
    project.assay("add", "one", "two")
    assert project.status() == {}
    assert project.pointer("both").count("size: 4") == 2


def test_adding_without_storing_and_committing_later(project: Project) -> None:
    project.write({"data/a": "a", "big": b"b" * LARGE})
    project.assay("add", "--no-commit", "data", "big")
    assert project.cached() == set()
    assert project.status() == {"data": "not in cache", "big": "not in cache"}
    project.assay("commit")
    assert project.status() == {}
    assert blake3(b"b" * LARGE).digest() in project.cached()
    project.remove("data", "big")
    project.assay("checkout")
    assert project.read("data/a") == b"a"


def test_a_dry_run_changes_nothing(project: Project) -> None:
    project.write({"data/a": "a"})
    before = project.tree(".")
    assert "would add" in project.assay("add", "--dry-run", "data").stdout
    project.assay("add", "data")
    project.commit()
    project.write({"data/a": "a2"})
    project.assay("checkout", "--dry-run", exit_code=4)
    project.assay("checkout", "--dry-run", "--force")
    assert project.read("data/a") == b"a2"
    assert b"data.assay" not in before


def test_patterns_pick_files(project: Project) -> None:
    project.write({"in/a.csv": "1", "in/b.csv": "2", "in/c.txt": "3", "in/deep/d.csv": "4"})
    project.assay("add", "--glob", "in/**/*.csv")
    assert sorted(project.status()) == []
    pointers = {path for path in project.tree(".") if path.endswith(b".assay")}
    assert pointers == {b"in/a.csv.assay", b"in/b.csv.assay", b"in/deep/d.csv.assay"}
    assert "glob-empty" in project.assay("add", "--glob", "none/*", exit_code=3).stderr


@pytest.mark.parametrize(
    ("target", "exit_code"),
    [
        ("missing", 3),
        (".", 2),
        (".git", 2),
        (".git/config", 2),
        (".assay", 2),
        (".assay/config.toml", 2),
        ("data.assay", 2),
        ("nested", 2),
        ("nested/.assay/x", 2),
        ("ignored.log", 2),
        ("linked", 2),
    ],
)
def test_what_cannot_be_added(project: Project, target: str, exit_code: int) -> None:
    project.write(
        {
            ".assayignore": "*.log\n",
            "ignored.log": "x",
            "data": "x",
            "nested/.assay/x": "x",
            "real/x": "x",
        }
    )
    os.symlink("real", project.root / "linked")
    project.assay("add", "data")
    before = project.tree(".")
    project.assay("add", target, exit_code=exit_code)
    project.assay("add", "real", target, exit_code=exit_code)
    after = {k: v for k, v in project.tree(".").items() if not k.startswith(b".assay/")}
    assert after == {k: v for k, v in before.items() if not k.startswith(b".assay/")}


def test_tracked_paths_do_not_overlap(project: Project) -> None:
    project.write({"data/sub/a": "a", "data/b": "b"})
    project.assay("add", "data/sub")
    assert "output-overlap" in project.assay("add", "data", exit_code=4).stderr
    project.write({"other/x/y": "y"})
    assert "output-overlap" in project.assay("add", "other", "other/x", exit_code=4).stderr
    assert not (project.root / "other.assay").exists()


def test_what_git_tracks_is_refused(project: Project) -> None:
    project.write({"code/a.py": "a", "code/b.bin": "b"})
    project.git("add", "code/a.py")
    for target in ("code", "code/a.py"):
        outcome = project.assay("add", target, exit_code=4)
        assert "tracked-by-git" in outcome.stderr
    assert not (project.root / "code.assay").exists()
    project.assay("add", "code/b.bin")


def test_ignored_files_are_left_out(project: Project) -> None:
    project.write(
        {
            ".assayignore": "*.tmp\n/data/cache/\n",
            "data/a": "a",
            "data/x.tmp": "x",
            "data/cache/y": "y",
            "data/sub/.assayignore": "!keep.tmp\nz\n",
            "data/sub/keep.tmp": "k",
            "data/sub/z": "z",
        }
    )
    project.assay("add", "data")
    project.commit()
    listed = project.assay("ls", ".", "data", "-R", "--rev", "HEAD", "--json").json()
    assert {entry["path"] for entry in listed} == {"a", "sub/.assayignore", "sub/keep.tmp"}
    project.write({"data/x.tmp": "changed", "data/cache/y": "changed"})
    assert project.status() == {}


def test_from_any_folder_with_any_spelling(project: Project) -> None:
    project.write({"one/two/data/a": "a", "one/file": "f"})
    project.assay("--cd", "one/two", "add", "data", "../file")
    assert (project.root / "one/two/data.assay").exists()
    assert (project.root / "one/file.assay").exists()
    project.write({"one/file": "f2"})
    status = project.assay("--cd", "one/two", "status", "--json").json()
    assert status == {"one/file.assay": [{"changed outs": {"one/file": "modified"}}]}
    project.assay("--cd", "one", "add", "file")
    project.remove("one/two/data")
    project.assay("--cd", "one", "checkout", "two")
    assert project.read("one/two/data/a") == b"a"
    project.remove("one/two/data")
    project.assay("checkout", project.root / "one/two/data.assay")
    assert project.status() == {}


def test_through_a_link_to_the_project(project: Project, tmp_path: Path) -> None:
    project.write({"data/a": "a"})
    os.symlink(project.root, tmp_path / "link")
    linked = Project(tmp_path / "link")
    linked.assay("add", tmp_path / "link" / "data")
    linked.assay("add", project.root / "data")
    assert linked.status() == project.status() == {}


def test_a_project_in_a_sub_folder_of_a_repository(project: Project, tmp_path: Path) -> None:
    top = Project(tmp_path / "mono")
    (top.root / "team/ml").mkdir(parents=True)
    top.git("init", "-q")
    inner = Project(top.root / "team/ml")
    assert "init-not-at-top" in inner.assay("init", exit_code=2).stderr
    inner.assay("init", "--subdir")
    inner.write({"data/a": "1"})
    inner.assay("add", "data")
    top.commit("1")
    inner.write({"data/a": "2"})
    inner.assay("add", "data")
    assert inner.assay("data", "status", "--json").json() == {"committed": {"modified": ["data/"]}}
    assert inner.assay("diff", "--json").json()["modified"][0]["path"] == "data/"
    top.commit("2")
    top.git("checkout", "-q", "HEAD~1")
    inner.assay("checkout")
    assert inner.read("data/a") == b"1"
    inner.assay("gc", "--force")
    top.git("checkout", "-q", "main")
    inner.assay("checkout")
    assert inner.read("data/a") == b"2"
    assert "project-missing" in top.assay("status", exit_code=3).stderr


def test_a_project_without_git(tmp_path: Path) -> None:
    project = Project(tmp_path / "plain")
    project.root.mkdir()
    assert "git-required" in project.assay("init", exit_code=2).stderr
    project.assay("init", "--no-scm")
    project.write({"data/a": "1"})
    project.assay("add", "data")
    project.assay("remote", "add", "--default", "store", tmp_path / "remote")
    project.assay("push")
    project.remove("data", ".assay/cache")
    project.assay("pull")
    assert project.read("data/a") == b"1"
    assert project.status() == {}
    assert "git-required" in project.assay("diff", exit_code=2).stderr
    assert project.assay("data", "status", "--json").json() == {"committed": {"added": ["data/"]}}
    assert [entry["path"] for entry in project.assay("ls", ".", "data", "--json").json()] == ["a"]
    top = {entry["path"] for entry in project.assay("ls", ".", "--json").json()}
    assert {"data", "data.assay"} <= top
    assert not (project.root / ".gitignore").exists()


def test_a_second_project_is_refused_and_force_keeps_everything(project: Project) -> None:
    project.write({"data/a": "a"})
    project.save()
    assert "project-exists" in project.assay("init", exit_code=4).stderr
    (project.root / ".assay/.gitignore").unlink()
    project.assay("init", "--force")
    assert (project.root / ".assay/.gitignore").exists()
    project.remove("data")
    project.assay("checkout")
    assert project.read("data/a") == b"a"


def test_nothing_of_ours_but_what_belongs_there_is_seen_by_git(project: Project) -> None:
    project.write({"data/a": "a", "big": b"b" * LARGE})
    project.save("1", "data", "big")
    project.write({"data/a": "mine"})
    project.assay("checkout", "--force")
    project.assay("config", "--local", "core.autostage", "true")
    assert project.git("status", "--porcelain", "--untracked-files=all") == b""


def test_changed_pointers_are_staged_on_request(project: Project) -> None:
    project.assay("config", "core.autostage", "true")
    project.commit()
    project.write({"data/a": "a"})
    project.assay("add", "data")
    assert project.git("status", "--porcelain").decode().split("\n") == [
        "A  .gitignore",
        "A  data.assay",
    ]


def test_a_commit_records_what_changed_and_only_that(project: Project) -> None:
    project.write({"data/a": "a", "one": "1", "gone": "g"})
    project.save("1", "data", "one", "gone")
    project.write({"data/a": "a2"})
    project.remove("gone")
    done = project.assay("commit", "--json").json()
    assert [item["path"] for item in done] == ["data"]
    assert project.status() == {"gone": "deleted"}
    assert "path-missing" in project.assay("commit", "gone", exit_code=3).stderr


def test_a_missing_object_can_be_passed_over_on_request(project: Project) -> None:
    project.write({"data/a": "a", "data/big": b"b" * LARGE})
    project.save()
    project.remove("data", ".assay/cache/objects")
    project.assay("checkout", exit_code=3)
    project.remove("data")
    outcome = project.assay("checkout", "--allow-missing", "--json").json()
    assert outcome["missing"] == ["data/big"]
    assert project.tree() == {b"a": b"a"}


@pytest.mark.parametrize(
    ("text", "has_line"),
    [
        ("outs:\n- path: [", True),
        ("outs:\n- blake3: 12\n  path: x\n", False),
        ("<<<<<<< HEAD\nouts:\n=======\n", True),
        ("outs: 3\n", False),
        ("", False),
        ("\x00\x01\x02", False),
        ("outs:\n- blake3: " + "0" * 64 + "\n  hash: sha7\n  path: x\n", False),
        ("outs:\n- blake3: " + "0" * 64 + "\n  size: -1\n  path: x\n", False),
    ],
)
def test_a_pointer_that_is_none_is_named(project: Project, text: str, has_line: bool) -> None:
    project.write({"good/a": "a"})
    project.save("good", "good")
    project.write({"bad.assay": text})
    before = project.tree(".")
    for words in (["status"], ["checkout"], ["add", "good"], ["push"], ["diff"], ["gc", "--force"]):
        outcome = project.assay(*words, exit_code=2)
        assert "bad.assay" in outcome.stderr, words
        assert bool(re.search(r"bad\.assay:[1-9]", outcome.stderr)) == has_line, outcome.stderr
    after = project.tree(".")
    for path in (b"good/a", b"good.assay", b"bad.assay"):
        assert after[path] == before[path]
