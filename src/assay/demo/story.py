"""What a chapter of the demo tells with: it runs commands, times them, and checks claims."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from assay.demo.dataset import Dataset, Row
from assay.demo.page import Page
from assay.demo.painted import plain
from assay.demo.programs import Ended, TooSlow, run_program
from assay.demo.report import Chapter, Report, Step
from assay.demo.surroundings import environment
from assay.demo.wheels import Wheel
from assay.errors import Bug, StageFailed

T = TypeVar("T")

_COMMAND_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of the story, side by side in one."""

    root: Path

    @property
    def project(self) -> Path:
        """Where the data is versioned first."""
        return self.root / "intents"

    @property
    def production(self) -> Path:
        """Where the nightly job runs: no checkout, no data, no model."""
        return self.root / "production"

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
    ``corrected`` is the SHA-256 digest of the file that was corrected after the second;
    ``first_night`` is what the job answered when all was well.
    """

    def __init__(self, places: Places, page: Page, report: Report, *, wheels_folder: Path) -> None:
        self.places = places
        self.wheels_folder = wheels_folder
        self.page = page
        self.report = report
        self.wheels: list[Wheel] = []
        self.revisions: list[Dataset] = []
        self.corrected = b""
        self.first_night: list[Row] = []
        self._environment = environment(
            places.root, os.environ, columns=page.output_width, encoding=page.encoding
        )

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
        until: str = "",
        last: int = 0,
        errors: int = 0,
        bright: bool = False,
    ) -> Step:
        """Run what a user would type, several joined by `&&` included, and print it so.

        The last of them must end with ``exit_code``, the others with 0.  Of its output the first
        ``show`` lines are printed, or those before one with ``until``, and the ``last`` ones; of
        its standard error ``errors`` lines.
        """
        self.page.begin(command, folder=at.name)
        *before, last_command = command.split(" && ")
        try:
            steps = [self._step(part, at, exit_code=0)[0] for part in before]
            done, ended = self._step(last_command, at, exit_code=exit_code)
        except BaseException:
            self.page.broken()
            raise
        steps.append(done)
        self.page.end(sum(step.seconds for step in steps), exit_code=exit_code)
        self.report.chapters[-1].steps += steps
        said = _lines(ended.stdout)
        if until:
            show = next((at for at, line in enumerate(said) if until in plain(line)), len(said))
        self.page.output(_excerpt(said, show, last, self.page.more), bright=bright)
        self.page.output(_lines(ended.stderr)[:errors])
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

    def _step(self, command: str, at: Path, *, exit_code: int) -> tuple[Step, Ended]:
        started = time.perf_counter()
        try:
            ended = run_program(
                self._words(command),
                at=at,
                environ=self._environment,
                timeout_seconds=_COMMAND_SECONDS,
            )
        except TooSlow:
            raise _failed(
                f"`{command}` did not end within {_COMMAND_SECONDS:.0f} s.",
                "It was interrupted.",
                self.places.root,
            ) from None
        step = Step(
            text=command,
            folder=at.name,
            seconds=time.perf_counter() - started,
            exit_code=ended.exit_code,
            output=_lines(plain(ended.stdout)),
            notes=_lines(plain(ended.stderr)),
        )
        if step.exit_code != exit_code:
            raise _failed(
                f"`{command}` ended with exit code {step.exit_code} instead of {exit_code}.",
                "\n".join((*step.output, *step.notes)[-6:]) or "It printed nothing.",
                self.places.root,
            )
        return step, ended

    def _words(self, command: str) -> list[str]:
        program, *others = shlex.split(command)
        if program != "assay":
            return [program, *others]
        # In colour as on the reader's terminal, though its output comes through here.
        color = ["--color", "always"] if self.page.is_colored else []
        # -P: a folder of the data must not be able to stand in for a module.
        return [sys.executable, "-P", "-m", "assay", *color, *others]


def _lines(printed: str) -> tuple[str, ...]:
    return tuple(line for line in printed.splitlines() if line.strip())


def _excerpt(lines: tuple[str, ...], first: int, last: int, more: str) -> list[str]:
    """The first and the last lines, and how many were left out between them."""
    if not last:
        return list(lines[:first])
    left_out = len(lines) - first - last
    if left_out <= 1:
        return list(lines)
    return [*lines[:first], f"{more} {left_out} lines {more}", *lines[-last:]]


def _failed(what: str, why: str, folder: Path) -> StageFailed:
    return StageFailed(
        "demo-step-failed",
        what,
        why=why,
        fix=f"Everything is as it was then, in {folder}.",
        paths=(str(folder),),
    )
