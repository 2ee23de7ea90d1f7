"""Which tools exist, and where their programs are."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.tools.assay import AssayTool
from benchmarks.tools.dvc import DvcTool
from benchmarks.tools.floor import FloorTool
from benchmarks.tools.git import GitTool
from benchmarks.tools.git_lfs import GitLfsTool
from benchmarks.tools.restic import ResticTool
from benchmarks.tools.tool import Tool

# In the order of the report's columns.
KINDS: tuple[type[Tool], ...] = (FloorTool, GitTool, GitLfsTool, ResticTool, DvcTool, AssayTool)
NAMES = tuple(kind.name for kind in KINDS)
SUBJECT = AssayTool.name


def find_tools(names: Iterable[str], programs: Mapping[str, Path]) -> tuple[list[Tool], list[str]]:
    """The tools among ``names`` that are installed, and the names of those that are not.

    ``programs`` says where a tool is; without a word there, it is the one beside this Python
    (where assay is installed for development), then the one on PATH.
    """
    wanted = set(names)
    found: list[Tool] = []
    missing: list[str] = []
    for kind in KINDS:
        if kind.name not in wanted:
            continue
        program = programs.get(kind.name) or _program(kind.executable)
        if program is None:
            missing.append(kind.name)
        else:
            found.append(kind(program))
    return found, missing


def _program(executable: str) -> Path | None:
    beside = Path(sys.executable).parent / executable
    path = str(beside) if beside.is_file() else shutil.which(executable)
    return Path(path) if path else None
