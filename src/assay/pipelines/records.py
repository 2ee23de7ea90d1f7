"""Run records: what a stage ran on and with, and what it made, appended to a chained log."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.audit.chain import Entry, append, read
from assay.core.digest import ObjectKind, object_digest
from assay.core.pointer import Output
from assay.core.progress import SILENT, Progress
from assay.errors import NotFound
from assay.pipelines.model import LockEntry, Stage
from assay.store.cache import Cache
from assay.store.durable import make_folder, write_atomic

KIND = "run"
_WRITER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one command's runs have in common.

    ``commit`` is empty outside Git; ``packages`` is the digest of the list of installed
    packages, which the cache keeps.
    """

    commit: str
    is_clean: bool
    python: str
    packages: str
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One execution of a stage; times in ns since the epoch, digests by path."""

    stage: Stage
    entry: LockEntry
    surroundings: Surroundings
    started_ns: int
    ended_ns: int
    exit_code: int
    outcome: str
    verdicts: tuple[Mapping[str, object], ...] = ()
    log: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The record as the log has it."""
        command = self.entry.command
        return {
            "kind": KIND,
            "id": run_id(self.started_ns, self.stage.address),
            "stage": self.stage.address,
            "command": command if isinstance(command, str) else list(command),
            "commit": self.surroundings.commit,
            "clean": self.surroundings.is_clean,
            "deps": _digests(self.entry.deps),
            "params": {name: dict(values) for name, values in self.entry.params.items()},
            "outs": _digests(self.entry.outs),
            "started": iso_time(self.started_ns),
            "ended": iso_time(self.ended_ns),
            "duration_seconds": round((self.ended_ns - self.started_ns) / 1e9, 6),
            "python": self.surroundings.python,
            "packages": self.surroundings.packages,
            "system": self.surroundings.system,
            "exit_code": self.exit_code,
            "outcome": self.outcome,
            "checks": [dict(verdict) for verdict in self.verdicts],
            "log": self.log,
            **self.details,
        }


def _digests(outputs: tuple[Output, ...]) -> dict[str, str]:
    return {
        item.path: item.digest.hex() + (".dir" if item.is_folder else "")
        for item in outputs
        if item.digest is not None
    }


def run_id(started_ns: int, address: str) -> str:
    """A run's name: when it began, and of which stage."""
    from hashlib import sha256

    moment = iso_time(started_ns).replace("-", "").replace(":", "").split(".")[0]
    tail = sha256(f"{started_ns} {address}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{moment}-{tail}"


def iso_time(time_ns: int) -> str:
    """UTC with microseconds, as RFC 3339 writes it."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns // 1000 % 1_000_000:06d}Z"


class RunLog:
    """The run records of one repository, one chain per clone that wrote."""

    def __init__(self, home: str, progress: Progress = SILENT) -> None:
        self.folder = os.path.join(home, "runs")
        self._home = home
        self._progress = progress

    def append(self, record: RunRecord) -> Entry:
        """Add a record durably."""
        self.prepare()
        return append(self.folder, self._writer(), record.body(), progress=self._progress).entry

    def prepare(self) -> None:
        """Make the folder and let Git ignore it: records are this machine's."""
        if not os.path.isdir(self.folder):
            from assay.git.ignore import add_ignore

            make_folder(self.folder)
            add_ignore(os.fsencode(self._home), b"runs")

    def _writer(self) -> str:
        """This clone's writer key, made on first use."""
        path = os.path.join(self.folder, "writer")
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                name = file.read().strip()
            if _WRITER.fullmatch(name):
                return name
        except FileNotFoundError:
            pass
        name = os.urandom(8).hex()
        write_atomic(path, name.encode("ascii") + b"\n")
        return name

    def log_path(self, record_id: str, stage: Stage) -> str:
        """Where a run's output is kept."""
        folder = os.path.join(self.folder, "logs")
        make_folder(folder)
        name = re.sub(r"[^A-Za-z0-9._-]", "=", stage.address)[:80]
        return os.path.join(folder, f"{record_id}-{name}.log")

    def entries(self) -> list[Entry]:
        """Every run record, newest first; raises where a chain is not as it was written."""
        found: list[Entry] = []
        for name in sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else ():
            if name.endswith(".jsonl"):
                found += read(os.path.join(self.folder, name))
        runs = [entry for entry in found if entry.body.get("kind") == KIND]
        return sorted(runs, key=lambda e: (str(e.body.get("started")), e.seq), reverse=True)

    def find(self, wanted: str) -> Entry:
        """The run whose id or hash begins with ``wanted``, or the newest of a stage."""
        entries = self.entries()
        for entry in entries:
            if entry.body.get("id") == wanted or entry.hash == wanted:
                return entry
        for entry in entries:
            names = (str(entry.body.get("id")), entry.hash)
            if entry.body.get("stage") == wanted or (
                len(wanted) >= 4 and any(name.startswith(wanted) for name in names)
            ):
                return entry
        raise NotFound(
            "run-unknown",
            f"There is no run {wanted!r}.",
            why="Run records stay on the machine that made them.",
            fix="`assay runs list` shows those that are here.",
        )

    def objects(self) -> set[bytes]:
        """Digests of the objects that records refer to and nothing else does."""
        found = set()
        for entry in self.entries():
            text = str(entry.body.get("packages", ""))
            if re.fullmatch(r"[0-9a-f]{64}", text):
                found.add(bytes.fromhex(text))
        return found


def store_packages(cache: Cache) -> str:
    """Keep the list of installed packages in the cache; its digest in hex."""
    from importlib.metadata import distributions

    names = {
        f"{found.metadata['Name']}=={found.version}"
        for found in distributions()
        if found.metadata["Name"]
    }
    data = "".join(f"{name}\n" for name in sorted(names, key=str.lower)).encode("utf-8")
    digest = object_digest(ObjectKind.BLOB, data)
    if not cache.has(digest):
        with cache.writing():
            cache.put(ObjectKind.BLOB, {digest: data})
    return digest.hex()


def surroundings_of(root: str, cache: Cache, *, uses_git: bool) -> Surroundings:
    """The commit and the machine, as they are now."""
    import platform

    commit, is_clean = _commit(root) if uses_git else ("", False)
    return Surroundings(
        commit=commit,
        is_clean=is_clean,
        python=platform.python_version(),
        packages=store_packages(cache),
        system=platform.platform(),
    )


def _commit(root: str) -> tuple[str, bool]:
    from assay.git.program import run_git

    head = run_git(["rev-parse", "--verify", "--quiet", "HEAD"], cwd=root, accept=(0, 1))
    changed = run_git(["status", "--porcelain", "-z"], cwd=root)
    return head.decode("ascii").strip(), bool(head) and not changed
