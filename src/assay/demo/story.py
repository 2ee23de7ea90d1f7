"""What a chapter of the demo tells with: it runs commands, times them, and checks claims."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from assay.demo.dataset import Dataset
from assay.demo.page import Page
from assay.demo.report import Chapter, Report, Step
from assay.demo.wheels import Wheel
from assay.errors import Bug, StageFailed

T = TypeVar("T")

_COMMAND_SECONDS = 300
_FOREIGN_VARIABLES = ("ASSAY_", "DVC_", "GIT_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of the story, side by side in one."""

    root: Path

    @property
    def project(self) -> Path:
        """Where the data is versioned first."""
        return self.root / "intents"

    @property
    def clone(self) -> Path:
        """What another machine has."""
        return self.root / "elsewhere"

    @property
    def hub(self) -> Path:
        """The Git repository that both push to."""
        return self.root / "hub.git"

    @property
    def store(self) -> Path:
        """The data remote: a folder that both see."""
        return self.root / "store"


class Story:
    """One telling: where it happens, what is known so far, and the report that grows.

    ``wheels`` and ``revisions`` hold the data of both releases once a chapter has made them;
    ``corrected`` is the SHA-256 digest of the file that was corrected after the second.
    """

    def __init__(self, places: Places, page: Page, report: Report, *, wheels_folder: Path) -> None:
        self.places = places
        self.wheels_folder = wheels_folder
        self.page = page
        self.report = report
        self.wheels: list[Wheel] = []
        self.revisions: list[Dataset] = []
        self.corrected = b""
        self._environment = environment(places.root, os.environ)

    @property
    def data(self) -> Path:
        """The data folder of the first project."""
        return self.places.project / "data"

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.report.chapters.append(Chapter(title=title))
        self.page.heading(len(self.report.chapters), title)

    def run(
        self,
        command: str,
        *,
        at: Path,
        exit_code: int = 0,
        show: int = 3,
        shows_errors: bool = False,
    ) -> Step:
        """Run what a user would type, several joined by `&&` included, and print it so.

        The last of them must end with ``exit_code``, the others with 0.  ``show`` is how many
        lines of its output are printed; ``shows_errors`` prints standard error as well.
        """
        self.page.begin(command, folder=at.name)
        *before, last = command.split(" && ")
        steps = [self._step(part, at, exit_code=0) for part in before]
        steps.append(self._step(last, at, exit_code=exit_code))
        self.page.end(sum(step.seconds for step in steps))
        self.report.chapters[-1].steps += steps
        done = steps[-1]
        self.page.output([*done.output[:show], *(done.notes if shows_errors else ())])
        return done

    def work(self, text: str, act: Callable[[], T]) -> T:
        """Do something that is no command, and print what it took."""
        self.page.begin(text)
        started = time.perf_counter()
        try:
            value = act()
        except BaseException:
            self.page.broken()
            raise
        seconds = time.perf_counter() - started
        self.page.end(seconds)
        self.report.chapters[-1].steps.append(Step(text=text, seconds=seconds))
        return value

    def fact(self, text: str) -> None:
        """Say something that was measured."""
        self.page.fact(text)
        self.report.chapters[-1].facts.append(text)

    def check(self, claim: str, holds: bool) -> None:
        """Say a claim that must hold.  Raises Bug ``demo-check-failed`` if it does not."""
        self.page.check(claim, holds=holds)
        if not holds:
            raise Bug(
                "demo-check-failed",
                f"What the demo claims is not so: {claim}.",
                why="It was checked against the files themselves, without assay's help.",
                fix=f"Please report it. Everything is as it was found, in {self.places.root}.",
                paths=(str(self.places.root),),
            )
        self.report.chapters[-1].checks.append(claim)

    def _step(self, command: str, at: Path, *, exit_code: int) -> Step:
        words = shlex.split(command)
        if words[0] == "assay":
            # -P: a folder of the data must not be able to stand in for a module.
            words[:1] = [sys.executable, "-P", "-m", "assay"]
        started = time.perf_counter()
        ended = subprocess.run(
            words,
            cwd=at,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        step = Step(
            text=command,
            folder=at.name,
            seconds=time.perf_counter() - started,
            exit_code=ended.returncode,
            output=_lines(ended.stdout),
            notes=_lines(ended.stderr),
        )
        if step.exit_code != exit_code:
            self.page.broken()
            raise _unexpected(step, exit_code, self.places.root)
        return step


def environment(root: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of the story's commands: nobody's settings, a name for the commits.

    Without this the demo would damage an object in the cache that the user's own settings name.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_FOREIGN_VARIABLES) and name not in ("FORCE_COLOR", "COLUMNS")
    }
    nowhere = str(root / ".no-settings")
    return kept | {
        "ASSAY_GLOBAL_CONFIG_DIR": nowhere,
        "ASSAY_SYSTEM_CONFIG_DIR": nowhere,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "assay demo",
        "GIT_AUTHOR_EMAIL": "demo@example.org",
        "GIT_COMMITTER_NAME": "assay demo",
        "GIT_COMMITTER_EMAIL": "demo@example.org",
        "NO_COLOR": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def _lines(printed: str) -> tuple[str, ...]:
    return tuple(line for line in printed.splitlines() if line.strip())


def _unexpected(step: Step, wanted: int, folder: Path) -> StageFailed:
    return StageFailed(
        "demo-step-failed",
        f"`{step.text}` ended with exit code {step.exit_code} instead of {wanted}.",
        why="\n".join((*step.output, *step.notes)[-6:]) or "It printed nothing.",
        fix=f"Everything is as it was then, in {folder}.",
        paths=(str(folder),),
    )
