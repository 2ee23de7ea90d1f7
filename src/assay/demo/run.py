"""One run of the demo from its first chapter to its closing table."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from assay.demo.console import Console
from assay.demo.folder import fresh_folder
from assay.demo.page import Page
from assay.demo.report import Chapter, Report
from assay.errors import ExtraMissing, NotFound

_ENDINGS = ("SIGTERM", "SIGHUP")


def run_demo(console: Console, folder: str | None = None) -> Report:
    """Tell every chapter in ``folder`` (default: a new temporary one, which is kept).

    Raises ExtraMissing ``extra-missing`` without hassil, NotFound ``git-missing`` without Git,
    StageFailed ``demo-step-failed`` when a command ends otherwise than it should, Bug
    ``demo-check-failed`` when a claim is not so, and what the folder may be refused for.
    """
    require_extra()
    _require_git()
    from assay.demo.chapters import CHAPTERS
    from assay.demo.story import Places, Story
    from assay.demo.wheels import store_folder

    with fresh_folder(folder) as root:
        report = Report(folder=root)
        page = Page(console, folder=str(root))
        story = Story(Places(root=root), page, report, wheels_folder=store_folder(os.environ))
        page.title("assay demo", "from a real data set to a traced prediction", f"in {root}")
        started = time.perf_counter()
        with _interruptible():
            try:
                for tell in CHAPTERS:
                    tell(story)
            except KeyboardInterrupt:
                if report.steps:
                    page.conclusion(f"Interrupted. What was made so far is in {root}.")
                raise
        report.seconds = time.perf_counter() - started
    _close(page, report)
    return report


def require_extra() -> None:
    """Raise ExtraMissing unless what expands the templates is installed."""
    if find_spec("hassil") is None:
        raise ExtraMissing(
            "extra-missing",
            "The demo needs hassil, which is not installed.",
            why="It expands the data's sentence templates; nothing else in assay needs it.",
            fix="pip install 'assay[demo]'",
        )


def _require_git() -> None:
    if shutil.which("git") is None:
        raise NotFound("git-missing", "Git is not installed, or not on PATH.", fix="Install Git.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let whatever asks this process to end interrupt it, so that it ends what it started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
    # Under `nohup` the terminal's end is not meant for us: leave it so.
    ours = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close(page: Page, report: Report) -> None:
    page.closing("What it took")
    page.bars([_row(number, chapter) for number, chapter in enumerate(report.chapters, start=1)])
    page.blank()
    page.conclusion(f"{report.check_count} claims were checked, and all of them hold.", good=True)
    page.conclusion(f"It took {report.seconds:.1f} s: {_shares(report)}.")
    page.conclusion(f"Everything is in {report.folder}, to look around in:")
    page.conclusion(f"  cd {shlex.quote(str(report.folder / 'intents'))} && assay release list")
    page.conclusion("A browser shows the traced answer: production/trace.html.")


def _row(number: int, chapter: Chapter) -> tuple[str, float, str]:
    """A chapter's line in the closing table."""
    commands = sum(bool(step.program) for step in chapter.steps)
    done = [_counted(commands, "command"), _counted(len(chapter.checks), "check")]
    return f"{number:2}  {chapter.name}", chapter.seconds, ", ".join(filter(None, done))


def _shares(report: Report) -> str:
    """What the time went to."""
    kinds = {
        "assay": [step for step in report.steps if step.program == "assay"],
        "the nightly job": [step for step in report.steps if step.program == "python"],
        "git": [step for step in report.steps if step.program == "git"],
        "making the data": [step for step in report.steps if not step.program],
    }
    return ", ".join(
        f"{name} {sum(step.seconds for step in steps):.1f} s" for name, steps in kinds.items()
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}" if count else ""
