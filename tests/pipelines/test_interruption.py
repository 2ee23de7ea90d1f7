"""Runs that are cut short: the next `repro` completes, and nothing keeps running."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.pipelines.shell import Shell, run_command
from projects import Project

PIPELINE = """\
stages:
  first:
    cmd: echo 1 > first.txt
    outs: [first.txt]
  slow:
    cmd: >-
      echo $$ > ../pid; echo half > slow.txt;
      if [ -e ../wait ]; then sleep 30; fi; echo whole > slow.txt
    deps: [first.txt]
    outs: [slow.txt]
"""


def start(project: Project) -> subprocess.Popen[bytes]:
    (project.root.parent / "wait").touch()
    project.write({"assay.yaml": PIPELINE})
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "repro"],
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (project.root / "slow.txt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def stage_is_running(root: Path) -> bool:
    """Whether the stage's command lives."""
    return is_running(int((root.parent / "pid").read_text()))


def is_running(pid: int) -> bool:
    """Whether a process lives; one that only waits to be reaped by init does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    return state != "Z"


def stage_ends(root: Path) -> bool:
    """Whether the stage's command is gone within the time a kill needs to be delivered."""
    deadline = time.monotonic() + 10
    while stage_is_running(root):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reaches_the_stage(project: Project, number: signal.Signals) -> None:
    process = start(project)
    process.send_signal(number)
    assert process.wait(30) == 130
    assert stage_ends(project.root)
    assert "  first:" in project.read("assay.lock").decode()
    assert "slow" not in project.read("assay.lock").decode()
    newest = project.assay("runs", "list", "--json").json()[0]
    assert (newest["stage"], newest["outcome"]) == ("slow", "interrupted")


def test_an_interrupt_while_a_command_is_being_started_leaves_none_running(tmp_path: Path) -> None:
    chance = random.Random(1)
    mine = tmp_path / "pid"
    before = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for _ in range(100):
            mine.write_text("")
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.006))
            with pytest.raises(KeyboardInterrupt):
                run_command(
                    Shell(environ=dict(os.environ)),
                    f"echo $$ > '{mine}'; exec sleep 30",
                    cwd=os.fsencode(tmp_path),
                    sinks=(),
                )
            time.sleep(0.02)  # for a command that nobody knows of to say who it is
            assert not mine.read_text() or not is_running(int(mine.read_text()))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_after_a_kill_the_next_repro_completes(project: Project) -> None:
    process = start(project)
    process.kill()
    process.wait(30)
    assert stage_is_running(project.root)  # nobody could tell it
    os.killpg(int((project.root.parent / "pid").read_text()), signal.SIGKILL)
    (project.root.parent / "wait").unlink()
    project.assay("repro")
    assert project.read("slow.txt") == b"whole\n"
    assert project.assay("status", "--json").json() == {}
    assert project.assay("trash", "list", "--json").json() == []


def test_a_stage_left_behind_by_a_kill_is_waited_for(project: Project) -> None:
    process = start(project)
    process.kill()
    process.wait(30)
    (project.root.parent / "wait").unlink()
    second = subprocess.Popen(
        [sys.executable, "-m", "assay", "repro"], cwd=project.root, stderr=subprocess.PIPE
    )
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1.5)
    os.killpg(int((project.root.parent / "pid").read_text()), signal.SIGKILL)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0
    assert b"waiting for another assay command" in said


def test_a_server_that_a_stage_leaves_running_holds_nobody_up(project: Project) -> None:
    project.write(
        {
            "assay.yaml": "stages:\n  a:\n    cmd: sleep 20 & echo $! > ../server; echo 1 > x\n"
            "    outs: [x]\n"
        }
    )
    began = time.monotonic()
    project.assay("repro")
    project.assay("repro", "-f")
    assert time.monotonic() - began < 15


def test_repro_inside_a_stage_is_refused(project: Project) -> None:
    project.write({"assay.yaml": f"stages:\n  a:\n    cmd: {sys.executable} -m assay repro\n"})
    outcome = project.assay("repro", exit_code=8)
    assert "repro-nested" in outcome.stdout
