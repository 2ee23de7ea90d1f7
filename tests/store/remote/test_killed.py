"""A push or fetch that is killed at any moment leaves nothing wrong, and the next one ends it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.store.cache import Cache
from assay.store.objectstore.local import UNFINISHED
from assay.store.remote.resolve import open_remote
from remote_caches import BLOB, add_large, blobs, contents, kinds, make_cache

_PROGRAM = """
import json, sys
from assay.store.cache import Cache
from assay.store.packs import PackWriter
from assay.store.remote.resolve import open_remote
from assay.store.remote.packed import fetch, stream
# Small packs, published at once, so that there is something to be killed between.
stream.PACK_TARGET_BYTES = 1 << 16
fetch._PUBLISH_EVERY_SECONDS = 0
verb, layout, remote, state, cache, wanted = sys.argv[1:]
wanted = {bytes.fromhex(digest): 0 for digest in json.load(open(wanted))}
remote = open_remote(remote, layout=layout, state_dir=state)
print("ready", flush=True)
if verb == "push":
    remote.push(Cache(cache), wanted, roots=list(wanted)[:1], jobs=2)
else:
    remote.fetch(Cache(cache), wanted, jobs=2)
"""


class Bench:
    """A cache with several packs and large objects, and a program that shares it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        groups = [blobs(300, seed=n, size=700) for n in range(4)]
        self.cache = make_cache(folder / "source", *groups)
        self.wanted = kinds(*groups)
        # Every third object, so that packs are made anew and not only copied.
        self.wanted = dict(list(self.wanted.items())[::3]) | kinds(groups[0])
        self.wanted |= {add_large(self.cache, 400_000, seed=n): BLOB for n in range(4)}
        self.list = folder / "wanted.json"
        self.list.write_text(json.dumps([digest.hex() for digest in self.wanted]))
        self.truth = contents(self.cache, self.wanted)

    def start(self, verb: str, layout: str, remote: Path, cache: Path) -> subprocess.Popen[str]:
        words = [verb, layout, str(remote), str(remote) + "-state", str(cache), str(self.list)]
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *words],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def kill(self, process: subprocess.Popen[str], after_seconds: float) -> bool:
        """Kill the program and its workers; whether it was still at work."""
        time.sleep(after_seconds)
        was_running = process.poll() is None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            was_running = False
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        return was_running


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def kill_pushes(bench: Bench, layout: str, folder: Path, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    # As long as a whole push takes here and now.
    began = time.monotonic()
    with bench.start("push", layout, folder / "whole", Path(bench.cache.root)) as process:
        assert process.wait() == 0
    whole = time.monotonic() - began
    for run in range(runs):
        remote_path = folder / f"remote{run}"
        for _ in range(chance.randint(1, 3)):
            process = bench.start("push", layout, remote_path, Path(bench.cache.root))
            bench.kill(process, chance.uniform(0, whole))
            assert_nothing_wrong(bench, layout, remote_path, folder / f"reader{run}")
        remote = open_remote(str(remote_path), layout=layout)
        remote.push(bench.cache, bench.wanted, roots=[])
        assert remote.missing(set(bench.wanted)) == set()
        reader = Cache(str(folder / f"last{run}"))
        assert remote.fetch(reader, bench.wanted).fetched == len(bench.wanted)
        assert contents(reader, bench.wanted) == bench.truth


def assert_nothing_wrong(bench: Bench, layout: str, remote_path: Path, reader: Path) -> None:
    """All that can be found in the remote can be read, and is right."""
    if not remote_path.exists():
        return
    remote = open_remote(str(remote_path), layout=layout)
    report = remote.verify()
    assert (report.damaged, report.missing, report.invalid) == ({}, set(), [])
    there = bench.wanted.keys() - remote.missing(set(bench.wanted))
    fetched = remote.fetch(Cache(str(reader)), dict.fromkeys(there, BLOB))
    assert (fetched.missing, fetched.damaged) == (set(), {})


@pytest.mark.parametrize("layout", ["packed", "plain"])
def test_a_killed_push_is_ended_by_the_next(bench: Bench, layout: str, tmp_path: Path) -> None:
    kill_pushes(bench, layout, tmp_path, runs=10, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["packed", "plain"])
def test_a_push_can_be_killed_at_any_moment(bench: Bench, layout: str, tmp_path: Path) -> None:
    kill_pushes(bench, layout, tmp_path, runs=100, seed=2)


def kill_fetches(bench: Bench, layout: str, folder: Path, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    remote_path = folder / "remote"
    remote = open_remote(str(remote_path), layout=layout)
    remote.push(bench.cache, bench.wanted, roots=[])
    for run in range(runs):
        place = folder / f"target{run}"
        for _ in range(chance.randint(1, 3)):
            bench.kill(bench.start("fetch", layout, remote_path, place), chance.uniform(0, 0.15))
            cache = Cache(str(place))
            there = bench.wanted.keys() - cache.missing(bench.wanted)
            assert contents(cache, dict.fromkeys(there, BLOB)) == {
                digest: bench.truth[digest] for digest in there
            }
        cache = Cache(str(place))
        before = len(cache.missing(bench.wanted))
        assert remote.fetch(cache, bench.wanted).fetched == before
        assert contents(cache, bench.wanted) == bench.truth
        assert os.listdir(cache.tmp_folder) == []


@pytest.mark.parametrize("layout", ["packed", "plain"])
def test_a_killed_fetch_is_ended_by_the_next(bench: Bench, layout: str, tmp_path: Path) -> None:
    kill_fetches(bench, layout, tmp_path, runs=10, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["packed", "plain"])
def test_a_fetch_can_be_killed_at_any_moment(bench: Bench, layout: str, tmp_path: Path) -> None:
    kill_fetches(bench, layout, tmp_path, runs=100, seed=4)


def test_what_killed_pushes_left_can_be_collected(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "remote"
    for at in range(5):
        process = bench.start("push", "packed", place, Path(bench.cache.root))
        bench.kill(process, at * 0.02)
    remote = open_remote(str(place))
    remote.push(bench.cache, bench.wanted, roots=[])
    left = place / UNFINISHED
    old = time.time_ns() - 60 * 24 * 3600 * 10**9
    for name in os.listdir(left):
        os.utime(left / name, ns=(old, old))
    remote.collect(bench.wanted, dry_run=False)  # type: ignore[attr-defined]
    assert os.listdir(left) == []
    assert remote.missing(set(bench.wanted)) == set()
