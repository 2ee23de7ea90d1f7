"""Runs one command and says what it took: wall, CPU, memory, bytes written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.model import CommandSample

# Walking a process tree costs about 0.1 ms a process, so this stays near 1 % of one core.
SAMPLE_SECONDS = 0.02
PAGE_BYTES = resource.getpagesize()
# ru_maxrss is in KiB on Linux and in bytes on macOS; ru_oublock counts 512-byte blocks.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, and where."""

    argv: tuple[str, ...]
    cwd: Path


class CommandFailed(Exception):
    """A command ended with a non-zero status or overran its time; the text says which."""


def measure(
    command: Command, *, environment: Mapping[str, str], log: Path, timeout_seconds: float
) -> CommandSample:
    """Run ``command`` in a process group of its own, its output going to ``log``."""
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _Watch(process.pid, timeout_seconds) as watch:
            status, usage = _wait(process.pid)
        wall = time.perf_counter() - started
    # Popen must not wait for the process again: its id may belong to somebody else by now.
    process.returncode = os.waitstatus_to_exitcode(status)
    if watch.is_overdue:
        raise CommandFailed(f"{_shown(command.argv)}: not done after {timeout_seconds:g} s")
    if process.returncode != 0:
        raise CommandFailed(_failure(command.argv, process.returncode, log))
    return CommandSample(
        argv=command.argv,
        wall_seconds=wall,
        user_seconds=usage.ru_utime,
        system_seconds=usage.ru_stime,
        peak_process_bytes=usage.ru_maxrss * MAXRSS_UNIT,
        peak_sum_bytes=watch.peak_bytes,
        written_bytes=usage.ru_oublock * BLOCK_BYTES,
    )


def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    try:
        _, status, usage = os.wait4(pid, 0)
    except BaseException:
        # An interrupt does not reach the command: it has a session of its own.
        os.killpg(pid, signal.SIGKILL)
        raise
    return status, usage


def _failure(argv: Sequence[str], code: int, log: Path) -> str:
    tail = log.read_bytes()[-2000:].decode(errors="replace").strip()
    return f"{_shown(argv)}: ended with {code}: {tail}"


def _shown(argv: Sequence[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:]])


class _Watch:
    """Samples the memory of a process tree, and ends it when it overruns its time."""

    def __init__(self, pid: int, timeout_seconds: float) -> None:
        self.peak_bytes: int | None = None
        self.is_overdue = False
        self._pid = pid
        self._deadline = time.monotonic() + timeout_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        # The first look comes soon, so that a command of 20 ms is seen at all.
        wait = SAMPLE_SECONDS / 4
        last: int | None = None
        while not self._done.wait(wait):
            wait = SAMPLE_SECONDS
            total = tree_resident_bytes(self._pid)
            if total is not None:
                # Until it starts its program, a forked child shows its parent's memory as its
                # own. So only what two looks in a row have seen counts.
                lasting = total if last is None else min(total, last)
                self.peak_bytes = max(lasting, self.peak_bytes or 0)
            last = total
            if time.monotonic() > self._deadline:
                self.is_overdue = True
                os.killpg(self._pid, signal.SIGKILL)
                return


def tree_resident_bytes(pid: int) -> int | None:
    """Resident memory of ``pid`` and its descendants; None where ``/proc`` cannot tell."""
    total = 0
    seen = False
    pending = [pid]
    while pending:
        current = pending.pop()
        try:
            with open(f"/proc/{current}/statm", "rb", buffering=0) as statm:
                total += int(statm.read().split()[1]) * PAGE_BYTES
            pending.extend(_children(current))
            seen = True
        except (OSError, IndexError):
            # It ended between two looks.
            continue
    return total if seen else None


def _children(pid: int) -> list[int]:
    """A child is listed under the thread that forked it, so every thread is asked."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as children:
                found.extend(int(child) for child in children.read().split())
        except OSError:
            continue
    return found
