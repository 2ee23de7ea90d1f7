"""One run of the demo from its first chapter to its closing table."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from assay.demo.console import Console
from assay.demo.page import Page
from assay.demo.report import Report, Step
from assay.errors import Conflict, ExtraMissing


def run_demo(console: Console, folder: str | None = None) -> Report:
    """Tell every chapter in ``folder`` (default: a new temporary one, which is kept).

    Raises ExtraMissing ``extra-missing`` without hassil, Conflict ``demo-folder-in-use`` when
    the folder holds anything, StageFailed ``demo-step-failed`` when a command ends otherwise
    than it should, and Bug ``demo-check-failed`` when a claim is not so.
    """
    require_extra()
    from assay.demo.chapters import CHAPTERS
    from assay.demo.story import Places, Story
    from assay.demo.wheels import store_folder

    root = _fresh_folder(folder)
    report = Report(folder=root)
    page = Page(console, folder=str(root))
    story = Story(Places(root=root), page, report, wheels_folder=store_folder(os.environ))
    page.title("assay demo", "a real data set, versioned from end to end", f"in {root}")
    started = time.perf_counter()
    try:
        for tell in CHAPTERS:
            tell(story)
    finally:
        with suppress(OSError):  # leave no empty folder where nothing could begin
            root.rmdir()
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


def _fresh_folder(wanted: str | None) -> Path:
    if wanted is None:
        return Path(os.path.realpath(tempfile.mkdtemp(prefix="assay-demo-")))
    root = Path(os.path.realpath(wanted))
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Conflict(
            "demo-folder-in-use",
            f"{wanted} is not an empty folder.",
            why="The demo wants a fresh one, so that it cannot touch anything of yours.",
            fix="Name a folder that does not exist, or none at all for a temporary one.",
            paths=(wanted,),
        )
    root.mkdir(parents=True, exist_ok=True)
    return root


def _close(page: Page, report: Report) -> None:
    steps = report.steps
    commands = [step for step in steps if step.program == "assay"]
    page.closing("What it took")
    page.bars([(step.text, step.seconds, step.output[-1:]) for step in commands])
    page.blank()
    others = {
        "git": [step for step in steps if step.program == "git"],
        "making the data": [step for step in steps if not step.program],
    }
    shares = [
        f"assay {_total(commands)}",
        *(f"{name} {_total(own)}" for name, own in others.items()),
    ]
    page.conclusion(f"{report.check_count} claims were checked, and all of them hold.", good=True)
    page.conclusion(f"It took {report.seconds:.1f} s: {', '.join(shares)}.")
    page.conclusion(f"Everything is in {report.folder}, to look around in:")
    page.conclusion(f"  cd {report.folder / 'intents'} && git log --oneline && assay status")


def _total(steps: Sequence[Step]) -> str:
    return f"{sum(step.seconds for step in steps):.1f} s"
