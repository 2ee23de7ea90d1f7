"""Verbs that look at releases: list, show."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.api.context import Context
from assay.api.desk import Desk, open_desk
from assay.errors import NotFound
from assay.releases.channel import ChannelState
from assay.releases.judge import Evidence, Signed
from assay.releases.names import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One line of the list.  ``channels`` serve it now."""

    evidence: Evidence
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """A release with what is known of it; ``history`` has the states of each channel it was in."""

    evidence: Evidence
    channels: tuple[str, ...] = ()
    history: dict[str, list[Signed[ChannelState]]] = field(default_factory=dict)
    has_policy: bool = False


def list_releases(context: Context, name: str = "") -> list[ReleaseRow]:
    """Every release (of one name), oldest version first; synchronised where that is possible."""
    with open_desk(context) as desk:
        served: dict[str, dict[str, list[str]]] = {}
        rows = []
        for each, version in desk.ledger.versions(name):
            if each not in served:
                served[each] = _served(desk, each)
            rows.append(
                ReleaseRow(
                    evidence=desk.ledger.evidence(each, version),
                    channels=tuple(served[each].get(version, ())),
                )
            )
        return rows


def _served(desk: Desk, name: str) -> dict[str, list[str]]:
    """Channels by the version that they serve now."""
    found: dict[str, list[str]] = {}
    for channel in desk.ledger.channels(name):
        states = desk.ledger.states(name, channel)
        if states:
            found.setdefault(states[-1].value.version, []).append(channel)
    return found


def show_release(context: Context, reference: Reference) -> ReleaseView:
    """One release, by version or by the channel that serves it."""
    with open_desk(context) as desk:
        version = reference.version or current_version(desk, reference)
        history = {
            channel: desk.ledger.states(reference.name, channel)
            for channel in desk.ledger.channels(reference.name)
        }
        mine = {
            channel: states
            for channel, states in history.items()
            if any(state.value.version == version for state in states)
        }
        return ReleaseView(
            evidence=desk.ledger.evidence(reference.name, version),
            channels=tuple(c for c, states in mine.items() if states[-1].value.version == version),
            history=mine,
            has_policy=desk.trust is not None,
        )


def current_version(desk: Desk, reference: Reference) -> str:
    """What a channel serves; raises :class:`NotFound` ``channel-empty``."""
    states = desk.ledger.states(reference.name, reference.channel)
    if not states:
        raise NotFound(
            "channel-empty",
            f"Channel {reference} serves nothing.",
            why="Nothing was ever promoted to it.",
            fix=f"`assay promote {reference.name}@VERSION {reference.channel}`",
        )
    return states[-1].value.version
