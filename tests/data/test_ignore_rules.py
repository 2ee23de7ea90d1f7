"""Ignore files are read as Git reads its own: same patterns, same precedence, any bytes."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from assay.data.ignore import IgnoreRules
from assay.data.patterns import parse
from assay.errors import InvalidInput

PIECES = ["a", "b", "*", "**", "/", "?", "[", "]", "!", "\\", "-", "#", " ", "^", ".", ":", "\t"]
PHRASES = ["[ab]", "[!a]", "[[:alpha:]]", "[[:digit:]", "[:x:]", "[a-", "\\]", "***", "**/", "/**"]
LINE = st.lists(st.sampled_from(PIECES + PHRASES), min_size=1, max_size=6).map("".join)
LINES = st.lists(LINE, min_size=1, max_size=3)
PATHS = [
    *("a", "b", "ab", "ba", "a/b", "a/a", "b/a", "a/b/a", "a/b/b", "b/b/b", "aa/bb/ab", "ab/a"),
    *("a.b", "a b", "!a", "#a", " a", "a ", "[", "]", "a-b", "\\", "-", "^", ":", "a\tb", "1"),
]


@pytest.fixture(scope="module")
def shared_root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        yield Path(folder)


def write(root: Path, name: str | bytes, content: str | bytes) -> None:
    path = root / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(content))


def rules(root: Path) -> IgnoreRules:
    return IgnoreRules.load(os.fsencode(root), ".assayignore")


def ignored_by_git(root: Path, paths: list[str]) -> set[str]:
    asked = "\0".join("./" + path for path in paths).encode()
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=root,
        input=asked,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return {path[2:] for path in done.stdout.decode().split("\0") if path}


def has_glued_stars(line: str) -> bool:
    """`ab**/c`: Git's short cut for a literal beginning takes the stars for a component.

    Its manual says that they are ordinary asterisks, and so they are here.
    """
    before, stars, _ = line.partition("**")
    return bool(stars) and not before.endswith("/") and before not in ("", "!")


@settings(max_examples=200, deadline=None)
@given(lines=LINES)
@example(lines=["!"])
@example(lines=["\\"])
@example(lines=["[!a]b"])
@example(lines=["[a-"])
@example(lines=["**/b", "!a/b"])
@example(lines=["a/**", "!a/b/"])
@example(lines=["a\\ ", "b  "])
@example(lines=["*", "!*/"])
@example(lines=["\ufeffa"])
def test_git_reads_the_same_lines_alike(shared_root: Path, lines: list[str]) -> None:
    assume(not any(has_glued_stars(line) for line in lines))
    for name in (".gitignore", ".assayignore"):
        write(shared_root, name, "\n".join(lines) + "\n")
    ours = rules(shared_root)
    assert {p for p in PATHS if ours.is_ignored(p.encode(), False)} == ignored_by_git(
        shared_root, PATHS
    )


@settings(max_examples=40, deadline=None)
@given(top=LINES, inner=LINES)
def test_git_gives_files_in_sub_folders_the_same_precedence(
    shared_root: Path, top: list[str], inner: list[str]
) -> None:
    assume(not any(has_glued_stars(line) for line in top + inner))
    for name in (".gitignore", ".assayignore"):
        write(shared_root, name, "\n".join(top))
        write(shared_root, f"a/{name}", "\n".join(inner))
    ours = rules(shared_root)
    files = [path for path in PATHS if path != "a"]  # which is a folder here
    try:
        assert {p for p in files if ours.is_ignored(p.encode(), False)} == ignored_by_git(
            shared_root, files
        )
    finally:
        shutil.rmtree(shared_root / "a")


@given(content=st.binary(max_size=200), path=st.binary(min_size=1, max_size=40))
def test_no_content_upsets_the_reader(content: bytes, path: bytes) -> None:
    import re

    for pattern in parse(content):
        re.fullmatch(pattern.regex, path)


def test_patterns_for_folders_leave_files_alone(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "tmp/\n")
    ours = rules(tmp_path)
    assert ours.is_ignored(b"tmp", True)
    assert ours.is_ignored(b"x/tmp", True)
    assert ours.is_ignored(b"tmp/file", False)
    assert not ours.is_ignored(b"tmp", False)


def test_nothing_comes_back_inside_an_ignored_folder(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "data\n!data/keep\n")
    write(tmp_path, "data/.assayignore", "!*\n")
    assert rules(tmp_path).is_ignored(b"data/keep", False)


def test_the_repositories_own_folders_are_always_ignored(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "!.git\n!.assay/\n")
    ours = rules(tmp_path)
    for name in (b".git", b".hg", b".assay", b".dvc"):
        assert ours.is_ignored(name, True)
        assert ours.is_ignored(b"deep/down/" + name, True)
        assert ours.is_ignored(name + b"/config", False)
    assert not ours.is_ignored(b".assayignore", False)
    assert not ours.is_ignored(b".github", True)


def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", b"caf\xe9\n*.\xff\n")
    ours = rules(tmp_path)
    assert ours.is_ignored(b"caf\xe9", False)
    assert ours.is_ignored(b"d/x.\xff", False)
    assert ours.is_ignored(b"new\nline.\xff", False)
    assert not ours.is_ignored("café".encode(), False)


def test_a_folder_without_patterns_has_no_rules(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "# nothing\n\n   \n")
    write(tmp_path, "a/.assayignore", "*.log\n")
    ours = rules(tmp_path)
    assert ours.for_directory(b"") is None
    assert ours.for_directory(b"b/c") is None
    below = ours.for_directory(b"a/deep")
    assert below is not None
    assert below(b"a/deep/x.log", False)
    assert not below(b"a/deep/x.txt", False)


def test_a_walker_can_save_the_look_for_the_file(tmp_path: Path) -> None:
    write(tmp_path, "a/.assayignore", "*\n")
    assert rules(tmp_path).for_directory(b"a", has_file=False) is None
    assert rules(tmp_path).for_directory(b"a", has_file=True) is not None


def test_rules_travel_to_other_processes(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "*.log\n")
    ours = rules(tmp_path)
    ours.is_ignored(b"x.log", False)
    assert pickle.loads(pickle.dumps(ours)).is_ignored(b"x.log", False)


def test_every_matching_line_can_be_shown(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "# c\n*.log\n")
    write(tmp_path, "d/.assayignore", "!keep.log\n")
    ours = rules(tmp_path)
    shown = [
        (m.source, m.line, m.pattern, m.is_ignored) for m in ours.explain(b"d/keep.log", False)
    ]
    assert shown == [
        (b".assayignore", 2, b"*.log", True),
        (b"d/.assayignore", 1, b"!keep.log", False),
    ]
    assert not ours.is_ignored(b"d/keep.log", False)
    assert ours.explain(b"d/none", False) == []
    assert [m.source for m in ours.explain(b".git/config", False)] == [b""]


@given(lines=LINES)
def test_the_explanation_agrees_with_the_verdict(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), ".assayignore", "\n".join(lines))
        ours = rules(Path(folder))
        for path in PATHS:
            matches = ours.explain(path.encode(), False)
            said = bool(matches) and matches[-1].is_ignored
            assert said == ours.is_ignored(path.encode(), False)


def test_a_hostile_pattern_does_not_take_long(tmp_path: Path) -> None:
    write(tmp_path, ".assayignore", "*a" * 100 + "b\n" + "**/a*/" * 40 + "b\n")
    ours = rules(tmp_path)
    started = time.monotonic()
    assert not ours.is_ignored(b"a" * 255, False)
    assert not ours.is_ignored(b"/".join([b"aaaa"] * 400), False)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", ["link", "pipe", "huge"])
def test_an_ignore_file_that_cannot_be_read_is_an_error_not_a_gap(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / ".assayignore"
    if kind == "link":
        os.symlink("elsewhere", path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidInput) as caught:
        rules(tmp_path).is_ignored(b"x", False)
    assert caught.value.code == "ignore-file-unusable"
