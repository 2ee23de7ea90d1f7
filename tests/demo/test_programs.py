"""A program of the story is run to its end; when it is cut short, nothing of it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.demo.programs import TooSlow, run_program

# Like a pipeline: a program that is asked to end, and only then ends what it has started.
PIPELINE = """
import subprocess, sys
stage = subprocess.Popen(["sleep", "60"], process_group=0)
print(stage.pid, flush=True)
open("started", "w").write(str(stage.pid))
try:
    stage.wait()
except KeyboardInterrupt:
    open("asked", "w").close()
    stage.terminate()
    stage.wait()
    sys.exit(130)
"""
STORY = """
import os, sys
from pathlib import Path
from assay.demo.programs import run_program
words = [sys.executable, "-c", sys.argv[1]]
run_program(words, at=Path("."), environ=os.environ, timeout_seconds=50)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_both_streams_and_the_exit_code_are_kept(tmp_path: Path) -> None:
    words = ["sh", "-c", "echo out; echo Küche >&2; exit 7"]
    ended = run_program(words, at=tmp_path, environ=os.environ, timeout_seconds=20)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (7, "out\n", "Küche\n")


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PIPELINE]
    with pytest.raises(TooSlow):
        run_program(words, at=tmp_path, environ=os.environ, timeout_seconds=1.5)
    assert (tmp_path / "asked").exists()
    assert not is_running(int((tmp_path / "started").read_text()))


def test_an_interrupt_leaves_nothing_running(tmp_path: Path) -> None:
    story = subprocess.Popen(
        [sys.executable, "-c", STORY, PIPELINE], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    started = tmp_path / "started"
    deadline = time.monotonic() + 40
    while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    story.send_signal(signal.SIGINT)
    story.wait(30)
    assert (tmp_path / "asked").exists()
    assert not is_running(int(started.read_text()))
