"""One program of the story, run to its end: what it printed, and nothing of it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a program."""

    exit_code: int
    stdout: str
    stderr: str


class TooSlow(Exception):
    """A program that took longer than it may, and was ended."""


def run_program(
    words: Sequence[str], *, at: Path, environ: Mapping[str, str], timeout_seconds: float
) -> Ended:
    """Run a program without a terminal; raises :class:`TooSlow` after ending it.

    It has a process group of its own, so that Ctrl-C comes to it from here, once, and it is
    waited for: a pipeline that is being interrupted must end its stages before it goes.
    """
    process = subprocess.Popen(
        words,
        cwd=at,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        process_group=0 if sys.platform != "win32" else None,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout_seconds)
    except BaseException as error:
        _end(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise TooSlow from None
        raise
    return Ended(exit_code=process.returncode, stdout=stdout, stderr=stderr)


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt a program as Ctrl-C would, wait, then make it."""
    _signal(process, signal.SIGINT)
    try:
        process.communicate(timeout=_GRACE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.communicate()


def _signal(process: subprocess.Popen[str], number: int) -> None:
    try:
        if sys.platform == "win32":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
