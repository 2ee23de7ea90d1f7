"""Disks for tests: small, read-only, other ones.  Only root may mount them; others skip."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def require_mounts() -> None:
    """Skip where file systems cannot be mounted."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount")


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")


@contextmanager
def small_disk(folder: Path, *, kilobytes: int = 16 << 10) -> Iterator[Path]:
    """A file system of its own at ``folder``, in memory."""
    require_mounts()
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing below ``folder`` can be written for a while."""
    require_mounts()
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def filled(folder: Path, *, free_bytes: int = 0) -> Iterator[None]:
    """The disk of ``folder`` has no more than about ``free_bytes`` left."""
    ballast = folder / "ballast"
    found = os.statvfs(folder)
    size = found.f_bavail * found.f_frsize - free_bytes
    with ballast.open("wb") as file:
        try:
            while size > 0:
                size -= file.write(bytes(min(size, 1 << 20)))
                file.flush()
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()
