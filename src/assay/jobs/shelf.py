"""Where records of runs are kept: beside the output that they are about, and in a chained log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from assay.audit.chain import append
from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError
from assay.jobs.record import JobRun, Kept, is_run_id, parse_kept
from assay.store.durable import disk_errors, make_folder, write_atomic

BESIDE = ".assay-runs"
"""The folder beside an output that holds the records of the runs that wrote it."""
_WRITER = "writer"


def keep(folder: str, run: JobRun, envelope: bytes, leaves: bytes) -> str:
    """Put a record and its leaves into ``folder``; the record's path.

    The leaves come first: a record that can be seen has them.
    """
    path = os.path.join(folder, f"{run.id}.json")
    with disk_errors(path):
        make_folder(folder)
        write_atomic(os.path.join(folder, f"{run.id}.leaves"), leaves)
        write_atomic(path, envelope)
    return path


def log(folder: str, run: JobRun, digest: str, *, progress: Progress = SILENT) -> None:
    """Append a run to the log of this user's jobs, in which edits show."""
    body = {
        "kind": "job-run",
        "id": run.id,
        "job": run.job,
        "release": run.title,
        "release_digest": run.release_digest,
        "outcome": run.outcome,
        "outputs": run.count,
        "statement": digest,
        "ended": run.ended,
    }
    append(folder, _writer(folder), body, progress=progress)


def _writer(folder: str) -> str:
    """The name of this user's log, made on first use."""
    path = os.path.join(folder, _WRITER)
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            name = file.read().strip()
        if len(name) == 16 and all(c in "0123456789abcdef" for c in name):
            return name
    except FileNotFoundError:
        pass
    make_folder(folder)
    name = os.urandom(8).hex()
    write_atomic(path, name.encode("ascii") + b"\n")
    return name


def find(run_id: str, folders: Iterable[str]) -> Kept | None:
    """The record of a run from the first of ``folders`` that has it.

    Raises :class:`IntegrityError` ``attestation-invalid`` where it cannot be read.
    """
    if not is_run_id(run_id):
        return None
    for folder in folders:
        path = os.path.join(folder, f"{run_id}.json")
        try:
            with open(path, "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return parse_kept(data, _leaves(folder, run_id), place=path)
    return None


def _leaves(folder: str, run_id: str) -> bytes:
    try:
        with open(os.path.join(folder, f"{run_id}.leaves"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def all_kept(folder: str) -> Iterator[Kept]:
    """Every record in a folder that can be read, oldest first; others are passed over."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if not name.endswith(".json"):
            continue
        try:
            found = find(name.removesuffix(".json"), [folder])
        except IntegrityError:
            continue
        if found is not None:
            yield found
