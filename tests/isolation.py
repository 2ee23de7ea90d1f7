"""An environment that is nobody's: no settings, keys or caches of whoever runs the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GIT_CONFIG = """\
[user]
    name = Test Person
    email = test.person@example.org
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[protocol "file"]
    allow = always
[advice]
    detachedHead = false
"""

# Variables through which the machine that runs the tests could change their outcome.
_STRAY_PREFIXES = ("ASSAY_", "DVC_", "GIT_", "SSH_", "XDG_", "LC_", "PYTEST_ADDOPTS")
_STRAY_NAMES = ("CI", "COLUMNS", "FORCE_COLOR", "LANGUAGE", "LINES", "NO_COLOR", "PAGER")


def isolate(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``home`` the home folder, as on a machine that nobody has set up."""
    for name in list(os.environ):
        if name.startswith(_STRAY_PREFIXES) or name in _STRAY_NAMES:
            monkeypatch.delenv(name)
    git_config = home / "gitconfig"
    git_config.write_text(GIT_CONFIG, encoding="utf-8")
    variables = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "GIT_CONFIG_GLOBAL": str(git_config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
