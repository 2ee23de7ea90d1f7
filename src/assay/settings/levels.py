"""Where configuration lives: the four files, which later ones override, and the project's root."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from assay.core.dialect import DIALECTS, Dialect
from assay.errors import NotFound

LEVELS = ("system", "global", "project", "local")
"""From the most general to the most particular: a later level overrides an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFile:
    """The file of one level.  ``in_project`` says that it came with the repository."""

    level: str
    path: Path
    in_project: bool

    @property
    def lock(self) -> Path:
        """What to lock while the file changes."""
        if self.in_project:
            return self.path.parent / "tmp" / "config.lock"
        return self.path.parent / ".config.lock"


def codec(dialect: Dialect) -> ModuleType:
    """The module that reads and edits the dialect's configuration files."""
    if dialect.config_format != "toml":
        raise ValueError(dialect.config_format)
    from assay.settings import toml

    return toml


def level_files(
    root: Path | None, dialect: Dialect, environ: Mapping[str, str]
) -> tuple[LevelFile, ...]:
    """The files of the levels that exist here, in the order in which they override."""
    form = codec(dialect)
    files = [
        LevelFile(level="system", path=_system(form, environ) / form.FILE_NAME, in_project=False),
        LevelFile(level="global", path=_global(form, environ) / form.FILE_NAME, in_project=False),
    ]
    if root is not None:
        home = root / dialect.home
        files += [
            LevelFile(level="project", path=home / form.FILE_NAME, in_project=True),
            LevelFile(level="local", path=home / form.LOCAL_FILE_NAME, in_project=True),
        ]
    return tuple(files)


def _system(form: ModuleType, environ: Mapping[str, str]) -> Path:
    given = environ.get("ASSAY_SYSTEM_CONFIG_DIR")
    return Path(given) if given else Path("/etc/xdg", form.FOLDER_NAME)


def _global(form: ModuleType, environ: Mapping[str, str]) -> Path:
    given = environ.get("ASSAY_GLOBAL_CONFIG_DIR")
    if given:
        return Path(given)
    base = environ.get("XDG_CONFIG_HOME", "")
    # The specification: a relative value is to be ignored.
    folder = Path(base) if os.path.isabs(base) else Path(home_folder(environ), ".config")
    return folder / str(form.FOLDER_NAME)


def default_key(environ: Mapping[str, str]) -> Path:
    """Where the user's signing key lies unless the settings name another place."""
    from assay.settings import toml

    return _global(toml, environ) / "keys" / "id_ed25519"


def state_folder(environ: Mapping[str, str]) -> Path:
    """The user's own folder for what must not be forgotten (XDG base directories)."""
    base = environ.get("XDG_STATE_HOME", "")
    # The specification: a relative value is to be ignored.
    above = base if os.path.isabs(base) else os.path.join(home_folder(environ), ".local", "state")
    return Path(above, "assay")


def current_environment() -> Mapping[str, str]:
    """The variables of this process: the one place below the CLI that reaches for them."""
    return os.environ


def home_folder(environ: Mapping[str, str]) -> str:
    """The user's home folder."""
    return environ.get("HOME") or os.path.expanduser("~")


def find_root(start: Path, dialects: tuple[Dialect, ...] = DIALECTS) -> tuple[Path, Dialect] | None:
    """The project that holds ``start`` and how it is written, or None outside one."""
    start = Path(os.path.abspath(start))
    for folder in (start, *start.parents):
        for dialect in dialects:
            if os.path.isdir(os.path.join(folder, dialect.home)):
                return folder, dialect
    return None


def require_root(start: Path, dialects: tuple[Dialect, ...] = DIALECTS) -> tuple[Path, Dialect]:
    """The project that holds ``start``.  Raises NotFound ``project-missing`` outside one."""
    found = find_root(start, dialects)
    if found is None:
        raise no_project(start)
    return found


def no_project(start: Path) -> NotFound:
    """The error for a command that needs a project."""
    return NotFound(
        "project-missing",
        f"{os.path.abspath(start)} is not inside an assay project.",
        why="Neither it nor any folder above it has a folder named .assay.",
        fix="Go to a project, name one with --cd, or begin one here: `assay init`.",
    )
