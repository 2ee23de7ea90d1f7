"""Locks: shared by readers, alone for a writer, and gone with the process that held them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core.progress import Silent, Task
from assay.errors import Temporary
from assay.store.locks import locked, tried_lock

HOLD = """
import sys
from assay.store.locks import locked
with locked(sys.argv[1], shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


class Notes(Silent):
    """Collects what would be said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)

    def task(self, label: str, *, items: int | None = None, size_bytes: int | None = None) -> Task:
        return super().task(label)


def holder(path: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_readers_share_and_a_writer_waits_with_a_message_until_told_to_stop(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    other = holder(lock, "shared")
    notes = Notes()
    try:
        with locked(str(lock), shared=True, timeout_seconds=0, progress=notes):
            pass
        assert not notes.said
        with (
            pytest.raises(Temporary) as caught,
            locked(str(lock), timeout_seconds=0.2, what="the cache", progress=notes),
        ):
            pytest.fail("two held it")
        assert caught.value.code == "locked"
        assert len(notes.said) == 1
        assert "the cache" in notes.said[0]
    finally:
        end(other)


def test_a_writer_excludes_readers(tmp_path: Path) -> None:
    other = holder(tmp_path / "lock", "alone")
    try:
        with (
            pytest.raises(Temporary),
            locked(str(tmp_path / "lock"), shared=True, timeout_seconds=0),
        ):
            pytest.fail("two held it")
    finally:
        end(other)


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    other = holder(tmp_path / "lock", "alone")
    os.kill(other.pid, signal.SIGKILL)
    with locked(str(tmp_path / "lock"), timeout_seconds=30):
        pass
    end(other)


def test_waiting_ends_when_the_other_is_done(tmp_path: Path) -> None:
    other = holder(tmp_path / "lock", "alone")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            end(other)

    with locked(str(tmp_path / "lock"), sleep=sleep):
        assert len(slept) >= 3


def test_trying_tells_whether_one_is_alone_and_never_waits(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with tried_lock(str(lock)) as is_alone:
        assert is_alone
    other = holder(lock, "shared")
    with tried_lock(str(lock)) as is_alone:
        assert not is_alone
    end(other)


def test_an_error_inside_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(str(tmp_path / "lock")):
        raise ZeroDivisionError
    with tried_lock(str(tmp_path / "lock")) as is_alone:
        assert is_alone
