"""Looking ahead in several processes finds what the walk finds, and decides nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.store.walk import SCRATCH_PREFIX
from store_folders import lay

SCRATCH = os.fsencode(SCRATCH_PREFIX)
SCRIPT = Path(__file__).parents[1] / "looks_ahead.py"


@pytest.fixture
def tree(work: Path) -> Path:
    """Folders of several sizes, with a link, odd names, something ignored, something unfinished."""
    files = {b"d%d/e%d/f%d" % (n % 3, n % 4, n): b"x" * n for n in range(60)}
    lay(work, {**files, b"top": b"", b"d0/\xff": b"", b"empty/": b"", b"d1/skip.log": b""})
    lay(work, {b"d2/" + SCRATCH + b"1": b"", b"d2/.assay/x": b""})
    os.symlink("d0", work / "linked")
    return work


def ahead(root: Path, *folders: str, **wanted: Any) -> dict[str, Any]:
    """What looking ahead into `folders` (all, where none is named) comes to.

    In a process of its own: whoever runs the tests has threads, and is not forked.
    """
    done = subprocess.run(
        [sys.executable, SCRIPT, root, json.dumps({"folders": folders, **wanted})],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("jobs", [1, 2, 3, 16])
def test_a_walk_finds_the_same_with_and_without_it(tree: Path, jobs: int) -> None:
    found = ahead(tree, jobs=jobs)
    assert found["same"]
    assert found["looks"] == (sorted(found["met"]) if jobs > 1 else [])
    assert found["left"] == 0, "a look is used once"


def test_what_is_not_there_any_more_is_left_out(tree: Path) -> None:
    assert ahead(tree, "gone", "d0", "top", "d1/e1")["looks"] == ["d0", "d1/e1"]


def test_what_the_walk_refuses_is_left_to_it(tree: Path) -> None:
    os.mkfifo(tree / "d1" / "pipe")
    found = ahead(tree, "d0", "d1")
    assert found["looks"] == ["d0"]
    assert "file-special" in found["met"][0] or "pipe" in found["met"][0]


def test_a_folder_that_the_walk_does_not_meet_is_not_found(tree: Path) -> None:
    found = ahead(tree, "d0", "d2/.assay", "d2")
    assert "d2/.assay" in found["looks"]
    assert "d2/.assay" not in found["met"]


def test_few_files_are_not_worth_a_process(tree: Path) -> None:
    assert ahead(tree, "d0", "d1", files=10)["looks"] == []


def test_a_program_with_threads_is_not_forked(tree: Path) -> None:
    assert ahead(tree, "d0", "d1", threads=True)["looks"] == []


def test_no_process_is_left(tree: Path) -> None:
    found = ahead(tree, "d0", "d1", "d2")
    assert found["looks"] == ["d0", "d1", "d2"]
    assert not found["children"]


def test_a_process_that_is_killed_takes_only_its_own_looks_along(tree: Path) -> None:
    assert ahead(tree, "d0", "d1", "d2", fatal=True)["looks"] == ["d0"]
