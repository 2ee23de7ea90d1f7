"""Verbs that move channels: promote, roll back; and the one that forbids: quarantine."""

from __future__ import annotations

from dataclasses import dataclass

from assay.api.context import Context
from assay.api.releases.desk import Desk, open_desk
from assay.errors import AssayError, Conflict, InvalidInput, NotFound
from assay.releases.channel import PROMOTE, ROLL_BACK, ChannelState
from assay.releases.declared import ChannelDeclaration
from assay.releases.judge import (
    Evidence,
    Signed,
    demands,
    require_free,
    require_gates,
    require_tag,
    unsigned,
)
from assay.releases.ledger import Publication, RecordChange, Tag
from assay.releases.names import (
    Reference,
    channel_tag,
    channels_ref,
    quarantine_ref,
    version_tag,
)
from assay.releases.quarantine import Quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A channel's move: what it serves now, and what it served before (empty: nothing)."""

    state: ChannelState
    signed_by: str
    before: str
    is_dry_run: bool = False


def promote(
    context: Context,
    reference: Reference,
    channel: str,
    *,
    reason: str = "",
    dry_run: bool = False,
) -> Moved:
    """Let a channel serve a release that has passed what the channel requires.

    Raises :class:`GateFailed`, :class:`Inconclusive`, :class:`Quarantined`, :class:`Untrusted`.
    """
    with context.changing(), open_desk(context, must_sync=not dry_run) as desk:
        evidence = desk.ledger.evidence(reference.name, reference.version)
        return _move(desk, evidence, channel, PROMOTE, reason, dry_run)


def roll_back(
    context: Context,
    reference: Reference,
    *,
    to: str | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Moved:
    """Let a channel serve again what it served before: the last release that may be served.

    ``to`` names the version instead.  Raises :class:`NotFound` ``rollback-impossible``.
    """
    with context.changing(), open_desk(context, must_sync=not dry_run) as desk:
        states = desk.ledger.states(reference.name, reference.channel)
        if not states:
            raise _never_served(reference)
        evidence = _earlier(desk, reference, states, to)
        return _move(desk, evidence, reference.channel, ROLL_BACK, reason, dry_run)


def _never_served(reference: Reference) -> NotFound:
    return NotFound(
        "channel-empty",
        f"Channel {reference} never served anything.",
        fix=f"Promote a release to it: `assay promote {reference.name}@VERSION "
        f"{reference.channel}`.",
    )


def _earlier(
    desk: Desk, reference: Reference, states: list[Signed[ChannelState]], to: str | None
) -> Evidence:
    """The release to go back to."""
    current = states[-1].value.version
    served = list(dict.fromkeys(state.value.version for state in reversed(states)))
    if to is not None and to not in served:
        raise NotFound(
            "rollback-impossible",
            f"Channel {reference} never served {to}.",
            why=f"It served: {', '.join(served)}.",
            fix=f"To serve it for the first time, promote it: `assay promote {reference.name}@{to} "
            f"{reference.channel}`.",
        )
    refused: list[str] = []
    for version in [to] if to is not None else [v for v in served if v != current]:
        evidence = desk.ledger.evidence(reference.name, version)
        try:
            _require_fit(desk, evidence, reference.channel)
        except AssayError as error:
            if to is not None:
                raise
            refused.append(f"{version}: {error.what}")
            continue
        return evidence
    raise NotFound(
        "rollback-impossible",
        f"There is nothing that channel {reference} could go back to.",
        why=" ".join(refused) or f"It has only ever served {current}.",
        fix="Make and promote a new version.",
    )


def _require_fit(desk: Desk, evidence: Evidence, channel: str) -> ChannelDeclaration:
    """Everything that a consumer of the channel would demand as well."""
    release = evidence.release
    require_free(evidence)
    require_tag(evidence)
    wanted = demands(release.value, channel, desk.trust)
    if wanted.is_protected and not release.signed_by:
        raise unsigned(release.value.title)
    require_gates(evidence, wanted.requires, signed=wanted.is_protected)
    return wanted


def _move(
    desk: Desk, evidence: Evidence, channel: str, action: str, reason: str, dry_run: bool
) -> Moved:
    release = evidence.release
    _require_known_channel(desk, evidence, channel)
    wanted = _require_fit(desk, evidence, channel)
    signed_by = desk.require_allowed("promote")
    if wanted.is_protected and not signed_by:
        raise unsigned(f"The move of channel {release.value.name}@{channel}")
    states = desk.ledger.states(release.value.name, channel)
    before = states[-1] if states else None
    if before is not None and before.value.release_digest == release.digest:
        raise Conflict(
            "channel-unchanged",
            f"Channel {release.value.name}@{channel} serves {release.value.version} already.",
            fix="Nothing needs to be done.",
        )
    state = ChannelState(
        repository=desk.repository_id,
        policy=desk.policy_digest,
        name=release.value.name,
        channel=channel,
        sequence=len(states) + 1,
        previous=before.digest if before else None,
        action=action,
        version=release.value.version,
        release_digest=release.digest,
        evidence={gate: evidence.results[gate].digest for gate in wanted.requires},
        reason=reason,
        at=desk.now,
    )
    moved = Moved(
        state=state,
        signed_by=signed_by,
        before=before.value.version if before else "",
        is_dry_run=dry_run,
    )
    if not dry_run:
        _publish_state(desk, evidence, state)
    return moved


def _require_known_channel(desk: Desk, evidence: Evidence, channel: str) -> None:
    release = evidence.release.value
    in_policy = desk.trust is not None and channel in desk.trust.policy.channels
    if channel in release.channels or in_policy:
        return
    known = ", ".join(release.channels)
    raise NotFound(
        "channel-unknown",
        f"{release.title} declares no channel {channel!r}.",
        why=f"It declares: {known}." if known else "It declares none.",
        fix="Declare it in assay.yaml under `channels:`, commit, and make a new version.",
    )


def _publish_state(desk: Desk, evidence: Evidence, state: ChannelState) -> None:
    ref = channels_ref(state.name)
    envelope, digest = desk.seal(state.statement())
    change = RecordChange(
        ref=ref,
        before=desk.ledger.record(ref),
        files={f"{state.channel}/{state.sequence:06d}.json": envelope},
        message=f"{state.action} {state.name}@{state.version} to {state.channel}\n\n{state.reason}",
        about=(evidence.release.value.commit,),
    )
    tag = Tag(
        name=channel_tag(state.name, state.channel, _next_number(desk, state.name)),
        commit=evidence.release.value.commit,
        message=f"{state.name}@{state.channel} serves {state.version}\n\n"
        f"{state.reason or '-'}\n\nassay-channel-state: {digest}",
    )
    desk.publish(Publication(records=[change], tags=[tag]))


def _next_number(desk: Desk, name: str) -> int:
    """One more than any number on a tag of the name, as GTO counts them."""
    numbers = [tag.rpartition("#")[2] for tag in desk.tags(name)]
    found = [int(text) for text in numbers if text.isascii() and text.isdigit()]
    return max(found, default=0) + 1


# -- quarantine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineResult:
    """A release that is forbidden now, and the channels that still serve it."""

    quarantine: Quarantine
    signed_by: str
    served_by: tuple[str, ...]


def quarantine(context: Context, reference: Reference, *, reason: str) -> QuarantineResult:
    """Forbid a release everywhere, for good.  Raises :class:`Conflict` when it is already."""
    if not reason.strip():
        raise InvalidInput(
            "reason-missing",
            "Say why the release is forbidden.",
            fix='assay quarantine NAME@VERSION -m "what is wrong with it"',
        )
    with context.changing(), open_desk(context, must_sync=True) as desk:
        evidence = desk.ledger.evidence(reference.name, reference.version)
        signed_by = desk.require_allowed("quarantine")
        if evidence.quarantine is not None:
            raise Conflict(
                "release-quarantined-already",
                f"{reference} is in quarantine already: {evidence.quarantine.value.reason}.",
            )
        record = Quarantine(
            repository=desk.repository_id,
            policy=desk.policy_digest,
            name=reference.name,
            version=reference.version,
            release_digest=evidence.release.digest,
            reason=reason,
            at=desk.now,
        )
        served_by = _served_by(desk, reference)
        _publish_quarantine(desk, evidence, record)
        return QuarantineResult(quarantine=record, signed_by=signed_by, served_by=served_by)


def _served_by(desk: Desk, reference: Reference) -> tuple[str, ...]:
    found = []
    for channel in desk.ledger.channels(reference.name):
        states = desk.ledger.states(reference.name, channel)
        if states and states[-1].value.version == reference.version:
            found.append(channel)
    return tuple(found)


def _publish_quarantine(desk: Desk, evidence: Evidence, record: Quarantine) -> None:
    ref = quarantine_ref(record.name)
    envelope, digest = desk.seal(record.statement())
    change = RecordChange(
        ref=ref,
        before=desk.ledger.record(ref),
        files={f"{record.version}.json": envelope},
        message=f"Quarantine {record.name}@{record.version}\n\n{record.reason}",
        about=(evidence.release.value.commit,),
    )
    name = f"{version_tag(record.name, record.version)}!"
    tags = []
    if name not in desk.tags(record.name):
        text = f"Quarantined: {record.reason}\n\nassay-quarantine: {digest}"
        tags.append(Tag(name=name, commit=evidence.release.value.commit, message=text))
    desk.publish(Publication(records=[change], tags=tags))
