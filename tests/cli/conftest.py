"""The command line inside the test's own process, which is quick and can be looked into."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as the one JSON document that it is."""
        return json.loads(self.out)


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cli]:
    """Runs `assay WORDS` in `cwd`, the test's folder unless told."""
    before = os.getcwd()

    def run(*words: str, cwd: Path = tmp_path) -> Outcome:
        os.chdir(cwd)
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    monkeypatch.setenv("ASSAY_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    yield run
    os.chdir(before)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The top folder of a project that has nothing in it."""
    root = tmp_path / "project"
    (root / ".assay").mkdir(parents=True)
    return root
