"""Names of any bytes: tracked, inside, as targets, in every listing, and as long as they can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from projects import Project, clone

ODD = [
    b"\xff\xfe",
    b"caf\xe9",
    "caf\u00e9".encode(),
    "cafe\u0301".encode(),
    b" lead and trail ",
    b"new\nline",
    b"tab\there",
    b"quote'\"`$(x)",
    b"-rf",
    b"--force",
    b"star*?[x]",
    b"hash#: - {}",
    b"~",
    b"back\\slash",
    b"\xed\xa0\x80",
    "\u202eevil".encode(),
    "\U0001f9ea".encode(),
    b"\x01\x7f",
    b"a" * 255,
]


@pytest.mark.parametrize("name", ODD, ids=lambda name: repr(name)[:20])
def test_a_tracked_file_may_have_any_name(project: Project, tmp_path: Path, name: bytes) -> None:
    if len(name) > 249:
        name = name[:248]  # the pointer's name must fit, too
    content = b"content of " + name
    project.write({name: content})
    project.assay("add", "--", name)
    listed = project.assay("add", "--json", "--", name).json()
    assert os.fsencode(listed[0]["path"]) == name
    project.commit()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    assert [os.fsencode(path) for path in other.status()] == [name]
    other.assay("pull", "--", name)
    assert other.read(name) == content
    other.write({name: "changed"})
    changes = other.assay("diff", "--json").json()
    assert [os.fsencode(item["path"]) for item in changes["modified"]] == [name]
    refused = other.assay("checkout", "--json", "--", name, exit_code=4).json()
    assert os.fsencode(refused["error"]["paths"][0]) == name
    other.assay("checkout", "--force")
    assert other.read(name) == content
    other.assay("undo")
    assert other.read(name) == b"changed"
    assert other.git("status", "--porcelain", "--untracked-files") == b"", "the data is ignored"


def test_a_folder_may_hold_and_have_any_name(project: Project, tmp_path: Path) -> None:
    top = b"set \xff\n"
    tree = {top + b"/" + name: b"1" + name for name in ODD}
    tree |= {top + b"/" + name + b" folder/" + name: b"2" + name for name in ODD[:-1]}
    project.write(tree)
    project.assay("add", "--", top)
    project.commit()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert other.tree(top) == project.tree(top)
    assert other.status() == {}
    listed = other.assay("ls", ".", top, "-R", "--json").json()
    assert {os.fsencode(entry["path"]) for entry in listed} == set(other.tree(top))
    for name in ODD[:6]:
        other.remove(top + b"/" + name)
    other.assay("checkout", "--", *(top + b"/" + name for name in ODD[:6]))
    assert other.tree(top) == project.tree(top)
    granular = other.assay("data", "status", "--granular", "--unchanged", "--json").json()
    assert [os.fsencode(path) for path in granular["unchanged"]] == [top + b"/"]


def test_messages_show_control_characters_escaped(lone: Project) -> None:
    lone.write({b"data/\x1b[31mred\n": "x"})
    lone.save()
    lone.write({b"data/\x1b[31mred\n": "changed"})
    for words in (["diff"], ["data", "status", "--granular"], ["ls", ".", "data", "--rev", "HEAD"]):
        outcome = lone.assay(*words)
        assert "\x1b[31m" not in outcome.text
        assert "\\x1b[31mred\\n" in outcome.text
    assert "\x1b[31m" not in lone.assay("checkout", exit_code=4).stderr


def test_case_and_accents_tell_names_apart(project: Project, tmp_path: Path) -> None:
    tree = {"data/A": "1", "data/a": "2", "data/caf\u00e9": "3", "data/cafe\u0301": "4"}
    project.write(tree)
    project.save()
    project.assay("push")
    other = clone(project, tmp_path / "clone")
    other.assay("pull")
    assert len(other.tree()) == 4
    assert other.tree() == project.tree()


def test_paths_as_long_as_the_system_allows(project: Project, tmp_path: Path) -> None:
    """Longer than it allows from the root of the disk: every folder is reached by itself."""
    part = b"d" * 200
    path = b"/".join([b"data", *([part] * 19), b"e" * 180])
    assert 4000 <= len(path) <= 4095

    def make(root: Path, content: bytes) -> None:
        fd = os.open(root, os.O_RDONLY)
        for name in path.split(b"/")[:-1]:
            if name not in {os.fsencode(n) for n in os.listdir(fd)}:
                os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        file = os.open(path.split(b"/")[-1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
        os.write(file, content)
        os.close(file)
        os.close(fd)

    def read(root: Path) -> bytes | None:
        fd = os.open(root, os.O_RDONLY)
        try:
            file = os.open(path, os.O_RDONLY, dir_fd=fd)
        except FileNotFoundError:
            return None
        finally:
            os.close(fd)
        with open(file, "rb") as opened:
            return opened.read()

    make(project.root, b"1")
    project.write({"data/short": "short"})
    project.save("long")
    project.assay("push")
    other = clone(project, tmp_path / ("x" * 100))
    other.assay("pull")
    assert read(other.root) == b"1"
    assert other.status() == {}
    make(other.root, b"2")
    assert other.status() == {"data": "modified"}
    other.assay("checkout", exit_code=4)
    other.assay("checkout", "--force")
    assert read(other.root) == b"1"
    other.assay("undo")
    assert read(other.root) == b"2"
    other.save("longer")
    other.git("checkout", "-q", "--detach")
    other.assay("gc")
    other.assay("verify")
    # Into a version without it, and back.
    top = os.fsencode(other.root) + b"/data/" + part
    os.rename(top, os.fsencode(tmp_path) + b"/aside")
    other.save("without")
    other.switch("HEAD~1")
    assert read(other.root) == b"2"
    other.switch("-")
    assert read(other.root) is None
    assert other.tree() == {b"short": b"short"}


@pytest.mark.parametrize("target", ["data/", "./data", "data/../data", "sub/../data", "//data"])
def test_targets_may_be_spelled_in_many_ways(lone: Project, target: str) -> None:
    lone.write({"data/a": "a", "sub/x": "x"})
    lone.save()
    lone.write({"data/a": "changed"})
    if target.startswith("//"):
        target = f"{lone.root}/{target}"
    lone.assay("add", target)
    assert lone.status() == {}


def test_a_target_outside_is_refused(lone: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    for target in ("../outside", str(tmp_path / "outside")):
        assert "path-outside" in lone.assay("add", target, exit_code=2).stderr
        assert "path-outside" in lone.assay("status", target, exit_code=2).stderr
