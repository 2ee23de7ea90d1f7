"""Channels: moving names, each state signed, numbered, and naming the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.attestations.envelope import invalid
from assay.attestations.statement import Statement, Subject
from assay.releases.predicate import Fields

KIND = "channel"
PROMOTE, ROLL_BACK = "promote", "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What a channel serves from now on.

    ``evidence`` has the digest of each gate result that the move rested on, by gate.
    """

    repository: str
    policy: str | None
    name: str
    channel: str
    sequence: int
    previous: str | None
    action: str
    version: str
    release_digest: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    at: str = ""

    def statement(self) -> Statement:
        """The state as it is signed."""
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
                "name": self.name,
                "channel": self.channel,
                "sequence": self.sequence,
                "previous": self.previous,
                "action": self.action,
                "release": {"version": self.version, "digest": self.release_digest},
                "evidence": dict(self.evidence),
                "reason": self.reason,
                "at": self.at,
            },
        )


def parse_state(statement: Statement, *, where: str) -> ChannelState:
    """A channel's state from its statement; :class:`IntegrityError` when it is not one."""
    said = Fields(values=statement.predicate, where=where)
    release = said.below("release")
    action = said.text("action")
    if action not in (PROMOTE, ROLL_BACK):
        raise invalid(where, f"{action[:40]!r} is not a move")
    evidence = said.below("evidence")
    return ChannelState(
        repository=said.text("repository", default=""),
        policy=said.optional_hex("policy"),
        name=said.text("name"),
        channel=said.text("channel"),
        sequence=said.count("sequence", least=1),
        previous=said.optional_hex("previous"),
        action=action,
        version=release.text("version"),
        release_digest=release.hex("digest"),
        evidence={gate: evidence.hex(gate) for gate in evidence.values},
        reason=said.text("reason", default=""),
        at=said.text("at"),
    )
