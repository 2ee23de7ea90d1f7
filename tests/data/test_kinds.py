"""What a path can be: files, folders, empty ones, executables, links; and how that changes."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path

import pytest

from projects import LARGE, Project, clone

SHAPES = {
    "file": {"data/x": "a file"},
    "other": {"data/x": "another file"},
    "folder": {"data/x/deep": "deep", "data/x/er/y": "y"},
    "empty": {"data/x": None},
    "nothing": {"data/z": "z"},
}


@pytest.mark.parametrize(("first", "second"), [*permutations(SHAPES, 2)])
def test_a_path_may_change_its_kind_between_versions(
    lone: Project, first: str, second: str
) -> None:
    trees = []
    for name in (first, second):
        if (lone.root / "data").exists():
            lone.remove("data")
        lone.write({"data/keep": "keep", **SHAPES[name]})
        lone.save(name)
        lone.git("tag", name)
        trees.append(lone.tree())
    for name, tree in ((first, trees[0]), (second, trees[1]), (first, trees[0])):
        lone.switch(name)
        assert lone.tree() == tree
        assert lone.status() == {}
    lone.remove(".assay/index.db")
    assert lone.status() == {}


@pytest.mark.parametrize(("first", "second"), [*permutations(["file", "folder", "empty"], 2)])
def test_a_tracked_path_itself_may_change_its_kind(lone: Project, first: str, second: str) -> None:
    shapes = {
        "file": {"top": "file"},
        "folder": {"top/a": "a", "top/sub/b": "b"},
        "empty": {"top": None},
    }
    trees = {}
    for name in (first, second):
        if os.path.lexists(lone.root / "top"):
            lone.remove("top")
        lone.write(shapes[name])
        lone.save(name, "top")
        lone.git("tag", name)
        trees[name] = lone.tree(".")
    for name in (first, second, first):
        lone.switch(name)
        assert (lone.root / "top").is_file() == (name == "file")
        found = {k: v for k, v in lone.tree(".").items() if k.startswith(b"top")}
        assert found == {k: v for k, v in trees[name].items() if k.startswith(b"top")}
        assert lone.status() == {}


def test_empty_files_and_folders_come_back(project: Project, tmp_path: Path) -> None:
    tree = {"data/zero": b"", "data/one": b"", "data/empty": None, "data/a/b/c": None}
    project.write(tree)
    project.save()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert other.tree() == {b"zero": b"", b"one": b"", b"empty": None, b"a/b/c": None}
    assert other.status() == {}


def test_an_empty_folder_can_be_tracked_by_itself(project: Project, tmp_path: Path) -> None:
    project.write({"data": None})
    project.save()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert (other.root / "data").is_dir()
    assert other.status() == {}


@pytest.mark.parametrize("link_type", ["copy", "hardlink", "symlink", "reflink"])
def test_executables_stay_executable_and_others_do_not(
    project: Project, tmp_path: Path, link_type: str
) -> None:
    project.assay("config", "cache.type", f"{link_type},copy")
    names = ("same.sh", "same.txt", "large.sh", "large.txt")
    for name in names:
        content = b"x" * (LARGE if "large" in name else 10)
        project.write({f"data/{name}": content})
        if name.endswith(".sh"):
            (project.root / "data" / name).chmod(0o755)
    project.write({"run": "#!"})
    (project.root / "run").chmod(0o755)
    project.save("1", "data", "run")
    assert project.status() == {}
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    for place in (project, other):
        for name in names:
            mode = (place.root / "data" / name).stat().st_mode
            assert bool(mode & 0o100) == name.endswith(".sh"), (place.root, name)
        assert os.access(place.root / "run", os.X_OK)
        assert place.status() == {}


@pytest.mark.parametrize("link_type", ["copy", "hardlink", "symlink"])
def test_a_changed_mode_is_noticed_recorded_and_checked_out(lone: Project, link_type: str) -> None:
    lone.assay("config", "cache.type", f"{link_type},copy")
    lone.write({"data/a": "a", "data/big": b"b" * LARGE, "one": "1"})
    lone.save("plain", "data", "one")
    lone.git("tag", "plain")
    lone.assay("unprotect", ".")
    for name in ("data/a", "data/big", "one"):
        (lone.root / name).chmod(0o755)
    assert lone.status() == {"data": "modified", "one": "modified"}
    lone.save("executable", "data", "one")
    lone.git("tag", "executable")
    for rev in ("plain", "executable", "plain"):
        lone.switch(rev)
        for name in ("data/a", "data/big", "one"):
            assert os.access(lone.root / name, os.X_OK) == (rev == "executable"), (rev, name)
        assert lone.status() == {}
    lone.assay("verify")


@pytest.mark.parametrize("link_type", ["copy", "hardlink", "symlink"])
def test_unprotected_files_can_be_written_without_reaching_the_cache(
    lone: Project, link_type: str
) -> None:
    lone.assay("config", "cache.type", f"{link_type},copy")
    lone.write({"data/small": "small", "data/big": b"b" * LARGE})
    lone.save()
    lone.assay("unprotect", "data")
    for name in ("data/small", "data/big"):
        found = os.lstat(lone.root / name)
        assert found.st_nlink == 1
        assert found.st_mode & 0o200
    lone.write({"data/small": "mine", "data/big": "mine"})
    lone.assay("verify", "--cache")
    assert lone.status() == {"data": "modified"}
    lone.assay("checkout", "--force")
    assert lone.read("data/big") == b"b" * LARGE


@pytest.mark.parametrize("link_type", ["hardlink", "symlink"])
def test_linked_data_is_shared_and_relinked(lone: Project, link_type: str) -> None:
    lone.assay("config", "cache.type", link_type)
    lone.write({"data/small": "small", "data/big": b"b" * LARGE})
    lone.save()
    before = lone.tree()
    lone.remove("data")
    lone.assay("checkout")
    assert lone.status() == {}
    for name in ("data/small", "data/big"):
        path = lone.root / name
        is_linked = path.is_symlink() if link_type == "symlink" else path.stat().st_nlink == 2
        assert is_linked, name
    lone.assay("config", "cache.type", "copy")
    lone.assay("checkout", "--relink")
    assert lone.tree() == before or link_type == "symlink"
    for name in ("data/small", "data/big"):
        assert os.lstat(lone.root / name).st_nlink == 1
        assert not (lone.root / name).is_symlink()
    assert lone.read("data/small") == b"small"
    assert lone.status() == {}


def test_symbolic_links_into_a_lost_cache_are_healed_by_a_pull(project: Project) -> None:
    project.assay("config", "cache.type", "symlink")
    project.write({"data/small": "small", "data/big": b"b" * LARGE})
    project.save()
    project.assay("push")
    project.remove(".assay/cache")
    project.assay("status")
    project.assay("pull")
    assert project.read("data/small") == b"small"
    assert project.read("data/big") == b"b" * LARGE
    assert project.status() == {}
    assert project.assay("trash", "list", "--json").json() == []


def test_sparse_files_stay_sparse_and_whole(project: Project, tmp_path: Path) -> None:
    size = 64 << 20
    project.write({"data": None})
    with (project.root / "data/sparse").open("wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"middle")
    project.save()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    project.remove("data")
    project.assay("checkout")
    found = (project.root / "data/sparse").stat()
    assert found.st_size == size
    assert found.st_blocks * 512 < 1 << 20
    content = other.read("data/sparse")
    assert content[size // 2 : size // 2 + 6] == b"middle"
    assert content.count(0) == size - 6


def test_links_inside_are_followed_by_default(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("x")
    project.write({"data/a": "a", "shared/b": "b"})
    os.symlink("a", project.root / "data/link")
    os.symlink("../shared", project.root / "data/folder")
    os.symlink(outside, project.root / "data/outside")
    project.save()
    assert project.status() == {}
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    expected = {b"a": b"a", b"link": b"a", b"folder/b": b"b", b"outside/x": b"x"}
    assert other.tree() == expected
    assert other.status() == {}


def test_links_are_kept_as_links_on_request(project: Project, tmp_path: Path) -> None:
    project.assay("config", "add.symlinks", "keep")
    project.commit()
    project.write({"data/a": "a", "data/sub/b": "b"})
    os.symlink("a", project.root / "data/link")
    os.symlink("sub", project.root / "data/folder")
    os.symlink("nowhere", project.root / "data/dangling")
    os.symlink(b"\xff", os.fsencode(project.root) + b"/data/odd")
    project.save()
    assert project.status() == {}
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert other.tree() == {
        b"a": b"a",
        b"sub/b": b"b",
        b"link": "a",
        b"folder": "sub",
        b"dangling": "nowhere",
        b"odd": "\udcff",
    }
    assert other.status() == {}
    os.unlink(other.root / "data/link")
    os.symlink("sub/b", other.root / "data/link")
    assert other.status() == {"data": "modified"}
    other.assay("checkout", exit_code=4)
    other.assay("checkout", "--force")
    assert os.readlink(other.root / "data/link") == "a"
    other.assay("undo")
    assert os.readlink(other.root / "data/link") == "sub/b"


@pytest.mark.parametrize("keep", [False, True])
def test_a_tracked_file_that_is_a_link_is_tracked_by_its_content(
    project: Project, tmp_path: Path, keep: bool
) -> None:
    if keep:
        project.assay("config", "add.symlinks", "keep")
        project.commit()
    project.write({"real": "content"})
    os.symlink("real", project.root / "link")
    project.save("link", "link")
    assert project.status() == {}
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert other.read("link") == b"content"
    assert not (other.root / "link").is_symlink()
    assert other.status() == {}


@pytest.mark.parametrize("target", ["nowhere", "self", ".", "../data", "/"])
def test_links_that_cannot_be_followed_are_named(lone: Project, target: str) -> None:
    lone.write({"data/a": "a"})
    os.symlink("link" if target == "self" else target, lone.root / "data/link")
    outcome = lone.assay("add", "data", exit_code=None)
    assert outcome.exit_code in (2, 3), outcome.text
    assert "data/link" in outcome.stderr
    assert not (lone.root / "data.assay").exists()


def test_a_link_that_leads_outside_is_not_kept_as_a_link(lone: Project) -> None:
    lone.assay("config", "add.symlinks", "keep")
    lone.write({"data/a": "a"})
    os.symlink("/etc/passwd", lone.root / "data/link")
    outcome = lone.assay("add", "data", exit_code=2)
    assert "data/link" in outcome.stderr
    assert not (lone.root / "data.assay").exists()


def test_pipes_and_devices_are_refused_by_name(lone: Project) -> None:
    lone.write({"data/a": "a"})
    os.mkfifo(lone.root / "data/pipe")
    assert "data/pipe" in lone.assay("add", "data", exit_code=2).stderr
    lone.write({".assayignore": "pipe\n"})
    lone.assay("add", "data")


def test_scratch_files_are_never_tracked_and_are_cleared_by_the_next_checkout(
    lone: Project,
) -> None:
    lone.write({"data/a": "a", "data/sub/b": "b", "one": "1"})
    lone.save("1", "data", "one")
    leftovers = [
        "data/.assay-scratch-0123456789ab-0",
        "data/sub/.assay-scratch-0123456789ab-1",
        ".assay-scratch-0123456789ab-2",
    ]
    lone.write(dict.fromkeys(leftovers, "unfinished"))
    lone.write({".assay-scratch-folder-0123456789ab-3/a": "a"})
    assert lone.status() == {}
    assert lone.assay("add", "data", "--json").json()[0]["nfiles"] == 2
    lone.assay("checkout")
    assert lone.leftovers() == []
    assert not list(lone.root.glob(".assay-scratch-*"))
    lone.write(dict.fromkeys(leftovers, "unfinished"))
    lone.assay("pull", exit_code=None)
    lone.remove("data/a")
    lone.assay("checkout", "data")
    assert lone.leftovers() in ([], [str(lone.root / leftovers[2])])
    assert lone.tree() == {b"a": b"a", b"sub/b": b"b"}
