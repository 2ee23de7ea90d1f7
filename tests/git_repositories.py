"""Runs the real `git` for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Git = Callable[..., bytes]


def git_in(folder: Path) -> Git:
    """A function that runs one Git command in ``folder`` and returns its output."""

    def run(*args: str | bytes) -> bytes:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, check=True)
        return done.stdout.strip()

    return run
