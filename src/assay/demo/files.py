"""The demo's own look at files: digests and sizes that owe nothing to assay, so can judge it."""

from __future__ import annotations

import hashlib
from pathlib import Path

PathDigests = dict[str, bytes]


def fingerprint(folder: Path) -> PathDigests:
    """Path below ``folder`` -> SHA-256 of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def folder_size(folder: Path) -> int:
    """Bytes of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def human_size(size_bytes: int) -> str:
    """A size for people, in the units that the commands print."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value, unit = size_bytes / 1024, "KiB"
    if value >= 1000:
        value, unit = value / 1024, "MiB"
    return f"{value:.{1 if value < 9.95 else 0}f} {unit}"
