"""Verbs that look at releases: list, show."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.api.context import Context
from assay.api.releases.desk import Desk, open_desk
from assay.errors import AssayError, IntegrityError, NotFound, Untrusted
from assay.releases.channel import ChannelState
from assay.releases.judge import Evidence, Signed
from assay.releases.names import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One line of the list: what is known of a release, or the ``problem`` of its records.

    ``channels`` serve it now.
    """

    title: str
    evidence: Evidence | None
    channels: tuple[str, ...] = ()
    problem: AssayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """A release with what is known of it; ``history`` has the states of each channel it was in."""

    evidence: Evidence
    channels: tuple[str, ...] = ()
    history: dict[str, list[Signed[ChannelState]]] = field(default_factory=dict)
    has_policy: bool = False


def list_releases(context: Context, name: str = "") -> list[ReleaseRow]:
    """Every release (of one name), oldest version first; synchronised where that is possible.

    A record that cannot be trusted is a row of its own: it must not hide the others.
    """
    with open_desk(context) as desk:
        served: dict[str, dict[str, list[str]]] = {}
        return [_row(desk, served, *pair) for pair in desk.ledger.versions(name)]


def _row(
    desk: Desk, served: dict[str, dict[str, list[str]]], name: str, version: str
) -> ReleaseRow:
    title = f"{name}@{version}"
    try:
        evidence = desk.ledger.evidence(name, version)
        if name not in served:
            served[name] = _served(desk, name)
    except (IntegrityError, Untrusted) as error:
        return ReleaseRow(title=title, evidence=None, problem=error)
    return ReleaseRow(title=title, evidence=evidence, channels=tuple(served[name].get(version, ())))


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
