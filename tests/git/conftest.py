"""Git repositories for the tests of the git layer, apart from the developer's own settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repositories import Git, git_in


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No user or system configuration, a fixed author, nothing inherited from a hook."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A new repository without commits, on branch `main`."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git_in(folder)("init", "-q", "-b", "main")
    return folder


@pytest.fixture
def git(root: Path) -> Git:
    """Runs Git in the repository of the test."""
    return git_in(root)
