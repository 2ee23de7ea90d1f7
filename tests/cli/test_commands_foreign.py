"""get, ls and the Python API on other people's repositories, which are data and run nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from blake3 import blake3

import assay
from assay.errors import AssayError
from projects import LARGE, Outcome, Project, git_in, new_project, read_tree
from projects import assay as run

TREE = {"data/a": "a", "data/sub/b": "b", "data/sub/run": "#!", "data/empty": None}


@pytest.fixture
def source(tmp_path: Path) -> Project:
    """A pushed project with two versions, a large file and a file of Git's."""
    project = new_project(tmp_path / "source", remote=tmp_path / "remote")
    project.write({**TREE, "big": b"b" * LARGE, "code/x.py": "x"})
    (project.root / "data/sub/run").chmod(0o755)
    project.save("v1", "data", "big")
    project.git("tag", "v1")
    project.write({"data/a": "a2"})
    project.save("v2")
    project.assay("push", "--all-commits")
    return project


@pytest.fixture(params=["path", "file-url", "bare"])
def url(request: pytest.FixtureRequest, source: Project, tmp_path: Path) -> str:
    """The project as a folder, as a URL, as a bare repository."""
    if request.param == "path":
        return str(source.root)
    if request.param == "file-url":
        return f"file://{source.root}"
    git_in(tmp_path)("clone", "-q", "--bare", str(source.root), "bare.git")
    return str(tmp_path / "bare.git")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder outside any repository."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def test_files_and_folders_are_downloaded_exactly(url: str, here: Path) -> None:
    run(here, "get", url, "data")
    assert read_tree(here / "data") == {
        b"a": b"a2",
        b"sub/b": b"b",
        b"sub/run*": b"#!",
        b"empty": None,
    }
    run(here, "get", url, "data", "-o", "old", "--rev", "v1")
    assert (here / "old/a").read_text() == "a"
    run(here, "get", url, "data/sub", "-o", "part")
    assert set(read_tree(here / "part")) == {b"b", b"run*"}
    got = run(here, "get", url, "big", "-o", "out/deep/big", "--json").json()
    assert (here / "out/deep/big").read_bytes() == b"b" * LARGE
    assert got["size"] == LARGE
    run(here, "get", url, "code/x.py", "--rev", "v1")
    assert (here / "x.py").read_text() == "x"
    assert sorted(os.listdir(here)) == ["data", "old", "out", "part", "x.py"]


def test_what_is_there_is_not_replaced_unasked(url: str, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data/mine").write_text("mine")
    (here / "big").write_text("mine")
    for name in ("data", "big"):
        outcome = run(here, "get", url, name, "-o", str(here / name) + "x", exit_code=0)
        assert outcome.exit_code == 0
    assert "target-exists" in run(here, "get", url, "big", exit_code=4).stderr
    assert (here / "big").read_text() == "mine"
    run(here, "get", url, "big", "--force")
    assert (here / "big").read_bytes() == b"b" * LARGE


def test_listing(url: str, here: Path) -> None:
    top = run(here, "ls", url, "--rev", "v1", "--json").json()
    kinds = {entry["path"]: (entry["isout"], entry["isdir"]) for entry in top}
    assert kinds["data"] == (True, True)
    assert kinds["big"] == (True, False)
    assert kinds["code"] == (False, True)
    assert kinds["data.assay"] == (False, False)
    deep = run(here, "ls", url, "data", "-R", "--rev", "v1", "--json").json()
    assert {entry["path"]: entry["size"] for entry in deep} == {"a": 1, "sub/b": 1, "sub/run": 2}
    assert [entry["isexec"] for entry in deep] == [False, False, True]
    assert deep[0]["blake3"] == blake3(b"a").hexdigest()
    only = run(here, "ls", url, "--tracked-only", "--json").json()
    assert [entry["path"] for entry in only] == ["big", "data"]
    assert "path-missing" in run(here, "ls", url, "nothing", exit_code=3).stderr


@pytest.mark.parametrize("words", [["get"], ["ls"]])
def test_what_is_not_there_is_named(url: str, here: Path, words: list[str]) -> None:
    assert "path-missing" in run(here, *words, url, "nothing", exit_code=3).stderr
    assert "path-missing" in run(here, *words, url, "data/nothing", exit_code=3).stderr
    gone = run(here, *words, url, "data", "--rev", "nonsense", exit_code=3)
    assert "revision-missing" in gone.stderr
    assert run(here, *words, url, "../x", exit_code=2).exit_code == 2
    missing = run(here, *words, str(here / "no-repo"), "data", exit_code=None)
    assert missing.exit_code in (2, 3)
    assert os.listdir(here) == []


def test_a_relative_remote_is_found_beside_a_repository_of_this_machine(
    source: Project, url: str, here: Path
) -> None:
    source.assay("remote", "modify", "store", "url", "../remote")
    source.commit("relative")
    source.git("push", "-q", "--force", here.parent / "bare.git", "HEAD") if "bare" in url else None
    run(here, "get", url, "data/a")
    assert (here / "a").read_bytes() == b"a2"


def test_a_relative_remote_of_a_repository_elsewhere_is_named(
    source: Project, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.assay("remote", "modify", "store", "url", "../remote")
    source.commit("relative")
    # Another machine, as far as anyone can tell from the address.
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor command; do :; done\nexec sh -c "$command"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    for words in (["get"], ["ls"]):
        said = run(here, *words, f"host:{source.root}", "data", exit_code=3).stderr
        assert "fetch-incomplete" in said
        assert "../../remote" in said


def test_python_users_open_read_and_address_any_file(
    url: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    assert assay.read("data/a", url) == "a2"
    assert assay.read("data/a", url, "v1", mode="rb") == b"a"
    with assay.open("big", url, mode="rb") as file:
        assert file.read(3) == b"bbb"
        file.seek(LARGE - 1)
        assert file.read() == b"b"
    with assay.open("data/sub/b", repo=url, rev="v1", encoding="ascii") as text:
        assert list(text) == ["b"]
    assert blake3(b"b" * LARGE).hexdigest() in assay.get_url("big", url).replace("/", "")
    for path, code in (
        ("nothing", "path-missing"),
        ("data", "path-is-folder"),
        ("../x", "path-outside"),
        ("big/x", "path-missing"),
    ):
        with pytest.raises(AssayError) as caught:
            assay.read(path, url)
        assert caught.value.code == code, path
    with pytest.raises(AssayError), assay.open("data/a", url, mode="w"):
        pass
    assert os.listdir(here) == []


def test_python_users_read_the_project_around_them(
    source: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.root / "code")
    assert assay.read("data/a") == "a2"
    assert assay.read("data/a", rev="HEAD~1") == "a"
    source.remove("data/a")
    assert assay.read("data/a") == "a2", "what is recorded, whatever the workspace holds"


def test_a_damaged_object_is_never_handed_out(
    source: Project, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(here)
    for file in (*(tmp_path / "remote").rglob("*.pack"), *(tmp_path / "remote/objects").rglob("*")):
        if file.is_file():
            file.chmod(0o644)
            data = bytearray(file.read_bytes())
            data[20:-200:7] = bytes(len(data[20:-200:7]))
            file.write_bytes(data)
    url = f"file://{source.root}"
    for path in ("data/a", "big"):
        with pytest.raises(AssayError) as caught:
            assay.read(path, url)
        assert caught.value.exit_code == 5
        run(here, "get", url, path, exit_code=5)
    assert os.listdir(here) == []


HOSTILE = """\
[core]
    hooksPath = {hooks}
    fsmonitor = {script}
    sshCommand = {script}
    gitProxy = {script}
    pager = {script}
    alternateRefsCommand = {script}
[diff]
    external = {script}
[credential]
    helper = {script}
[filter "x"]
    smudge = {script}
    clean = {script}
    process = {script}
    required = true
[uploadpack]
    packObjectsHook = {script}
"""


def booby_trapped(source: Project, tmp_path: Path) -> Path:
    """Make every place where Git could start a program start ours; the file it would make."""
    marker = tmp_path / "owned"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
        for folder in (hooks, source.root / ".git" / "hooks"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(script.read_text())
            (folder / name).chmod(0o755)
    source.write({".gitattributes": "* filter=x\n"})
    with (source.root / ".git" / "config").open("a") as config:
        config.write(HOSTILE.format(hooks=hooks, script=script))
    return marker


def test_a_hostile_repository_runs_nothing(source: Project, here: Path, tmp_path: Path) -> None:
    url = str(source.root)
    marker = booby_trapped(source, tmp_path)
    for words in (
        ["ls", url],
        ["ls", url, "-R", "--rev", "HEAD"],
        ["ls", url, "code"],
        ["get", url, "data"],
        ["get", url, "code/x.py"],
        ["get", url, "data", "--rev", "v1", "-o", "v1"],
        ["ls", "file://" + url, "-R"],
        ["get", "file://" + url, "data", "-o", "clone"],
    ):
        run(here, *words, exit_code=None)
        assert not marker.exists(), words
    assert (here / "data/a").read_text() == "a2"
    assert (here / "clone/a").read_text() == "a2"


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {marker}",
        "ext::touch {marker}",
        "fd::17",
        "--upload-pack=touch {marker}",
        "-u",
        "ssh://-oProxyCommand=touch%20{marker}/x",
        "-oProxyCommand=x:y",
        "helper://x",
        "",
        "a\nb",
    ],
)
def test_addresses_that_would_start_a_program_are_refused(
    url: str, here: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "owned"
    address = url.format(marker=marker)
    for words in (["ls", "--", address], ["get", "--", address, "data"]):
        outcome = run(here, *words, exit_code=2)
        assert "git-url-refused" in outcome.stderr
    assert not marker.exists()
    with pytest.raises(AssayError):
        assay.read("data", address)


def test_a_foreign_cache_or_credential_path_is_not_honoured(
    source: Project, here: Path, tmp_path: Path
) -> None:
    """From a clone only the addresses of its remotes count."""
    bait = tmp_path / "bait"
    source.assay("config", "cache.dir", bait)
    source.commit("bait")
    run(here, "get", f"file://{source.root}", "data", "-o", "out")
    assert not bait.exists()


def test_a_project_that_may_not_be_written_can_be_read(
    source: Project, here: Path, tmp_path: Path
) -> None:
    before = snapshot(source.root)
    run(here, "ls", str(source.root), "-R")
    run(here, "get", str(source.root), "data")
    after = snapshot(source.root)
    assert {k: v for k, v in after.items() if "/tmp" not in k and "index.db" not in k} == {
        k: v for k, v in before.items() if "/tmp" not in k and "index.db" not in k
    }


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(root)): (stat.S_IMODE(path.lstat().st_mode), path.lstat().st_size)
        for path in root.rglob("*")
    }


def test_an_interrupted_download_leaves_nothing_behind(source: Project, here: Path) -> None:
    for file in (source.cache_folder / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"x" * LARGE)
    outcome: Outcome = run(here, "get", str(source.root), "big", exit_code=5)
    assert outcome.exit_code == 5
    assert os.listdir(here) == []
