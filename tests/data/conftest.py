"""A project to work on: with Git, with a remote in a folder beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project whose default remote is a folder beside it."""
    return new_project(tmp_path / "project", remote=tmp_path / "remote")


@pytest.fixture
def lone(tmp_path: Path) -> Project:
    """A fresh project without any remote."""
    return new_project(tmp_path / "lone")
