"""What the commands of the story find around them: nobody's settings, a name, a `python`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

_FOREIGN_VARIABLES = ("ASSAY_", "DVC_", "GIT_", "XDG_")
# With the last one a script could not import what lies beside it.
_UNWANTED = frozenset({"FORCE_COLOR", "COLUMNS", "PYTHONSAFEPATH"})


def home(root: Path) -> Path:
    """The folder in ``root`` that takes the place of the user's own: settings, key, caches."""
    return root / ".home"


def environment(
    root: Path, inherited: Mapping[str, str], *, columns: int, encoding: str = "utf-8"
) -> dict[str, str]:
    """The variables of the story's commands; ``encoding`` is what they print in.

    Without them the demo would sign with the user's key, and damage an object in the cache that
    the user's own settings name.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_FOREIGN_VARIABLES) and name not in _UNWANTED
    }
    own = home(root)
    return kept | {
        "ASSAY_SYSTEM_CONFIG_DIR": str(own / "system"),
        "XDG_CONFIG_HOME": str(own / "config"),
        "XDG_CACHE_HOME": str(own / "cache"),
        "XDG_STATE_HOME": str(own / "state"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ana",
        "GIT_AUTHOR_EMAIL": "ana@example.org",
        "GIT_COMMITTER_NAME": "Ana",
        "GIT_COMMITTER_EMAIL": "ana@example.org",
        "PATH": os.pathsep.join([str(own / "bin"), kept.get("PATH", os.defpath)]),
        "SHELL": "/bin/sh",
        "COLUMNS": str(columns),
        "NO_COLOR": "1",
        "PYTHONIOENCODING": f"{encoding}:backslashreplace",
    }


def settle(root: Path) -> None:
    """Make that home, with a `python` that is this one: the pipeline calls it by that name.

    Raises FileExistsError where somebody has it already.
    """
    home(root).mkdir()
    script = home(root) / "bin" / "python"
    script.parent.mkdir()
    # Not a link: through one, Python would not find the packages of a virtual environment.
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
