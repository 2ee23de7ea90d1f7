"""What every test gets: an environment that is nobody's, and the command line as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

# A shared machine may pause us at any moment, so no example has a deadline.  Under CI the same
# examples run every time: a new failure there means a new change.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile(
    "ci", parent=settings.get_profile("local"), derandomize=True, database=None
)
settings.register_profile(
    "thorough",
    parent=settings.get_profile("local"),
    max_examples=2_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(
    os.environ.get("ASSAY_TEST_PROFILE") or ("ci" if os.environ.get("CI") else "local")
)

# A shell lets what it runs in the background ignore Ctrl-C, and all that we start would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
_STRAY_PREFIXES = ("ASSAY_", "DVC_", "GIT_", "XDG_", "LC_", "PYTEST_ADDOPTS")
_STRAY_NAMES = ("CI", "COLUMNS", "FORCE_COLOR", "LANGUAGE", "LINES", "NO_COLOR", "PAGER")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home folder, with Git and the locale as on a machine that nobody has set up."""
    home = tmp_path_factory.mktemp("home")
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
    return home


class Completed(subprocess.CompletedProcess[str]):
    """A finished command, whose standard output can be read as JSON."""

    def json(self) -> Any:
        """The one JSON document on standard output."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            pytest.fail(f"standard output is not one JSON document ({error}):\n{transcript(self)}")


def transcript(done: subprocess.CompletedProcess[str]) -> str:
    """Everything there is to know about a finished command, for a failure message."""
    words = " ".join(str(word) for word in done.args)
    return (
        f"$ {words}\nexit code {done.returncode}\n"
        f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
    )


Word = str | bytes | os.PathLike[str]


class AssayCli(Protocol):
    """Runs `assay WORDS` in `cwd`; with `check`, anything but `exit_code` fails the test."""

    def __call__(
        self,
        *words: Word,
        cwd: Word | None = None,
        check: bool = True,
        exit_code: int = 0,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_seconds: float = 120,
    ) -> Completed: ...


@pytest.fixture
def assay_cli(tmp_path: Path) -> AssayCli:
    """The installed command line as its own process; `cwd` is `tmp_path` unless told."""

    def run(
        *words: Word,
        cwd: Word | None = None,
        check: bool = True,
        exit_code: int = 0,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_seconds: float = 120,
    ) -> Completed:
        done = subprocess.run(
            [sys.executable, "-m", "assay", *(os.fsdecode(word) for word in words)],
            cwd=tmp_path if cwd is None else cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout_seconds,
            check=False,
        )
        completed = Completed(done.args, done.returncode, done.stdout, done.stderr)
        if check and completed.returncode != exit_code:
            pytest.fail(f"expected exit code {exit_code}\n{transcript(completed)}", pytrace=False)
        return completed

    return run
