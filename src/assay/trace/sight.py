"""What a trace looks at: one repository's records, and one commit with its pipelines."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from assay.audit.chain import Entry, parse_line
from assay.core.digest import ObjectKind, object_digest
from assay.data.access import find_output
from assay.errors import AssayError, IntegrityError
from assay.pipelines.graph import Graph
from assay.pipelines.model import LockEntry, Pipeline, Stage
from assay.releases.contents import Content, Snapshot, content_at
from assay.releases.judge import Evidence
from assay.releases.ledger import Ledger
from assay.releases.release import Release, StageRun
from assay.releases.stages import Making, entry_of, graph_of, making_of


@dataclass(kw_only=True)
class Sight:
    """A release and the commit that it was made from.

    ``read_blob`` gives a file's verified bytes from the cache or a remote; ``pipelines`` are those
    of the commit.
    """

    ledger: Ledger
    evidence: Evidence
    snapshot: Snapshot
    pipelines: dict[bytes, Pipeline]
    read_blob: Callable[[bytes], bytes]
    _contents: dict[bytes, Content | AssayError] = field(default_factory=dict)

    @property
    def release(self) -> Release:
        """The release."""
        return self.evidence.release.value

    @cached_property
    def graph(self) -> Graph:
        """The graph of the commit's stages."""
        return graph_of(self.pipelines)

    def content(self, path: bytes) -> Content:
        """What lies at a path of the commit; raises what reading it raised the first time."""
        if path not in self._contents:
            try:
                self._contents[path] = content_at(self.snapshot, path)
            except AssayError as error:
                self._contents[path] = error
        found = self._contents[path]
        if isinstance(found, AssayError):
            raise found
        return found

    def making(self, path: bytes) -> Making | None:
        """What wrote a path, or the folder that it lies in."""
        return making_of(self.pipelines.values(), path)

    def entry(self, stage: Stage) -> LockEntry | None:
        """What the lock has of a stage."""
        return entry_of(self.pipelines, stage)

    def is_added(self, path: bytes) -> bool:
        """Whether a path is data that was added, not made by a stage."""
        found = find_output(self.snapshot.tracked, path)
        return found is not None and not found[0].maker

    def run(self, address: str) -> tuple[StageRun, Entry] | None:
        """The record of a stage's run that the release carries.

        Raises :class:`IntegrityError` where it is not what the release binds.
        """
        from blake3 import blake3

        found = next((run for run in self.release.runs if run.stage == address), None)
        if found is None:
            return None
        line = self.evidence.files.get(found.file)
        if line is None or blake3(line).hexdigest() != found.digest:
            raise IntegrityError(
                "run-record-differs", f"The record of {address} is not the one that is bound."
            )
        return found, parse_line(line, where=f"the record of {address}")

    def git_digest(self, path: bytes) -> bytes | None:
        """BLAKE3 of a file that Git keeps at the commit; None where there is none."""
        data = self.snapshot.reader.read_path(self.snapshot.commit, path)
        return None if data is None else object_digest(ObjectKind.BLOB, data)

    def git_bytes(self, path: bytes) -> bytes | None:
        """A file that Git keeps at the commit."""
        return self.snapshot.reader.read_path(self.snapshot.commit, path)


def short(digest: str) -> str:
    """A digest as a fact shows it."""
    return digest[:16]


def name_of(path: bytes) -> str:
    """A path as a title shows it."""
    return os.fsdecode(path)
