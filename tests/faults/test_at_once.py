"""Commands at the same time: each succeeds, none waits to read, nothing is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from blake3 import blake3

from assay.core.digest import ObjectKind
from assay.store.cache import Cache
from assay.store.locks import locked
from projects import LARGE, Project, clone, new_project

Command = tuple[Project, Sequence[str]]


def start(project: Project, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "assay", *words],
        cwd=project.root,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes], *, exit_code: int = 0) -> str:
    out, err = process.communicate(timeout=120)
    said = f"{process.args}\n{out.decode()}\n{err.decode()}"
    assert process.returncode == exit_code, said
    return err.decode()


def at_once(*commands: Command) -> None:
    """Run commands at the same time; all of them must succeed."""
    for process in [start(project, *words) for project, words in commands]:
        finish(process)


def test_two_adds_a_push_and_a_collection(project: Project, tmp_path: Path) -> None:
    chosen = random.Random(1)
    project.write({f"old/{n}": chosen.randbytes(2000) for n in range(200)})
    project.save("old", "old")
    for turn in range(3):
        files = {
            f"{top}{turn}/{n}": chosen.randbytes(chosen.choice([10, 3000, LARGE if n < 2 else 9]))
            for top in ("one", "two")
            for n in range(100)
        }
        project.write(files)
        at_once(
            (project, ["add", f"one{turn}"]),
            (project, ["add", f"two{turn}"]),
            (project, ["push"]),
            (project, ["gc", "--force"]),
            (project, ["status"]),
        )
        assert project.status() == {}
        report = project.assay("verify", "--json").json()
        assert report["clean"], report
    project.commit()
    project.assay("push")
    other = clone(project, tmp_path / "other")
    other.assay("pull")
    for top in ("old", "one0", "two0", "one2", "two2"):
        assert other.tree(top) == project.tree(top)


def test_projects_that_share_a_cache(tmp_path: Path) -> None:
    """One collects again and again (keeping the others' data), the others add and check out."""
    projects = [new_project(tmp_path / name) for name in ("a", "b", "c")]
    for project in projects:
        project.assay("config", "cache.dir", tmp_path / "cache")
        project.commit("shared")
    collector, *others = projects
    chosen = random.Random(2)
    keep = [word for other in others for word in ("--projects", str(other.root))]
    for turn in range(4):
        for other in others:
            other.write({f"data/{n}": chosen.randbytes(500) for n in range(60)})
        at_once(
            *((other, ["add", "data"]) for other in others),
            (collector, ["gc", "--force", *keep]),
            (collector, ["gc", "--force", *keep]),
        )
        for other in others:
            other.commit(str(turn))
            before = other.tree()
            other.remove("data")
            at_once((other, ["checkout"]), (collector, ["gc", "--force", *keep]))
            assert other.tree() == before
            other.assay("verify")


def test_checkouts_of_one_workspace_take_turns(project: Project) -> None:
    for version in range(2):
        project.write({f"data/{n}": f"{n} {version}" for n in range(300)})
        project.save(str(version))
    expected = project.tree()
    for _ in range(3):
        project.git("checkout", "-q", "HEAD~1" if _ % 2 == 0 else "main")
        at_once(*[(project, ["checkout"])] * 4)
        assert project.status() == {}
    project.git("checkout", "-q", "main")
    at_once(*[(project, ["checkout"])] * 3, (project, ["status"]))
    assert project.tree() == expected


def test_clones_push_to_one_remote_at_once(project: Project, tmp_path: Path) -> None:
    project.write({"data/common": "common"})
    project.save()
    project.assay("push")
    clones = [clone(project, tmp_path / f"clone{n}") for n in range(4)]
    for number, each in enumerate(clones):
        each.write({f"mine{number}/{n}": f"{number} {n}" * 50 for n in range(80)})
        each.write({f"mine{number}/big": bytes([number]) * LARGE})
        each.assay("add", f"mine{number}")
        each.commit()
    at_once(*((each, ["push"]) for each in clones), *((each, ["pull"]) for each in clones))
    for each in clones:
        assert each.assay("status", "-c", "--json").json() == {}
        assert each.tree() == {b"common": b"common"}
    assert project.assay("verify", "--remote", "--json").json()["clean"]


def test_reading_never_waits_for_a_writer(project: Project) -> None:
    project.write({"data/a": "a"})
    project.save()
    project.assay("push")
    lock, cache_lock = project.root / ".assay/tmp/lock", project.cache_folder / "lock"
    with locked(str(lock)), locked(str(cache_lock), shared=True):
        begun = time.monotonic()
        for words in (
            ["status"],
            ["data", "status", "--granular"],
            ["diff"],
            ["ls", ".", "data"],
            ["verify"],
            ["status", "-c"],
            ["push"],
            ["trash", "list"],
        ):
            finish(start(project, *words))
        assert time.monotonic() - begun < 20


def test_a_writer_says_that_it_waits_and_then_goes_on(project: Project) -> None:
    project.write({"data/a": "a"})
    with locked(str(project.root / ".assay/tmp/lock")):
        process = start(project, "add", "data")
        time.sleep(3.5)
        assert process.poll() is None, "it did not wait, or only for a few seconds"
    assert "waiting for another assay command" in finish(process)
    assert project.status() == {}


def test_a_collection_waits_for_whoever_writes_the_cache(project: Project) -> None:
    project.write({"data/a": "a"})
    project.save()
    with locked(str(project.cache_folder / "lock"), shared=True):
        process = start(project, "gc", "--force")
        time.sleep(1)
        assert process.poll() is None
    finish(process)


def test_status_during_an_add_is_quick_and_right(project: Project) -> None:
    project.write({f"data/{n:04d}": os.urandom(2000) for n in range(1500)})
    project.save()
    before = project.pointer()
    project.write({f"data/{n:04d}": os.urandom(2000) for n in range(1500)})
    process = start(project, "add", "data")
    seen = set()
    while process.poll() is None:
        begun = time.monotonic()
        seen.add(str(project.status()))
        assert time.monotonic() - begun < 10
    finish(process)
    assert project.pointer() != before
    assert project.status() == {}
    assert seen <= {"{}", "{'data': 'modified'}", "{'data': 'not in cache'}"}


def test_first_looks_at_once_agree(project: Project) -> None:
    """All of them begin the index."""
    project.write({f"data/{n}": str(n) for n in range(200)})
    project.save()
    for _ in range(3):
        for path in (project.root / ".assay").glob("index.db*"):
            path.unlink()
        at_once(*[(project, ["status"])] * 5)
        assert project.status() == {}


def test_looks_and_edits_at_once_never_leave_a_wrong_memory(lone: Project) -> None:
    """A look may be overtaken: what it remembers must not be taken for what is there."""
    lone.write({f"data/{n % 5}/{n}": "0000" for n in range(50)})
    lone.save()
    stop = threading.Event()
    problems: list[BaseException] = []

    def look() -> None:
        try:
            while not stop.is_set():
                with lone.opened() as repository:
                    repository.status()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    chosen = random.Random(3)
    try:
        for number in range(40):
            for _ in range(3):
                n = chosen.randrange(50)
                with (lone.root / f"data/{n % 5}/{n}").open("r+b") as file:
                    file.write(b"%04d" % number)
            with lone.opened() as repository:
                repository.add([str(lone.root / "data")])
                (recorded,) = repository.add([str(lone.root / "data")])
                assert not recorded.is_changed, "nothing had changed in between"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    pointer = lone.pointer()
    for path in (lone.root / ".assay").glob("index.db*"):
        path.unlink()
    lone.assay("add", "data")
    assert lone.pointer() == pointer, "the index had a wrong memory"


def test_readers_outlive_a_collection_that_moves_what_they_read(lone: Project) -> None:
    """A push, a diff, another project's checkout: none of them holds a lock."""
    live, dead = os.urandom(1000), [os.urandom(100_000) for _ in range(5)]
    lone.write({"data/live": live, **{f"data/dead{n}": d for n, d in enumerate(dead)}})
    lone.assay("add", "data")
    lone.remove(*(f"data/dead{n}" for n in range(5)))
    lone.save()
    reader = Cache(os.fspath(lone.cache_folder))
    assert reader.has(blake3(live).digest())
    lone.assay("gc", "--force", "--purge")
    assert reader.read(blake3(live).digest(), ObjectKind.BLOB) == live
    with reader.open_blob(blake3(live).digest()) as file:
        assert file.read() == live
    reader.close()


def test_a_repository_that_stays_open_notices_a_collection(lone: Project) -> None:
    """What it once saw in the cache may have been collected by another process."""
    lone.write({"data/a": "a", "one": "1"})
    targets = [str(lone.root / "data"), str(lone.root / "one")]
    with lone.opened() as repository:
        for _ in range(2):
            time.sleep(0.02)
            repository.add(targets)
        lone.remove("data.assay", "one.assay")
        assert lone.assay("gc", "--force", "--purge", "--json").json()["objects"] == 3
        repository.add(targets)
    lone.remove("data", "one")
    lone.assay("checkout")
    assert lone.read("data/a") == b"a"
    assert lone.read("one") == b"1"


def test_a_file_that_changes_while_it_is_added_is_read_again_or_named(lone: Project) -> None:
    lone.write({"data/busy": "x" * LARGE * 4, "data/a": "a"})
    stop = threading.Event()

    def write() -> None:
        with (lone.root / "data/busy").open("r+b") as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(64))
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        outcomes = [lone.assay("add", "data", exit_code=None) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    for outcome in outcomes:
        assert outcome.exit_code in (0, 75), outcome.text
        if outcome.exit_code:
            assert "data/busy" in outcome.stderr
    lone.assay("add", "data")
    lone.assay("verify")
    assert lone.status() == {}


@pytest.mark.slow
def test_many_commands_for_a_while(project: Project, tmp_path: Path) -> None:
    """Clones that add, commit, push, pull and collect as they please; nothing is ever lost."""
    project.write({"data/0": "0"})
    project.save()
    project.assay("push")
    clones = [clone(project, tmp_path / f"clone{n}") for n in range(3)]
    end = time.monotonic() + 25
    chosen = random.Random(4)
    turn = 0
    while time.monotonic() < end:
        turn += 1
        for number, each in enumerate(clones):
            each.write({f"own{number}/{turn % 7}": f"{number} {turn}" * chosen.randrange(1, 3000)})
        at_once(*((each, ["add", f"own{n}"]) for n, each in enumerate(clones)))
        for each in clones:
            each.commit(str(turn))
        at_once(
            *((each, ["push"]) for each in clones),
            *((each, ["gc", "--force"]) for each in clones),
            *((each, ["status"]) for each in clones),
        )
    for number, each in enumerate(clones):
        before = each.tree(f"own{number}")
        each.remove(f"own{number}", ".assay/cache")
        each.assay("pull")
        assert each.tree(f"own{number}") == before
        each.assay("verify")
