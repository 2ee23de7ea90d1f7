"""A hostile repository is data: refused before any write, with nothing changed anywhere."""

from __future__ import annotations

import os
from array import array
from pathlib import Path
from struct import Struct

import pytest
from blake3 import blake3

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import EXECUTABLE, FILE, FOLDER, SYMLINK
from assay.store.cache import Cache
from projects import Project, clone, read_tree

PAYLOAD = b"#!/bin/sh\ntouch /tmp/owned\n"
Row = tuple[bytes, int, bytes]
"""Path, kind, content."""


def node_of(rows: list[Row]) -> bytes:
    """A manifest leaf of any rows, as somebody else's program might write it."""
    paths = [path for path, _, _ in rows]
    names = b"\0".join(paths)
    head = Struct("<4sBBBBII").pack(b"ASYN", 1, 0, 32, 0, len(rows), len(names))
    digests = [bytes(32) if k == FOLDER else blake3(content).digest() for _, k, content in rows]
    return b"".join(
        (
            head,
            names,
            bytes(kind for _, kind, _ in rows),
            array("Q", [len(content) for _, _, content in rows]).tobytes(),
            *digests,
        )
    )


def plant(project: Project, rows: list[Row], *, path: str = "data") -> None:
    """Make the project track exactly these rows, whatever they are, and push nothing."""
    node = node_of(rows)
    root = object_digest(ObjectKind.NODE, node)
    cache = Cache(os.fspath(project.cache_folder))
    with cache.writing():
        cache.put(ObjectKind.NODE, {root: node})
        cache.put(
            ObjectKind.BLOB,
            {blake3(content).digest(): content for _, kind, content in rows if kind != FOLDER},
        )
    cache.close()
    size = sum(len(content) for _, _, content in rows)
    project.write(
        {
            "data.assay": f"outs:\n- blake3: {root.hex()}.dir\n  size: {size}\n"
            f"  nfiles: {len(rows)}\n  hash: blake3\n  path: {path}\n"
        }
    )
    project.commit("hostile")


def everything(project: Project) -> dict[bytes, bytes | str | None]:
    """Every file below the folder that holds the project, but assay's own bookkeeping."""
    return {
        path: content
        for path, content in read_tree(project.root.parent).items()
        if b"/.assay/tmp" not in path and b"/.assay/index.db" not in path
    }


ESCAPES: list[bytes] = [
    b"../x",
    b"a/../../x",
    b"..",
    b"/tmp/x",
    b"a//x",
    b".git/hooks/post-checkout",
    b".GIT/config",
    b".git./x",
    b"git~1/x",
    b".git\xe2\x80\x8c/x",
    b".ASSAY/config.toml",
    b".assay/config.local.toml",
    b".dvc/config",
    b"sub/.git/config",
    b"c:x",
    b"C:/x",
    b"..\\x",
    b".git::$INDEX_ALLOCATION/x",
]


@pytest.mark.parametrize("path", ESCAPES, ids=repr)
def test_a_manifest_cannot_write_where_it_must_not(lone: Project, path: bytes) -> None:
    rows = sorted([(b"good", FILE, b"good"), (path, EXECUTABLE, PAYLOAD)])
    plant(lone, rows)
    before = everything(lone)
    for words in (["checkout"], ["checkout", "--force"], ["checkout", "data/good"], ["diff"]):
        outcome = lone.assay(*words, exit_code=None)
        assert outcome.exit_code == 5 or words[0] == "diff", outcome.text
        assert outcome.exit_code != 70, outcome.text
    assert everything(lone) == before


@pytest.mark.parametrize(
    "rows",
    [
        [(b"a", FILE, b"1"), (b"a/b", FILE, b"2")],
        [(b"a", SYMLINK, b".."), (b"a/b", FILE, b"2")],
        [(b"b", FILE, b"1"), (b"a", FILE, b"2")],
        [(b"a", FILE, b"1"), (b"a", FILE, b"2")],
        [(b"", FILE, b"1")],
        [(b"a", 9, b"1")],
    ],
    ids=["file-and-folder", "link-and-folder", "unsorted", "twice", "empty", "kind"],
)
def test_a_manifest_that_contradicts_itself_is_refused(lone: Project, rows: list[Row]) -> None:
    plant(lone, rows)
    before = everything(lone)
    lone.assay("checkout", exit_code=5)
    lone.assay("checkout", "--force", exit_code=5)
    got = lone.assay("get", lone.root, "data", "-o", "out", exit_code=5)
    assert "bug" not in got.stderr
    assert everything(lone) == before


@pytest.mark.parametrize("target", [b"/etc", b"../../outside", b".git", b"../.assay"])
def test_a_link_that_leads_outside_is_not_written(lone: Project, target: bytes) -> None:
    lone.assay("config", "add.symlinks", "keep")
    lone.commit()
    plant(lone, [(b"good", FILE, b"good"), (b"link", SYMLINK, target)])
    outcome = lone.assay("checkout", exit_code=5)
    assert "data/link" in outcome.stderr
    assert not os.path.lexists(lone.root / "data" / "link")


def test_a_link_that_stays_inside_is_written(lone: Project) -> None:
    lone.assay("config", "add.symlinks", "keep")
    plant(lone, [(b"good", FILE, b"good"), (b"sub/link", SYMLINK, b"../good")])
    lone.assay("checkout")
    assert os.readlink(lone.root / "data/sub/link") == "../good"
    assert lone.status() == {}


POINTER = "outs:\n- blake3: {digest}\n  size: 5\n  hash: blake3\n  path: {path}\n"


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "../../etc/passwd",
        "/etc/passwd",
        ".git/hooks/post-checkout",
        ".GIT/config",
        ".assay/config.toml",
        "sub/../../outside",
        ".",
        "..",
        "hostile.assay",
        '"C:\\\\x"',
        '".git\\u200c/x"',
    ],
)
def test_a_pointer_cannot_name_a_place_outside(lone: Project, path: str) -> None:
    digest = blake3(b"owned").hexdigest()
    lone.write({"hostile.assay": POINTER.format(digest=digest, path=path)})
    lone.commit("hostile")
    before = everything(lone)
    for command in ("checkout", "status", "pull", "add"):
        words = [command, "hostile.assay"] if command == "add" else [command]
        outcome = lone.assay(*words, exit_code=2)
        assert "hostile.assay" in outcome.stderr
    assert everything(lone) == before


def test_a_working_directory_of_a_pointer_cannot_lead_outside(lone: Project) -> None:
    digest = blake3(b"owned").hexdigest()
    text = POINTER.format(digest=digest, path="outside") + "wdir: ../..\n"
    lone.write({"hostile.assay": text})
    lone.assay("checkout", exit_code=2)
    assert not (lone.root.parent / "outside").exists()


def test_a_pointer_that_is_a_link_is_not_read(lone: Project, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a: secret\n")
    os.symlink(secret, lone.root / "stolen.assay")
    os.symlink("/dev/zero", lone.root / "endless.assay")
    lone.commit("hostile")
    outcome = lone.assay("status")
    assert "secret" not in outcome.text
    lone.assay("checkout")


def test_a_pipe_or_a_folder_named_like_a_pointer_stops_nothing(lone: Project) -> None:
    os.mkfifo(lone.root / "pipe.assay")
    (lone.root / "folder.assay").mkdir()
    assert lone.status() == {}


def test_a_huge_pointer_is_refused_without_being_read(lone: Project) -> None:
    with (lone.root / "huge.assay").open("wb") as file:
        file.truncate(1 << 40)
    assert "huge.assay" in lone.assay("status", exit_code=2).stderr


@pytest.mark.parametrize(
    ("first", "second"),
    [("data", "data"), ("data", "data/sub"), ("data/sub", "data"), ("data", "a/../data/sub/x")],
)
def test_two_pointers_for_one_place_are_refused(lone: Project, first: str, second: str) -> None:
    digest = blake3(b"owned").hexdigest()
    lone.write({"one.assay": POINTER.format(digest=digest, path=first)})
    lone.write({"two.assay": POINTER.format(digest=digest, path=second)})
    outcome = lone.assay("status", exit_code=4)
    assert "one.assay" in outcome.stderr
    assert "two.assay" in outcome.stderr
    lone.assay("checkout", "--force", exit_code=4)
    assert not os.path.lexists(lone.root / "data")


def test_a_link_committed_to_git_does_not_redirect_a_pull(project: Project, tmp_path: Path) -> None:
    """The data folder itself, and a folder above it, are links in the hostile commit."""
    outside = tmp_path / "outside"
    outside.mkdir()
    project.write({"top/data/x": "x", "more/x": "x"})
    project.save("good", "top/data", "more")
    project.assay("push")
    project.remove("more", "more.assay", "top/data", ".gitignore")
    os.symlink(outside, project.root / "more")
    pointer = project.read("top/data.assay")
    project.remove("top")
    os.symlink(outside, project.root / "top")
    project.write({"hostile.assay": pointer.replace(b"path: data", b"path: top/data")})
    project.commit("hostile")
    victim = clone(project, tmp_path / "victim")
    outcome = victim.assay("pull", exit_code=4)
    assert "top" in outcome.stderr
    assert os.listdir(outside) == []
    victim.assay("pull", "--force")
    assert os.listdir(outside) == []
    assert victim.read("top/data/x") == b"x"


def test_a_config_that_came_with_the_repository_runs_nothing(
    project: Project, tmp_path: Path
) -> None:
    marker = tmp_path / "owned"
    project.write({".assay/config.toml": f'[remote.x]\nurl = "ext::touch {marker}"\n'})
    project.assay("pull", "-r", "x", exit_code=None)
    assert not marker.exists()
