"""Admitting a release: everything that a consumer demands before its first byte is used."""

from __future__ import annotations

from dataclasses import dataclass

from assay.attestations.trust import Trust
from assay.errors import NotFound, Untrusted
from assay.releases.channel import ChannelState
from assay.releases.judge import (
    Evidence,
    Signed,
    demands,
    require_free,
    require_gates,
    require_state,
    require_tag,
    unsigned,
)
from assay.releases.ledger import Ledger
from assay.releases.memory import Memory, refuse_older, refuse_other_root, remembering
from assay.releases.names import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A release that may be used; ``state`` is that of the channel it was asked for by."""

    evidence: Evidence
    state: Signed[ChannelState] | None
    trust: Trust | None

    @property
    def is_unsigned(self) -> bool:
        """Whether nobody vouches for it."""
        return not self.evidence.release.signed_by


def remember_trust(ledger: Ledger, name: str, memory: Memory, pinned: str | None) -> Memory:
    """What is remembered before anything is judged: the policy, and what is forbidden.

    A refusal must not keep a consumer from remembering a quarantine.  Raises :class:`Untrusted`
    where the policy is not the one that is trusted.
    """
    refuse_other_root(memory, ledger.trust, pinned)
    forbidden = {
        f"{name}@{version}": record.value.reason
        for version, record in ledger.quarantines(name).items()
    }
    return remembering(memory, ledger.trust, quarantined=forbidden)


def admit(
    ledger: Ledger, reference: Reference, memory: Memory, *, unproven: bool = False
) -> Admitted:
    """The release that a reference means, if everything about it holds.

    A channel's release must be what the channel state binds, with everything that the channel
    requires.  An exact version must have passed every gate that it declares and, where there is
    a policy, be signed; ``unproven`` does without these two.  Nothing does without the rest.
    """
    state = _state_of(ledger, reference, memory)
    version = state.value.version if state else reference.version
    evidence = ledger.evidence(reference.name, version)
    require_free(evidence)
    refuse_older(memory, evidence, state)
    require_tag(evidence)
    release = evidence.release
    if state is not None:
        require_state(evidence, state)
        wanted = demands(release.value, reference.channel, ledger.trust)
        if wanted.is_protected:
            for what, by in (
                (release.value.title, release.signed_by),
                (reference, state.signed_by),
            ):
                if not by:
                    raise unsigned(str(what))
        require_gates(evidence, wanted.requires, signed=wanted.is_protected)
    elif not unproven:
        if ledger.trust is not None and not release.signed_by:
            raise unsigned(release.value.title)
        require_gates(evidence, release.value.gates, signed=ledger.trust is not None)
    return Admitted(evidence=evidence, state=state, trust=ledger.trust)


def _state_of(ledger: Ledger, reference: Reference, memory: Memory) -> Signed[ChannelState] | None:
    if not reference.channel:
        return None
    states = ledger.states(reference.name, reference.channel)
    if states:
        return states[-1]
    if str(reference) in memory.channels:
        raise Untrusted(
            "channel-rolled-back",
            f"Channel {reference} serves nothing, but it did before.",
            why="Somebody deleted its record.",
            fix="Fetch the records again; if it stays so, ask who pushed to refs/assay/channels/.",
        )
    raise NotFound(
        "channel-empty",
        f"Channel {reference} serves nothing.",
        why="Nothing was ever promoted to it.",
        fix=f"`assay promote {reference.name}@VERSION {reference.channel}`",
    )
