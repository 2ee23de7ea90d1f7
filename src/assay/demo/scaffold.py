"""The files of the user's project: they lie in `project/` as data, and are copied into a folder."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_IGNORE = ".gitignore"


def write_project(folder: Path) -> tuple[str, ...]:
    """Copy the project into ``folder``; the paths of its files, sorted.

    What is in its `.gitignore` is added to the one that is there, if one is.
    """
    return tuple(sorted(_copy(files("assay.demo") / "project", folder, "")))


def _copy(source: Traversable, folder: Path, below: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for item in source.iterdir():
        if item.name == "__pycache__":  # installers compile what ends in .py
            continue
        target, name = folder / item.name, f"{below}{item.name}"
        if item.is_dir():
            written += _copy(item, target, f"{name}/")
            continue
        data = item.read_bytes()
        if item.name == _IGNORE and target.exists():
            data = _joined(target.read_bytes(), data)
        target.write_bytes(data)
        written.append(name)
    return written


def _joined(present: bytes, added: bytes) -> bytes:
    lines = present.splitlines()
    new = [line for line in added.splitlines() if line not in lines]
    return b"".join(line + b"\n" for line in [*lines, *new])
