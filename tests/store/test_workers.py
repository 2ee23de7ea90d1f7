"""Worker processes: every batch is answered once, every fault is heard of, nobody is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError, Bug, Conflict, Temporary
from assay.store.hashing import hash_large
from assay.store.workers import run_batches, worker_count
from store_folders import blob


class Squares:
    """Answers a number with its square; told otherwise, it fails in one way or another."""

    def __init__(self, fault: str = "", folder: str = "") -> None:
        self.sum = 0
        self.folder = folder
        if fault == "at the start":
            raise Conflict("locked-out", "no entry")
        self.fault = fault

    def run(self, batch: Any) -> Any:
        if self.fault == "ours" and batch == 7:
            raise Conflict("seven", "7 is refused", why="w", fix="f", paths=("p",))
        if self.fault == "system" and batch == 7:
            raise PermissionError(13, "denied", "somewhere")
        if self.fault == "unexpected" and batch == 7:
            raise ZeroDivisionError("by seven")
        if self.fault == "killed" and batch == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "large":
            return bytes(batch) * 1_000_000
        if self.fault == "slow":
            Path(self.folder, str(os.getpid())).touch()
            time.sleep(0.05)
        self.sum += batch
        return batch * batch

    def finish(self) -> Any:
        return self.sum

    def abandon(self) -> None:
        if self.folder:
            Path(self.folder, f"abandoned-{os.getpid()}").touch()


def run(workers: int, batches: Any = range(20), *arguments: Any) -> list[tuple[Any, Any]]:
    return list(run_batches(Squares, arguments, batches, workers=workers))


BOTH = pytest.mark.parametrize("workers", [1, 3])


@BOTH
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_every_batch_is_answered_once_and_every_worker_has_a_last_word(
    workers: int, count: int
) -> None:
    results = run(workers, range(count))
    answers = [(batch, result) for batch, result in results if batch is not None]
    assert sorted(answers) == [(n, n * n) for n in range(count)]
    last = [result for batch, result in results if batch is None]
    assert len(last) == workers
    assert sum(last) == sum(range(count))


@BOTH
def test_an_error_of_ours_arrives_whole(workers: int) -> None:
    with pytest.raises(Conflict) as caught:
        run(workers, range(50), "ours")
    assert caught.value.as_dict() | {"exit_code": 4} == {
        "code": "seven",
        "what": "7 is refused",
        "why": "w",
        "fix": "f",
        "paths": ["p"],
        "exit_code": 4,
    }


@BOTH
def test_an_answer_of_the_system_arrives_as_it_was(workers: int) -> None:
    with pytest.raises(PermissionError) as caught:
        run(workers, range(50), "system")
    assert (caught.value.errno, caught.value.filename) == (13, "somewhere")


def test_an_unexpected_fault_in_a_worker_is_a_bug_that_shows_where() -> None:
    with pytest.raises(Bug) as caught:
        run(3, range(50), "unexpected")
    assert caught.value.code == "worker-failed"
    assert "ZeroDivisionError: by seven" in caught.value.why


@BOTH
@pytest.mark.parametrize("attempt", range(5))
def test_an_error_at_the_start_is_told_and_not_taken_for_a_death(
    workers: int, attempt: int
) -> None:
    with pytest.raises(Conflict) as caught:
        run(workers, range(50), "at the start")
    assert caught.value.code == "locked-out"


def test_a_killed_worker_is_something_to_try_again() -> None:
    with pytest.raises(Temporary) as caught:
        run(3, range(50), "killed")
    assert caught.value.code == "worker-died"


@pytest.mark.timeout(60)
def test_large_batches_and_large_answers_never_wait_for_each_other() -> None:
    batches = [b"x" * 900_000] * 12

    class Echo(Squares):
        def run(self, batch: Any) -> Any:
            return batch + batch

        def finish(self) -> Any:
            return None

    results = list(run_batches(Echo, (), batches, workers=2))
    assert [len(result) for batch, result in results if batch] == [1_800_000] * 12


def test_batches_are_asked_for_as_they_are_needed() -> None:
    asked = 0

    def batches() -> Iterator[int]:
        nonlocal asked
        for n in range(1000):
            asked += 1
            yield n

    results = run_batches(Squares, (), batches(), workers=2)
    next(results)
    assert asked <= 6
    results.close()


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_no_worker_outlives_a_caller_that_stops_early(tmp_path: Path) -> None:
    results = run_batches(Squares, ("slow", str(tmp_path)), range(100), workers=3)
    next(results)
    results.close()
    pids = [int(name) for name in os.listdir(tmp_path) if name.isdigit()]
    assert pids
    assert all(gone(pid, 0.5) for pid in pids)
    assert sorted(f"abandoned-{pid}" for pid in pids) == sorted(
        name for name in os.listdir(tmp_path) if not name.isdigit()
    )


SCRIPT = """
import os, sys, time
from pathlib import Path
from assay.store.workers import run_batches

class Slow:
    def run(self, batch):
        Path(sys.argv[1], str(os.getpid())).touch()
        time.sleep(0.05)
    def finish(self): pass
    def abandon(self): pass

for _ in run_batches(Slow, (), range(100000), workers=3):
    print("one", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_a_killed_parent(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout is not None
        for _ in range(5):
            assert parent.stdout.readline() == b"one\n"
        parent.send_signal(number)
        parent.wait(20)
    pids = [int(name) for name in os.listdir(tmp_path) if name.isdigit()]
    assert len(pids) == 3
    assert all(gone(pid) for pid in pids)


class Hashes(Squares):
    def run(self, batch: Any) -> Any:
        fd = os.open(batch, os.O_RDONLY)
        try:
            return hash_large(fd)
        finally:
            os.close(fd)


@pytest.mark.timeout(60)
def test_workers_hash_large_files_after_their_parent_did(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(9 << 20))
    expected = blob(path.read_bytes())
    with path.open("rb") as file:
        assert hash_large(file.fileno()) == expected
    results = list(run_batches(Hashes, (), [str(path)] * 4, workers=2))
    assert [result for batch, result in results if batch] == [expected] * 4


def test_errors_keep_their_class_on_the_way() -> None:
    import pickle

    for kind in AssayError.__subclasses__():
        error = kind("code", "what", why="why", fix="fix", paths=("a", "b"))
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert again.as_dict() == error.as_dict()


@pytest.mark.parametrize(
    ("items", "size", "jobs", "expected"),
    [
        (10, 10, 8, 1),
        (1999, 1 << 20, 8, 1),
        (100_000, 1 << 30, 4, 4),
        (100_000, 1 << 30, 64, 16),
        (2000, 1 << 20, 8, 4),
        (3, 1 << 40, 8, 1),
        (100_000, 1, 1, 1),
    ],
)
def test_few_files_are_done_here_and_many_by_as_many_processes_as_pay_off(
    items: int, size: int, jobs: int, expected: int
) -> None:
    assert worker_count(items, size, jobs) == expected
