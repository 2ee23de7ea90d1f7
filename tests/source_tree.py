"""Where the project's files are, for the tests that read them as text."""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "assay"
# The files of a user's project, shipped as data: no modules of the package.
DEMO_PROJECT = PACKAGE / "demo" / "project"


@functools.cache
def modules() -> tuple[Path, ...]:
    """Every Python file of the package, sorted."""
    found = sorted(PACKAGE.rglob("*.py"))
    return tuple(path for path in found if DEMO_PROJECT not in path.parents)


@functools.cache
def parsed(module: Path) -> ast.Module:
    """The syntax tree of one module."""
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


@functools.cache
def project_files() -> tuple[Path, ...]:
    """Every file that is in Git or would be added to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def document(name: str) -> str:
    """The text of a document that must exist, by its path from the root."""
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def relative(path: Path) -> str:
    """A path as people write it: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()
