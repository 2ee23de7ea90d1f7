"""What every test gets: an environment that is nobody's, and the command line as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from bots import Bots, Templates
from isolation import isolate

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


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home folder, with Git and the locale as on a machine that nobody has set up."""
    home = tmp_path_factory.mktemp("home")
    isolate(home, monkeypatch)
    return home


@pytest.fixture(scope="session")
def bots_templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The repositories with releases that tests get copies of."""
    return Templates(tmp_path_factory.mktemp("bots"))


@pytest.fixture
def bots_at(
    bots_templates: Templates, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Bots]:
    """A copy of a template below `tmp_path`, in which Ana signs."""

    def copy(step: str, name: str = "bots") -> Bots:
        bots = bots_templates.copy(step, tmp_path / name)
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(bots.key_path("ana")))
        return bots

    return copy


@pytest.fixture
def plain(bots_at: Callable[[str], Bots]) -> Bots:
    """A project that declares a release, all of it pushed; there is no policy."""
    return bots_at("plain")


@pytest.fixture
def declared(bots_at: Callable[[str], Bots]) -> Bots:
    """The same with a policy; nothing is released."""
    return bots_at("declared")


@pytest.fixture
def released(bots_at: Callable[[str], Bots]) -> Bots:
    """The bot 1.0.0 is released, has passed its gates, and prod serves it."""
    return bots_at("released")


@pytest.fixture
def served(bots_at: Callable[[str], Bots]) -> Bots:
    """Prod served 1.0.0 and serves 1.1.0."""
    return bots_at("served")


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
