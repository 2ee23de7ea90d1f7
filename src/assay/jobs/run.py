"""A job's run: outputs recorded one by one, each stamped, and a record of them all at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any

from assay.core.progress import SILENT, Progress
from assay.errors import Conflict, InvalidInput
from assay.jobs.record import FAILED, OK, JobRun
from assay.jobs.shelf import BESIDE, keep, log
from assay.jobs.stamp import KEY, Stamp, input_digest, leaf_of, spelled
from assay.pipelines.records import iso_time
from assay.releases.release import Release
from assay.store.durable import disk_errors, make_folder, sync_folder, temporary_name

Seal = Callable[[JobRun], tuple[bytes, str]]
"""A run's record as it is stored (signed where there is a key), and its statement's digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a run rests on: the release that was admitted, and where from."""

    release: Release
    digest: str
    policy: str | None
    channel: str
    sequence: int
    address: str


class Run:
    """One run of a job with one release.  A context manager; not for several threads at once.

    ``output`` is a file of JSON lines that appears, whole, when the run ends well; what a failed
    run wrote stays beside it as ``OUTPUT.partial``.
    """

    def __init__(
        self,
        job: str,
        basis: Basis,
        *,
        output: str | os.PathLike[str] | None,
        inputs: Iterable[str | os.PathLike[str]],
        log_folder: str,
        seal: Seal,
        clock: Callable[[], int],
        environment: Mapping[str, str],
        progress: Progress = SILENT,
    ) -> None:
        if not job or not job.isprintable() or len(job) > 200:
            raise InvalidInput("job-name-invalid", f"{job!r} cannot name a job.")
        self.job = job
        self._basis = basis
        self._output = _own_place(output)
        self._inputs = {os.fspath(path): _file_digest(path) for path in inputs}
        self._log_folder = log_folder
        self._seal = seal
        self._clock = clock
        self._environment = environment
        self._progress = progress
        self._started_ns = clock()
        self.id = _run_id(self._started_ns)
        self._leaves = bytearray()
        self._file: IO[str] | None = None
        self._scratch = ""
        self._hasher: Any = None
        self._is_open = True
        self.record_path = ""

    @property
    def count(self) -> int:
        """How many outputs were recorded."""
        return len(self._leaves) // 32

    def record(
        self,
        output: object,
        *,
        id: str | int,
        input: object = None,
        rows: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Stamp one output, write it to the run's file (where it has one), and return it.

        ``id`` is how it is found again; ``input`` (bytes, text or anything JSON) is digested, not
        kept; ``rows`` names lines of the release's data (``PATH:LINE``) that it rests on.
        Raises :class:`InvalidInput` for what is not JSON.
        """
        if not self._is_open:
            raise Conflict(
                "run-ended", "The run has ended.", fix="Record outputs inside its `with` block."
            )
        stamp = Stamp(
            release=self._basis.release.title,
            digest=self._basis.digest,
            run=self.id,
            sequence=self.count,
            id=str(id),
            input=self._input(input),
            rows=tuple(self._row(row) for row in rows),
        )
        value = output if isinstance(output, Mapping) else {"output": output}
        stamped: dict[str, Any] = {"id": id, **value, KEY: stamp.as_dict()}
        leaf = leaf_of(stamped)
        self._write(spelled(stamped) + "\n")
        self._leaves += leaf
        return stamped

    def _input(self, value: object) -> str:
        if value is not None:
            return input_digest(value)
        digests = list(self._inputs.values())
        return f"blake3:{digests[0]}" if len(digests) == 1 else ""

    def _row(self, row: str) -> str:
        path, colon, line = row.rpartition(":")
        is_number = line.isascii() and line.isdigit() and int(line) > 0
        if not colon or not is_number or self._basis.release.holder(os.fsencode(path)) is None:
            raise InvalidInput(
                "row-invalid",
                f"{row!r} is not PATH:LINE of an artifact of {self._basis.release.title}.",
                fix="Count lines from 1, and name a file that the release binds.",
            )
        return row

    def _write(self, line: str) -> None:
        if self._output is None:
            return
        if self._file is None:
            from blake3 import blake3

            self._hasher = blake3()
            folder = os.path.dirname(self._output)
            with disk_errors(self._output):
                make_folder(folder)
                self._scratch = temporary_name(folder, f".{os.path.basename(self._output)[:40]}")
                # newline="": a line ends as it was hashed on every system.
                self._file = open(self._scratch, "x", encoding="utf-8", newline="")
        with disk_errors(self._output):
            self._file.write(line)
        self._hasher.update(line.encode("utf-8"))

    # -- the end --------------------------------------------------------------------------

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(OK if kind is None else FAILED)

    def close(self, outcome: str = OK) -> None:
        """End the run: the output appears, then the record of it."""
        if not self._is_open:
            return
        self._is_open = False
        target = f"{self._output}.partial" if outcome != OK else self._output
        files = self._finish_output(target)
        run = self._record(outcome, files)
        try:
            envelope, digest = self._seal(run)
            leaves = bytes(self._leaves)
            self.record_path = keep(self._log_folder, run, envelope, leaves)
            if self._output is not None:
                beside = os.path.join(os.path.dirname(self._output), BESIDE)
                self.record_path = keep(beside, run, envelope, leaves)
        except BaseException:
            self._place(f"{self._output}.partial")  # without its record it is no output
            raise
        self._place(target)
        log(self._log_folder, run, digest, progress=self._progress)

    def _finish_output(self, target: str | None) -> dict[str, str]:
        """Let the bytes be safe on the disk; their digest by the name that they will have."""
        if self._output is None or target is None:
            return {}
        if self._file is None:
            self._write("")  # a run without outputs has an empty file
        assert self._file is not None
        with disk_errors(self._output):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        digest: str = self._hasher.hexdigest()
        return {os.path.basename(target): digest}

    def _place(self, target: str | None) -> None:
        if self._output is None or target is None:
            return
        with disk_errors(target):
            os.replace(self._scratch, target)
            sync_folder(os.path.dirname(target))

    def _record(self, outcome: str, files: Mapping[str, str]) -> JobRun:
        from blake3 import blake3

        basis = self._basis
        return JobRun(
            repository=basis.release.repository,
            policy=basis.policy,
            id=self.id,
            job=self.job,
            name=basis.release.name,
            version=basis.release.version,
            release_digest=basis.digest,
            channel=basis.channel,
            sequence=basis.sequence,
            address=basis.address,
            started=iso_time(self._started_ns),
            ended=iso_time(self._clock()),
            outcome=outcome,
            count=self.count,
            leaves=blake3(bytes(self._leaves)).hexdigest(),
            inputs=self._inputs,
            files=files,
            environment=self._environment,
        )


def _own_place(output: str | os.PathLike[str] | None) -> str | None:
    if output is None:
        return None
    path = os.path.abspath(output)
    if os.path.isdir(path):
        raise Conflict(
            "target-exists",
            f"{path} is a folder, not a file for outputs.",
            fix="Name a file in it.",
            paths=(path,),
        )
    return path


def _run_id(started_ns: int) -> str:
    moment = iso_time(started_ns).replace("-", "").replace(":", "").split(".")[0]
    return f"{moment}-{os.urandom(8).hex()}"


def _file_digest(path: str | os.PathLike[str]) -> str:
    from assay.store.durable import READ
    from assay.store.hashing import hash_large

    try:
        fd = os.open(path, READ)
    except FileNotFoundError:
        raise InvalidInput(
            "input-missing",
            f"There is no input {os.fspath(path)}.",
            fix="Name a file that is there, or leave it out of `inputs`.",
            paths=(os.fspath(path),),
        ) from None
    try:
        return hash_large(fd).hex()
    finally:
        os.close(fd)
