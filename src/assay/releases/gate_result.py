"""Gate results: what a gate found about exactly one release, asked exactly one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.attestations.envelope import invalid
from assay.attestations.statement import Statement, Subject
from assay.releases.predicate import Fields

KIND = "gate-result"
PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"
VERDICTS = (PASS, FAIL, INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What judging came to.

    ``value`` and ``limit`` are in ``unit``.  ``judged`` has the digests of what was looked at by
    path, ``details`` what else is worth knowing later, such as row counts.
    """

    verdict: str
    value: object = None
    limit: object = None
    unit: str = ""
    detail: str = ""
    judged: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_pass(self) -> bool:
        """Whether the gate is passed."""
        return self.verdict == PASS

    def measured(self) -> str:
        """Value and limit in one phrase; empty where nothing was measured."""
        if self.value is None:
            return ""
        unit = f" {self.unit}" if self.unit else ""
        limit = f", {self.limit}" if self.limit not in (None, "") else ""
        return f"{self.value}{unit}{limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A verdict bound to release, gate definition and policy; times as RFC 3339 has them."""

    repository: str
    policy: str | None
    name: str
    version: str
    release_digest: str
    gate: str
    definition: str
    verdict: Verdict
    started: str
    duration_seconds: float

    def statement(self) -> Statement:
        """The result as it is signed."""
        found = self.verdict
        return Statement(
            kind=KIND,
            subjects=(
                Subject(
                    name=f"{self.name}@{self.version}",
                    digest={"assayRelease": self.release_digest},
                ),
            ),
            predicate={
                "repository": self.repository,
                "policy": self.policy,
                "release": {
                    "name": self.name,
                    "version": self.version,
                    "digest": self.release_digest,
                },
                "gate": self.gate,
                "definition": self.definition,
                "verdict": found.verdict,
                "value": found.value,
                "limit": found.limit,
                "unit": found.unit,
                "detail": found.detail,
                "judged": dict(found.judged),
                "details": dict(found.details),
                "started": self.started,
                "duration_seconds": self.duration_seconds,
            },
        )


def parse_result(statement: Statement, *, where: str) -> GateResult:
    """A gate's result from its statement; :class:`IntegrityError` when it is not one."""
    said = Fields(values=statement.predicate, where=where)
    release = said.below("release")
    verdict = said.text("verdict")
    if verdict not in VERDICTS:
        raise invalid(where, f"{verdict[:40]!r} is no verdict")
    return GateResult(
        repository=said.text("repository", default=""),
        policy=said.optional_hex("policy"),
        name=release.text("name"),
        version=release.text("version"),
        release_digest=release.hex("digest"),
        gate=said.text("gate"),
        definition=said.hex("definition"),
        verdict=Verdict(
            verdict=verdict,
            value=said.values.get("value"),
            limit=said.values.get("limit"),
            unit=said.text("unit", default=""),
            detail=said.text("detail", default=""),
            judged={k: str(v) for k, v in said.mapping("judged").items()},
            details=said.mapping("details"),
        ),
        started=said.text("started"),
        duration_seconds=said.number("duration_seconds"),
    )
