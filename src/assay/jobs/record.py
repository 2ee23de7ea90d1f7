"""The record of a job's run: which release it used, and every output that it made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.attestations.envelope import Envelope, decode
from assay.attestations.statement import Statement, Subject, parse_statement, statement_digest
from assay.jobs.stamp import LEAF_BYTES
from assay.releases.predicate import Fields

KIND = "job-run"
OK, FAILED = "ok", "failed"
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run.  Times as RFC 3339 has them; ``inputs`` and ``files`` have digests by name.

    ``leaves`` is BLAKE3 of the run's leaves one after the other, ``count`` how many there are.
    ``address`` is where the release was taken from.
    """

    repository: str
    policy: str | None
    id: str
    job: str
    name: str
    version: str
    release_digest: str
    channel: str
    sequence: int
    address: str
    started: str
    ended: str
    outcome: str
    count: int
    leaves: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The release that it used."""
        return f"{self.name}@{self.version}"

    def statement(self) -> Statement:
        """The run as it is signed."""
        subjects = [Subject(name=f"outputs of {self.id}", digest={"assayLeaves": self.leaves})]
        subjects += [Subject(name=n, digest={"blake3": d}) for n, d in self.files.items()]
        return Statement(
            kind=KIND,
            subjects=tuple(subjects),
            predicate={
                "repository": self.repository,
                "policy": self.policy,
                "id": self.id,
                "job": self.job,
                "release": {
                    "name": self.name,
                    "version": self.version,
                    "digest": self.release_digest,
                },
                "channel": {"name": self.channel, "sequence": self.sequence},
                "address": self.address,
                "started": self.started,
                "ended": self.ended,
                "outcome": self.outcome,
                "outputs": {"count": self.count, "leaves": self.leaves},
                "inputs": dict(self.inputs),
                "files": dict(self.files),
                "environment": dict(self.environment),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A run's record as it was kept: envelope, statement, and the leaves of its outputs."""

    run: JobRun
    envelope: Envelope
    statement: Statement
    digest: str
    leaves: bytes
    place: str

    def leaf(self, sequence: int) -> bytes:
        """The leaf of one output; empty where there is none."""
        return self.leaves[sequence * LEAF_BYTES : (sequence + 1) * LEAF_BYTES]


def parse_kept(data: bytes, leaves: bytes, *, place: str) -> Kept:
    """A kept record; raises :class:`IntegrityError` ``attestation-invalid``."""
    envelope = decode(data, where=place)
    statement = parse_statement(envelope.payload, kind=KIND, where=place)
    said = Fields(values=statement.predicate, where=place)
    release, channel, outputs = said.below("release"), said.below("channel"), said.below("outputs")
    run = JobRun(
        repository=said.text("repository", default=""),
        policy=said.optional_hex("policy"),
        id=said.text("id"),
        job=said.text("job"),
        name=release.text("name"),
        version=release.text("version"),
        release_digest=release.hex("digest"),
        channel=channel.text("name", default=""),
        sequence=channel.count("sequence"),
        address=said.text("address", default=""),
        started=said.text("started"),
        ended=said.text("ended"),
        outcome=said.text("outcome"),
        count=outputs.count("count"),
        leaves=outputs.hex("leaves"),
        inputs={k: str(v) for k, v in said.mapping("inputs").items()},
        files={k: str(v) for k, v in said.mapping("files").items()},
        environment={k: str(v) for k, v in said.mapping("environment").items()},
    )
    return Kept(
        run=run,
        envelope=envelope,
        statement=statement,
        digest=statement_digest(envelope.payload),
        leaves=leaves,
        place=place,
    )


def is_run_id(text: str) -> bool:
    """Whether a text may name a run; nothing else becomes a part of a path."""
    return bool(_RUN_ID.fullmatch(text))
