"""Looking ahead in several processes finds what the walk finds, and decides nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.store.walk import SCRATCH_PREFIX, FolderScan, Listed, list_folder, open_root, walk_batch
from store_folders import lay

SCRATCH = os.fsencode(SCRATCH_PREFIX)
# A process of its own, because one with threads (as ours) is never forked.
PROGRAM = """
import os, sys, threading
from assay.store.walk_ahead import WORTH_FILES, look_ahead

def ignored(folder):
    if how == "fatal" and os.getpid() != parent:
        os.abort()
    return lambda path, is_folder: path.endswith(b".log")

root, how, jobs, *folders = map(os.fsencode, sys.argv[1:])
how, parent = how.decode(), os.getpid()
if how == "threads":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
size = 10 if how == "few" else WORTH_FILES
looks = look_ahead(
    root, [(each, size) for each in folders], keep_links=False, ignored=ignored, jobs=int(jobs)
)
try:
    print("left behind", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print([looks[folder] for folder in sorted(looks)])
"""


@pytest.fixture
def tree(work: Path) -> Path:
    """Folders of several sizes, a link, odd names, something ignored, something unfinished."""
    files = {b"d%d/e%d/f%d" % (n % 3, n % 4, n): b"x" * n for n in range(60)}
    lay(work, {**files, b"top": b"", b"d0/\xff": b"", b"empty/": b"", b"d1/skip.log": b""})
    lay(work, {b"d2/" + SCRATCH + b"1": b"", b"d2/.assay/x": b""})
    os.symlink("d0", work / "linked")
    return work


def ahead(root: Path, *folders: bytes, how: str = "", jobs: int = 3) -> str:
    """The looks that were taken ahead, as they are written."""
    words = [sys.executable, "-c", PROGRAM, str(root), how, str(jobs), *folders]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def look(root: Path, *folders: bytes) -> list[Listed]:
    """The same looks, taken one after the other."""
    fd = open_root(os.fsencode(root))
    try:
        return [list_folder(fd, folder, False, lambda _: _is_log) for folder in folders]
    finally:
        os.close(fd)


def _is_log(path: bytes, _is_folder: bool) -> bool:
    return path.endswith(b".log")


def walked(root: Path, looks: dict[bytes, Listed] | None) -> tuple[list[FolderScan], list[bytes]]:
    scratch: list[bytes] = []
    walk = walk_batch(
        os.fsencode(root), b"", ignored=lambda _: _is_log, scratch=scratch, ahead=looks
    )
    return list(walk), scratch


@pytest.mark.parametrize("jobs", [2, 3, 16])
def test_the_looks_are_those_of_the_walk(tree: Path, jobs: int) -> None:
    folders = sorted(scan.rel for scan in walked(tree, None)[0] if scan.rel)
    assert ahead(tree, *folders, jobs=jobs) == str(look(tree, *folders))


def test_a_walk_with_looks_taken_ahead_finds_the_same(tree: Path) -> None:
    alone = walked(tree, None)
    assert SCRATCH in alone[1][0]
    looks = {each.scan.rel: each for each in look(tree, b"", b"d0", b"d2", b"linked", b"empty")}
    assert walked(tree, looks) == alone
    assert not looks, "a look is used once"


def test_what_cannot_be_looked_into_is_left_to_the_walk(tree: Path) -> None:
    os.mkfifo(tree / "d1" / "pipe")
    assert ahead(tree, b"d0", b"d1", b"gone", b"top") == str(look(tree, b"d0"))


def test_a_folder_that_the_walk_does_not_meet_is_not_found(tree: Path) -> None:
    looks = {each.scan.rel: each for each in look(tree, b"d2/.assay", b"d2")}
    assert b"d2/.assay" not in [scan.rel for scan in walked(tree, looks)[0]]


def test_few_files_are_not_worth_a_process(tree: Path) -> None:
    assert ahead(tree, b"d0", b"d1", how="few") == "[]"


def test_a_program_with_threads_is_not_forked(tree: Path) -> None:
    assert ahead(tree, b"d0", b"d1", how="threads") == "[]"


def test_a_process_that_is_killed_takes_only_its_own_looks_along(tree: Path) -> None:
    assert ahead(tree, b"d0", b"d1", b"d2", how="fatal") == str(look(tree, b"d0"))
