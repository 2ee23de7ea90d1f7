"""Quarantine: a release that is forbidden everywhere, and why."""

from __future__ import annotations

from dataclasses import dataclass

from assay.attestations.statement import Statement, Subject
from assay.errors import Quarantined
from assay.releases.predicate import Fields

KIND = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """One forbidden release."""

    repository: str
    policy: str | None
    name: str
    version: str
    release_digest: str
    reason: str
    at: str

    def statement(self) -> Statement:
        """The quarantine as it is signed."""
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
                "reason": self.reason,
                "at": self.at,
            },
        )


def parse_quarantine(statement: Statement, *, where: str) -> Quarantine:
    """A quarantine from its statement; :class:`IntegrityError` when it is not one."""
    said = Fields(values=statement.predicate, where=where)
    release = said.below("release")
    return Quarantine(
        repository=said.text("repository", default=""),
        policy=said.optional_hex("policy"),
        name=release.text("name"),
        version=release.text("version"),
        release_digest=release.hex("digest"),
        reason=said.text("reason", default=""),
        at=said.text("at"),
    )


def forbidden(title: str, reason: str, by: str) -> Quarantined:
    """The refusal of a release in quarantine."""
    who = f", says {by}" if by else ""
    return Quarantined(
        "release-quarantined",
        f"{title} is quarantined{who}: {reason or 'no reason was given'}.",
        why="A release in quarantine is served to nobody, by version, by channel or from a cache.",
        fix="Use another version. If a channel serves this one, roll it back: "
        f"`assay rollback {title.partition('@')[0]}@CHANNEL`.",
    )
