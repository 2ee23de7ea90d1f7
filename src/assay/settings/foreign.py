"""Settings of somebody else's repository, as a commit has them: its remotes and nothing more."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.core.dialect import Dialect
from assay.settings.layers import Layer, flat_values
from assay.settings.levels import LevelFile, codec, home_folder
from assay.settings.model import RemoteSettings, compose, is_address

ReadPath = Callable[[str, bytes], bytes | None]
"""The content of a path in a revision, or ``None``."""


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The user's own folder for copies of other repositories (XDG base directories)."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_CACHE_HOME", "")
    return Path(
        base if os.path.isabs(base) else os.path.join(home_folder(environ), ".cache"), "assay"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedRemotes:
    """What a revision's project configuration says of remotes.

    ``unreachable`` are the paths of those relative to a work tree that is not on this machine.
    """

    by_name: dict[str, RemoteSettings]
    default: str | None
    unreachable: tuple[str, ...]


def committed_remotes(
    read_path: ReadPath, rev: str, dialect: Dialect, *, root: str | None = None
) -> CommittedRemotes:
    """The remotes of a revision; relative paths count from ``root``, if the repository has one."""
    form = codec(dialect)
    data = read_path(rev, os.fsencode(f"{dialect.home}/{form.FILE_NAME}"))
    if not data:
        return CommittedRemotes(by_name={}, default=None, unreachable=())
    path = Path(root or "/", dialect.home, form.FILE_NAME)
    file = LevelFile(level="project", path=path, in_project=True)
    values = flat_values(file, form, data.decode("utf-8", "surrogateescape"))
    kept = {
        path: value
        for path, value in values.items()
        if path[0] == "remote" or path == ("core", "remote")
    }
    relative = {
        path[1]: str(value)
        for path, value in kept.items()
        if root is None and path[2:] == ("url",) and not _is_absolute(str(value))
    }
    settings = compose(Path("/"), dialect, [Layer(file=file, values=kept)], {})
    return CommittedRemotes(
        by_name={n: r for n, r in settings.remotes.items() if n not in relative and r.url},
        default=settings.core.remote,
        unreachable=tuple(relative.values()),
    )


def _is_absolute(url: str) -> bool:
    return is_address(url) or os.path.isabs(url)
