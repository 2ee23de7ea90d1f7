"""Killed at any moment: what is seen is whole, what was promised is there, the rest is swept."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.core.manifest import Entry
from assay.store.cache import Cache
from assay.store.locks import tried_lock
from assay.store.walk import SCRATCH_PREFIX, stat_row
from store_folders import (
    blob,
    check_everything,
    contents,
    entries_of,
    lay,
    some_files,
    take_in,
    write_out,
)

HELPERS = str(Path(__file__).parent.parent)
PRELUDE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from store_folders import *
cache = Cache(sys.argv[2])
print("ready", flush=True)
"""

INGEST = (
    PRELUDE
    + """
take_in(cache, Path(sys.argv[3]), jobs=int(sys.argv[4]), link_types=(sys.argv[5],))
print("done", flush=True)
"""
)

PUT = (
    PRELUDE
    + """
for n in range(10_000):
    data = [b"%s %d %d" % (sys.argv[3].encode(), n, k) for k in range(3)]
    store(cache, *data)
    print(n, flush=True)
"""
)

RESTORE = (
    PRELUDE
    + """
import pickle
entries, replaces = pickle.loads(sys.stdin.buffer.read())
write_out(cache, Path(sys.argv[3]), entries, replaces=replaces, link_types=(sys.argv[4],))
print("done", flush=True)
"""
)


def killed(
    script: str, *arguments: str, after_seconds: float, given: bytes = b""
) -> tuple[bytes, float]:
    """Run a script and kill it some time after it is ready: (its output, how long it ran)."""
    with subprocess.Popen(
        [sys.executable, "-c", script, HELPERS, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(given)
        child.stdin.close()
        assert child.stdout.readline() == b"ready\n"
        started = time.monotonic()
        try:
            child.wait(after_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
        ran = time.monotonic() - started
        return child.stdout.read(), ran


def wait_for_workers(cache: Cache) -> None:
    """Workers hold their parent's lock until they notice that it is gone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with tried_lock(os.path.join(cache.root, "lock")) as is_alone:
            if is_alone:
                return
        time.sleep(0.01)
    pytest.fail("a worker outlived its parent")


def moments(runs: int, seed: int, longest: float) -> list[float]:
    """Random moments, most of them early, where the interesting things happen."""
    chance = random.Random(seed)
    return [longest * chance.random() ** 1.5 for _ in range(runs)]


def ingest_until_killed(tmp_path: Path, runs: int, count: int, jobs: int, kind: str) -> None:
    files = some_files(count, largest=2500) | {
        b"big%d" % n: random.Random(n).randbytes(700_000 * n) for n in range(1, 4)
    }
    work = lay(tmp_path / "work", files)
    cache = Cache(str(tmp_path / "cache"))
    cache.ensure()
    expected = {blob(data) for data in files.values()}
    longest, finished = 0.5, 0
    for n, moment in enumerate(moments(runs, seed=count, longest=1.0)):
        said, ran = killed(
            INGEST, cache.root, str(work), str(jobs), kind, after_seconds=moment * longest
        )
        wait_for_workers(cache)
        assert contents(work) == files
        found = check_everything(Path(cache.root))
        assert found <= expected
        if said:
            assert found == expected
            finished += 1
            longest = max(0.02, ran)
            cache = Cache(str(tmp_path / f"cache{n}"))
            cache.ensure()
    assert finished < runs, "nothing was ever interrupted"
    with cache.writing():
        assert not os.listdir(cache.tmp_folder), "the next writer sweeps what was left"
    take_in(Cache(cache.root), work, link_types=(kind,))
    assert check_everything(Path(cache.root)) == expected


@pytest.mark.parametrize(("kind", "runs"), [("copy", 20), ("hardlink", 10)])
def test_an_add_killed_at_any_moment_shows_nothing_wrong(
    tmp_path: Path, kind: str, runs: int
) -> None:
    ingest_until_killed(tmp_path, runs, 120, 1, kind)


@pytest.mark.slow
def test_an_add_with_several_workers_killed_at_any_moment_shows_nothing_wrong(
    tmp_path: Path,
) -> None:
    ingest_until_killed(tmp_path, 25, 2100, 2, "copy")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink"])
def test_an_add_killed_at_hundreds_of_moments_shows_nothing_wrong(
    tmp_path: Path, kind: str
) -> None:
    ingest_until_killed(tmp_path, 120, 150, 1, kind)


def put_until_killed(tmp_path: Path, runs: int) -> None:
    cache = Cache(str(tmp_path / "cache"))
    cache.ensure()
    promised: set[bytes] = set()
    for n, moment in enumerate(moments(runs, seed=runs, longest=0.25)):
        said, _ = killed(PUT, cache.root, f"run{n}", after_seconds=moment)
        for line in said.splitlines():
            promised |= {blob(b"run%d %s %d" % (n, line, k)) for k in range(3)}
        assert promised <= check_everything(Path(cache.root)), "what was promised is gone"
        assert len(os.listdir(cache.index_folder)) < 24, "segments pile up"
    assert len(promised) > runs
    with cache.writing():
        assert not os.listdir(cache.tmp_folder)


def test_a_writer_killed_while_it_publishes_and_merges_loses_nothing_it_promised(
    tmp_path: Path,
) -> None:
    put_until_killed(tmp_path, 12)


@pytest.mark.slow
def test_a_writer_killed_at_a_hundred_moments_loses_nothing_it_promised(tmp_path: Path) -> None:
    put_until_killed(tmp_path, 100)


def restore_until_killed(tmp_path: Path, runs: int, kind: str) -> None:
    import pickle

    old = {b"d%d/n%03d" % (n % 5, n): b"old %d" % n * 50 for n in range(150)}
    new = {path: data.replace(b"old", b"new!") for path, data in old.items()}
    new |= {b"only/new": b"x" * 900_000, b"run": b"#!" * 200_000}
    lay(tmp_path / "source", new)
    cache = Cache(str(tmp_path / "cache"))
    take_in(cache, tmp_path / "source", link_types=("copy",))
    entries = entries_of(new)
    longest, finished = 0.3, 0
    for n, moment in enumerate(moments(runs, seed=7, longest=1.0)):
        work = lay(tmp_path / f"work{n}", old)
        rows: dict[bytes, tuple[int, ...]] = {
            path: stat_row(os.stat(os.path.join(os.fsencode(work), path))) for path in old
        }
        said, ran = killed(
            RESTORE,
            cache.root,
            str(work),
            kind,
            after_seconds=moment * longest,
            given=pickle.dumps((entries, rows)),
        )
        if said:
            finished += 1
            longest = max(0.02, ran)
        found = {
            path: data
            for path, data in contents(work).items()
            if SCRATCH_PREFIX.encode() not in path
        }
        assert old.keys() <= found.keys(), "a file was lost"
        for path, data in found.items():
            assert data in (old.get(path), new[path]), "a file is neither old nor new"
        finish(Cache(cache.root), work, entries, kind)
    assert finished < runs, "nothing was ever interrupted"
    check_everything(Path(cache.root))


def finish(cache: Cache, work: Path, entries: list[Entry], kind: str) -> None:
    rows = {}
    for entry in entries:
        path = os.path.join(os.fsencode(work), entry.path)
        if os.path.exists(path):
            rows[entry.path] = stat_row(os.stat(path))
    assert write_out(cache, work, entries, replaces=rows, link_types=(kind,)) == {}
    for entry in entries:
        with open(os.path.join(os.fsencode(work), entry.path), "rb") as file:
            assert blob(file.read()) == entry.digest


@pytest.mark.parametrize(("kind", "runs"), [("copy", 15), ("symlink", 4)])
def test_a_checkout_killed_at_any_moment_leaves_every_file_old_or_new(
    tmp_path: Path, kind: str, runs: int
) -> None:
    restore_until_killed(tmp_path, runs, kind)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["copy", "hardlink"])
def test_a_checkout_killed_at_a_hundred_moments_leaves_every_file_old_or_new(
    tmp_path: Path, kind: str
) -> None:
    restore_until_killed(tmp_path, 100, kind)
