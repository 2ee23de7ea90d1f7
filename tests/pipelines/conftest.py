"""A project with a pipeline of two stages, as most begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project, new_project

PIPELINE = """\
stages:
  prep:
    cmd: cat raw.txt > prep.txt
    deps: [raw.txt]
    outs: [prep.txt]
  train:
    cmd: cat prep.txt params.yaml > model.bin && echo '{"acc":1}' > metrics.json
    deps: [prep.txt]
    params: [lr]
    outs: [model.bin]
    metrics:
    - metrics.json:
        cache: false
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project whose default remote is a folder beside it."""
    return new_project(tmp_path / "project", remote=tmp_path / "remote")


@pytest.fixture
def piped(project: Project) -> Project:
    """A project with the pipeline above, committed, never run."""
    project.write({"raw.txt": "raw\n", "params.yaml": "lr: 0.1\n", "assay.yaml": PIPELINE})
    project.commit("pipeline")
    return project
