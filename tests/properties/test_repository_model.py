"""A repository, driven at random beside a simple model: its bytes are always what the model says.

The model is a dictionary of files for the workspace, one for each commit, and what was saved.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from assay.errors import AssayError
from assay.store.cache import Cache
from projects import LARGE, Project, clone, flip, new_project, overwrite

Files = dict[str, bytes]
"""Content by path; an executable's path ends in ``*``, an empty folder's in ``/``."""

TOPS = ("data", "other", "single")
NAMES = st.sampled_from(["a", "b", "sub/c", "sub/d", "sub/deep/e", "\udcff odd", "x*", "empty/"])
CONTENTS = st.one_of(
    st.binary(max_size=6),
    st.integers(0, 4).map(lambda n: bytes([n]) * 1000),
    st.integers(0, 2).map(lambda n: bytes([n]) * LARGE),
)
REFUSED = 4


def path_of(top: str, name: str) -> str:
    return top if top == "single" else f"{top}/{name}"


def conflicts(files: Files, path: str) -> bool:
    """Whether ``path`` cannot be beside what is there: one name as file and folder."""
    plain = path.rstrip("*/")
    for other in files:
        bare = other.rstrip("*/")
        if bare != plain and (bare.startswith(plain + "/") or plain.startswith(bare + "/")):
            return True
        if bare == plain and other != path:
            return True
    return False


def part(files: Files, top: str) -> Files:
    return {p: c for p, c in files.items() if p == top or p.startswith(f"{top}/") or p == f"{top}*"}


def on_disk(project: Project) -> Files:
    """The workspace's data as the model has it."""
    found: Files = {}
    for top in TOPS:
        path = project.root / top
        if path.is_file():
            mark = "*" if os.access(path, os.X_OK) else ""
            found[top + mark] = path.read_bytes()
        elif path.is_dir():
            tree = project.tree(top)
            for name, content in tree.items():
                shown = f"{top}/{os.fsdecode(name)}"
                found[shown if content is not None else shown + "/"] = (
                    content if isinstance(content, bytes) else b""
                )
            if not tree:
                found[top + "/"] = b""
    return found


class RepositoryModel(RuleBasedStateMachine):
    """The rules are what people do; after each of them the disk must be as the model says."""

    commits = Bundle("commits")

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: each of many commands flushes what it writes.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(prefix="assay-model-", dir=memory))
        self.project = new_project(self.place / "project", remote=self.place / "remote")
        self.workspace: Files = {}
        self.recorded: dict[str, Files] = {}
        """What the pointers of the workspace record, by tracked path."""
        self.history: dict[str, dict[str, Files]] = {}
        self.saved: set[bytes] = set()
        """Contents that the cache must have while something needs them."""
        self.pushed: set[str] = set()
        self.undoable: list[Files] = []
        self.commit_order: list[str] = []
        self.edits = 0

    def teardown(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    # -- what people do -------------------------------------------------------------------

    @initialize(target=commits)
    def first_commit(self) -> str:
        return self._commit()

    def _commit(self) -> str:
        # Only what belongs to Git: data that was never added must stay nobody's.
        pointers = [f"{top}.assay" for top in self.recorded]
        self.project.git("add", "-A", "--", ".gitignore", *pointers) if pointers else None
        # Numbered: commits of one second with one parent must not be one commit by chance.
        self.project.git("commit", "-q", "--allow-empty", "-m", f"model {len(self.history)}")
        commit = self.project.git("rev-parse", "HEAD").decode()
        self.commit_order.append(commit)
        self.history[commit] = {top: dict(files) for top, files in self.recorded.items()}
        return commit

    @rule(top=st.sampled_from(TOPS), name=NAMES, content=CONTENTS)
    def write(self, top: str, name: str, content: bytes) -> None:
        path = path_of(top, name)
        if conflicts(self.workspace, path):
            return
        plain = path.rstrip("*/")
        if path.endswith("/"):
            self.project.write({os.fsencode(plain): None})
            self.workspace[path] = b""
            return
        if os.path.islink(self.project.root / plain):
            return
        self.project.write({os.fsencode(plain): content})
        (self.project.root / plain).chmod(0o755 if path.endswith("*") else 0o644)
        self.workspace[path] = content
        self._no_longer_empty(plain)

    def _no_longer_empty(self, plain: str) -> None:
        while "/" in plain:
            plain = plain.rpartition("/")[0]
            self.workspace.pop(plain + "/", None)

    @rule(chosen=st.randoms(use_true_random=False))
    def remove(self, chosen: random.Random) -> None:
        if not self.workspace:
            return
        path = chosen.choice(sorted(self.workspace))
        plain = path.rstrip("*/")
        if path.endswith("/"):
            (self.project.root / plain).rmdir()
        else:
            self.project.remove(plain)
        del self.workspace[path]
        self._note_empty(plain)

    def _note_empty(self, plain: str) -> None:
        """A folder whose last file went is an empty folder, as long as it is there."""
        holder = plain.rpartition("/")[0]
        if holder and not any(p.startswith(holder + "/") for p in self.workspace):
            self.workspace[holder + "/"] = b""

    @rule(top=st.sampled_from(TOPS))
    def remove_whole(self, top: str) -> None:
        if (self.project.root / top).exists():
            self.project.remove(top)
        for path in part(self.workspace, top):
            del self.workspace[path]
        self.workspace.pop(top + "/", None)

    @rule(top=st.sampled_from(TOPS))
    def add(self, top: str) -> None:
        if not (self.project.root / top).exists():
            return
        here = part(self.workspace, top)
        self.project.assay("add", top)
        self.recorded[top] = here
        self.saved.update(here.values())

    @rule(
        target=commits,
        top=st.sampled_from(TOPS),
        files=st.lists(st.tuples(NAMES, CONTENTS), min_size=1, max_size=4),
        keep=st.booleans(),
    )
    def save(self, top: str, files: list[tuple[str, bytes]], keep: bool) -> str:
        """The everyday way: a new version, added and committed."""
        if not keep:
            self.remove_whole(top)
        for name, content in files:
            self.write(top, name, content)
        self.add(top)
        return self._commit()

    @rule(target=commits)
    def commit(self) -> str:
        return self._commit()

    @rule(commit=commits, force=st.booleans())
    def switch(self, commit: str, force: bool) -> None:
        self.project.git("clean", "-fq", "--", "*.assay")
        self.project.git("checkout", "-q", "--force", "--detach", commit)
        self.recorded = {top: dict(files) for top, files in self.history[commit].items()}
        self._checkout(force)

    @precondition(lambda self: any(self.recorded.values()))
    @rule(chosen=st.randoms(use_true_random=False), name=NAMES, force=st.booleans())
    def check_out_over_work(self, chosen: random.Random, name: str, force: bool) -> None:
        """Somebody edits a tracked path, saves nothing, and checks out."""
        top = chosen.choice(sorted(top for top, files in self.recorded.items() if files))
        self.edits += 1
        self.write(top, name.rstrip("/"), b"unsaved %d" % self.edits)
        self._checkout(force)
        if force and self.undoable:
            self.undo()

    @rule(force=st.booleans())
    def checkout(self, force: bool) -> None:
        self._checkout(force)

    def _checkout(self, force: bool) -> None:
        before = dict(self.workspace)
        outcome = self.project.assay("checkout", *(["--force"] if force else []), exit_code=None)
        if outcome.exit_code == REFUSED:
            assert not force
            assert self._would_lose(before), f"refused without a reason: {outcome.stderr}"
            assert on_disk(self.project) == before
            return
        assert outcome.exit_code == 0, outcome.text
        if not force:
            assert not self._would_lose(before), "unsaved work was overwritten"
        for top, files in self.recorded.items():
            for path in [*part(self.workspace, top), top + "/"]:
                self.workspace.pop(path, None)
            self.workspace.update(files)
        if outcome.exit_code == 0 and force and self._would_lose(before):
            assert self.project.assay("trash", "list", "--json").json()
            self.undoable.append(self._lost(before))

    def _lost(self, before: Files) -> Files:
        """Files of tracked paths that differ from the record and whose content nothing has."""
        lost: Files = {}
        for top, files in self.recorded.items():
            for path, content in part(before, top).items():
                is_same = path.rstrip("*") in {p.rstrip("*") for p in files} and (
                    files.get(path.rstrip("*")) == content
                    or files.get(path.rstrip("*") + "*") == content
                )
                if not is_same and not path.endswith("/") and content not in self.saved:
                    lost[path] = content
        return lost

    def _would_lose(self, before: Files) -> bool:
        return bool(self._lost(before))

    @precondition(lambda self: self.undoable)
    @rule()
    def undo(self) -> None:
        """Right after a forced checkout: every displaced byte is there again."""
        lost = self.undoable.pop()
        self.undoable.clear()
        entries = self.project.assay("trash", "list", "--json").json()
        newest = set(entries[0]["paths"]) if entries else set()
        if not {path.rstrip("*") for path in lost} & newest:
            return  # another command displaced something since
        self.project.assay("trash", "restore", entries[0]["id"])
        for path in lost:
            if path.rstrip("*") in newest:
                assert self.project.read(path.rstrip("*")) == lost[path]
        self.workspace = on_disk(self.project)

    # -- sharing and upkeep ---------------------------------------------------------------

    @rule()
    def push(self) -> None:
        self.project.assay("push")
        head = self.project.git("rev-parse", "HEAD").decode()
        if self.history.get(head) == self.recorded:
            self.pushed.add(head)

    @precondition(lambda self: self.pushed)
    @rule(chosen=st.randoms(use_true_random=False))
    def pull_into_a_fresh_clone(self, chosen: random.Random) -> None:
        commit = chosen.choice([each for each in self.commit_order if each in self.pushed])
        place = self.place / "clone"
        other = clone(self.project, place)
        try:
            other.git("checkout", "-q", "--detach", commit)
            other.assay("pull")
            expected: Files = {}
            for files in self.history[commit].values():
                expected.update(files)
            assert on_disk(other) == expected
            assert other.status() == {}
        finally:
            shutil.rmtree(place)

    @rule()
    def collect(self) -> None:
        for commit in self.history:
            self.project.git("tag", "-f", f"keep-{commit}", commit)
        self.project.assay("gc", "--force")
        self.saved = {
            content
            for tops in [*self.history.values(), self.recorded]
            for files in tops.values()
            for content in files.values()
        }

    @rule(purge=st.booleans())
    def collect_and_undo(self, purge: bool) -> None:
        before = self.project.cached()
        done = self.project.assay("gc", "--force", "--json").json()
        if done["trash"]:
            self.project.assay("undo")
        assert self.project.cached() >= before

    @rule(chosen=st.randoms(use_true_random=False), how=st.sampled_from(["flip", "cut", "gone"]))
    def damage_and_repair(self, chosen: random.Random, how: str) -> None:
        """What the workspace or the remote still has is healed; the rest is said to be lost."""
        cached = sorted(self.project.cached())
        if not cached:
            return
        self._damage(chosen.choice(cached), how)
        before = dict(self.workspace)
        self.project.assay("verify", exit_code=None)
        repaired = self.project.assay("verify", "--cache", "--repair", "--json", exit_code=None)
        report = repaired.json()
        assert on_disk(self.project) == before
        lost = {bytes.fromhex(name) for name in [*report.get("damaged", {}), *report["missing"]]}
        if lost:
            self._give_back(lost)
        assert self.project.assay("verify", "--cache", "--json", exit_code=None).json()[
            "damaged"
        ].keys() <= {digest.hex() for digest in lost}

    def _damage(self, digest: bytes, how: str) -> None:
        cache = Cache(os.fspath(self.project.cache_folder))
        found = cache.locate(digest)
        path = Path(cache.pack_name(found.pack) if found else cache.loose_path(digest))
        offset, length = (found.offset, found.stored_length) if found else (0, path.stat().st_size)
        cache.close()
        if how == "gone" or not length:
            path.unlink()
        elif how == "cut":
            overwrite(path, lambda data: data[: offset + length // 2])
        else:
            overwrite(path, lambda data: flip(data, offset + length // 2))

    def _give_back(self, lost: set[bytes]) -> None:
        """The test's own backup: what nothing could heal is put back, so that it can go on."""
        shutil.rmtree(self.project.cache_folder)
        shutil.copytree(self.place / "backup", self.project.cache_folder)

    # -- what always holds ----------------------------------------------------------------

    @invariant()
    def the_workspace_is_as_the_model_says(self) -> None:
        assert on_disk(self.project) == self.workspace
        backup = self.place / "backup"
        if self.project.cache_folder.exists():
            shutil.rmtree(backup, ignore_errors=True)
            shutil.copytree(self.project.cache_folder, backup)

    @invariant()
    def status_is_as_the_model_says(self) -> None:
        status = self.project.status()
        for top, files in self.recorded.items():
            here = part(self.workspace, top)
            if top + "/" in self.workspace:
                here[top + "/"] = b""
            is_there = (self.project.root / top).exists()
            if not is_there:
                assert status.get(top) == "deleted", (top, status)
            else:
                assert (top in status) == (here != files), (top, status, here, files)

    @invariant()
    def history_reads_as_the_model_says(self) -> None:
        if not self.commit_order:
            return
        commit = random.Random(len(self.commit_order)).choice(self.commit_order)
        import assay

        for top, files in self.history[commit].items():
            for path, content in files.items():
                if path.endswith("/"):
                    continue
                try:
                    found = assay.read(path.rstrip("*"), str(self.project.root), commit, mode="rb")
                except AssayError as error:
                    pytest.fail(f"{path} of {top} cannot be read: {error.what} {error.why}")
                assert found == content


RepositoryModel.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRepository = RepositoryModel.TestCase


class ThoroughModel(RepositoryModel):
    """The same for longer."""


ThoroughModel.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRepositoryForLonger = pytest.mark.slow(pytest.mark.timeout(600)(ThoroughModel.TestCase))
