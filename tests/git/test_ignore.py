"""An output's line in `.gitignore` hides that name and nothing else, and can be taken out."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.errors import InvalidInput
from assay.git.ignore import (
    add_ignore,
    is_ignored,
    is_tracked,
    remove_ignore,
    stage,
    with_name,
    without_name,
)
from git_repositories import Git

NAMES = st.one_of(
    st.binary(min_size=1, max_size=24),
    st.text("ab*?[]!#\\ \t\r\n-.^", min_size=1, max_size=8).map(str.encode),
).filter(lambda name: not set(name) & {0, 0x2F} and name not in (b".", b"..", b".git"))


@pytest.fixture(scope="module")
def shared_root() -> object:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        yield Path(folder)


@settings(max_examples=150, deadline=None)
@given(name=NAMES, other=NAMES)
@example(name=b"data ", other=b"data")
@example(name=b"data\r", other=b"data")
@example(name=b" \\ ", other=b"\\ ")
@example(name=b"#1", other=b"1")
@example(name=b"!keep", other=b"keep")
@example(name=b"[a]", other=b"a")
@example(name=b"a*", other=b"ab")
@example(name=b"caf\xe9", other=b"caf")
@example(name=b":", other=b"x")
@example(name=b":(top)x", other=b"x")
def test_git_agrees_about_every_name(shared_root: Path, name: bytes, other: bytes) -> None:
    (shared_root / ".gitignore").write_bytes(with_name(b"", name))
    ignored = is_ignored(shared_root, [name, b"sub/" + name, other])
    assert name in ignored
    assert b"sub/" + name not in ignored
    # A newline cannot be spelled in a pattern: its stand-in also matches a tab.
    if other.translate(None, b"\t\n\x0b") != name.translate(None, b"\t\n\x0b"):
        assert other not in ignored


LINES = st.lists(st.sampled_from([b"*.pyc", b"", b"# note", b"/data", b" /x ", b"!keep", b"/a b"]))


@given(lines=LINES, name=NAMES, ending=st.sampled_from([b"\n", b"\r\n"]), final=st.booleans())
def test_adding_then_removing_leaves_the_other_lines(
    lines: list[bytes], name: bytes, ending: bytes, final: bool
) -> None:
    before = ending.join(lines) + (ending if final and lines else b"")
    if with_name(before, name) == before:  # the user has this very line
        return
    added = with_name(before, name)
    assert added.startswith(before)
    assert with_name(added, name) == added
    removed = without_name(added, name)
    assert removed in (before, before + ending, before + b"\n")


def test_the_line_endings_of_the_file_are_used() -> None:
    assert with_name(b"a\r\nb\r\n", b"data") == b"a\r\nb\r\n/data\r\n"
    assert with_name(b"a\nb", b"data") == b"a\nb\n/data\n"
    assert without_name(b"a\r\n/data\r\nb\r\n", b"data") == b"a\r\nb\r\n"


def test_a_line_that_dvc_wrote_is_recognised() -> None:
    assert with_name(b"/my data\\[1\\]\n", b"my data[1]") == b"/my data\\[1\\]\n"
    assert without_name(b"/my data\\[1\\]\n", b"my data[1]") == b""


def test_the_file_comes_and_goes_with_its_last_line(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    assert add_ignore(folder, b"data")
    assert not add_ignore(folder, b"data")
    assert (tmp_path / ".gitignore").read_bytes() == b"/data\n"
    assert not remove_ignore(folder, b"other")
    assert remove_ignore(folder, b"data")
    assert not (tmp_path / ".gitignore").exists()
    assert not remove_ignore(folder, b"data")
    assert os.listdir(tmp_path) == []


def test_the_mode_and_other_lines_of_the_file_stay(tmp_path: Path) -> None:
    file = tmp_path / ".gitignore"
    file.write_bytes(b"*.pyc\n/data\n")
    file.chmod(0o640)
    assert remove_ignore(os.fsencode(tmp_path), b"data")
    assert file.read_bytes() == b"*.pyc\n"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_symbolic_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine\n")
    os.symlink("victim", tmp_path / ".gitignore")
    with pytest.raises(InvalidInput) as caught:
        add_ignore(os.fsencode(tmp_path), b"data")
    assert caught.value.code == "gitignore-irregular"
    assert victim.read_bytes() == b"mine\n"


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    with pytest.raises(InvalidInput):
        add_ignore(os.fsencode(tmp_path), b"data")


def test_tracked_paths_are_those_in_the_index_and_folders_above(root: Path, git: Git) -> None:
    (root / "d" / "e").mkdir(parents=True)
    (root / "d" / "e" / "f").write_text("x")
    (root / "loose").write_text("x")
    (root / "*").write_text("x")
    git("--literal-pathspecs", "add", "d", "*")
    asked = [b"d", b"d/e", b"d/e/f", b"loose", b"*", b"none"]
    assert is_tracked(root, asked) == {b"d", b"d/e", b"d/e/f", b"*"}
    assert is_tracked(root, []) == set()


def test_a_glob_in_a_name_asks_for_that_name_only(root: Path, git: Git) -> None:
    (root / "ab").write_text("x")
    git("add", "ab")
    assert is_tracked(root, [b"a*"]) == set()


def test_thousands_of_paths_fit(root: Path, git: Git) -> None:
    (root / "x4999").write_text("x")
    git("add", "-A")
    assert is_tracked(root, [b"%s%d" % (b"x", n) for n in range(40_000)]) == {b"x4999"}


def test_a_file_that_is_tracked_and_ignored_counts_as_ignored(root: Path, git: Git) -> None:
    (root / "data").write_text("x")
    git("add", "data")
    (root / ".gitignore").write_text("/data\n")
    assert is_ignored(root, [b"data", b"code"]) == {b"data"}


def test_staging_takes_names_literally(root: Path, git: Git) -> None:
    for name in (b"a.assay", b"*", b"-n", b"caf\xe9"):
        (root / os.fsdecode(name)).write_text("x")
    stage(root, [b"*", b"-n", b"caf\xe9"])
    staged = git("-c", "core.quotePath=false", "ls-files", "-z").split(b"\0")
    assert set(staged) == {b"*", b"-n", b"caf\xe9", b""}
