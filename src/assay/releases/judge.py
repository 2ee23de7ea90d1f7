"""Judging a release by what the repository says of it: bytes in, verdict out, nothing read.

Whoever takes a release judges it here: the consumer before its first byte is used, the promoter
before a channel moves.  The state machine is pure, as The Update Framework's reference client has
it: the caller brings the records, and what it remembers of earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from assay.attestations.envelope import decode
from assay.attestations.statement import Statement, parse_statement, statement_digest
from assay.attestations.trust import Trust
from assay.errors import AssayError, GateFailed, Inconclusive, NotFound, Untrusted
from assay.releases import channel as channels
from assay.releases import gate_result as gates
from assay.releases import quarantine as quarantines
from assay.releases import release as releases
from assay.releases.channel import ChannelState
from assay.releases.declared import ChannelDeclaration
from assay.releases.gate_result import FAIL, GateResult
from assay.releases.quarantine import Quarantine, forbidden
from assay.releases.release import Release

T = TypeVar("T")
Files = Mapping[str, bytes]

RELEASE_FILE = "release.json"
_GATE_FILE = re.compile(r"gates/([^/]+)/([0-9]{6})\.json")
_STATE_FILE = re.compile(r"([^/]+)/([0-9]{6})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Generic[T]):
    """A record's value, its name (the digest of the statement), and who vouches for it.

    ``signed_by`` is a person of the policy and ``policy_number`` the version of it that allowed
    them to sign, from 1; empty and 0 for what is UNSIGNED.
    """

    value: T
    digest: str
    signed_by: str
    policy_number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a repository says about one release.

    ``tag_commit`` is where the tag ``NAME@vVERSION`` leads, None where there is none.
    ``results`` has the latest result of each gate; ``stale`` says of others why they do not count.
    """

    release: Signed[Release]
    files: Files
    results: Mapping[str, Signed[GateResult]] = field(default_factory=dict)
    stale: Mapping[str, str] = field(default_factory=dict)
    quarantine: Signed[Quarantine] | None = None
    tag_commit: str | None = None


# -- reading records ----------------------------------------------------------------------


def open_record(
    data: bytes,
    trust: Trust | None,
    *,
    kind: str,
    action: str,
    where: str,
    parse: Callable[..., T],
) -> Signed[T]:
    """A record whose signature, where it has one, is by somebody who may do ``action``.

    Without a policy nobody's signature means anything, so everything is UNSIGNED.
    """
    envelope = decode(data, where=where)
    statement = parse_statement(envelope.payload, kind=kind, where=where)
    signed_by, number = "", 0
    if trust is not None and envelope.signatures:
        signed_by = trust.signer_of(envelope, statement, action, where=where)
        number = trust.number(statement.predicate.get("policy"))
    _require_repository(statement, trust, where)
    return Signed(
        value=parse(statement, where=where),
        digest=statement_digest(envelope.payload),
        signed_by=signed_by,
        policy_number=number,
    )


def _require_repository(statement: Statement, trust: Trust | None, where: str) -> None:
    said = statement.predicate.get("repository")
    if trust is not None and said and said != trust.policy.repository:
        raise Untrusted(
            "repository-differs",
            f"{where} was made for another repository.",
            why="Its repository id is not this repository's.",
            fix="Do not use it; ask who copied it here.",
        )


def read_release(files: Files, name: str, version: str, trust: Trust | None) -> Signed[Release]:
    """The release of its ref's files; it must be the one that the ref is named after."""
    where = f"release {name}@{version}"
    data = files.get(RELEASE_FILE)
    if data is None:
        raise NotFound("release-unknown", f"{where} has no record.", why=f"No {RELEASE_FILE}.")
    found = open_record(
        data,
        trust,
        kind=releases.KIND,
        action="create",
        where=where,
        parse=releases.parse_release,
    )
    if (found.value.name, found.value.version) != (name, version):
        raise Untrusted(
            "release-misplaced",
            f"The record under {where} is that of {found.value.title}.",
            why="Somebody moved it there.",
            fix="Do not use it; ask who pushed to refs/assay/releases/.",
        )
    return found


def read_results(
    files: Files, release: Signed[Release], trust: Trust | None
) -> tuple[dict[str, Signed[GateResult]], dict[str, str]]:
    """``(the latest result of each gate that counts, why others do not)``."""
    latest: dict[str, str] = {}
    for path in sorted(files):
        match = _GATE_FILE.fullmatch(path)
        if match:
            latest[match[1]] = path
    results: dict[str, Signed[GateResult]] = {}
    stale: dict[str, str] = {}
    for gate, path in latest.items():
        where = f"result of gate {gate} for {release.value.title}"
        found = open_record(
            files[path],
            trust,
            kind=gates.KIND,
            action="gate",
            where=where,
            parse=gates.parse_result,
        )
        why = _why_stale(found, gate, release)
        if why:
            stale[gate] = why
        else:
            results[gate] = found
    return results, stale


def _why_stale(found: Signed[GateResult], gate: str, release: Signed[Release]) -> str:
    result = found.value
    if result.release_digest != release.digest:
        return f"its result is for other bytes (of {result.name}@{result.version})"
    definition = release.value.gates.get(gate)
    if definition is None:
        return "the release declares no such gate"
    if result.gate != gate or result.definition != definition.digest:
        return "its result answers another question than the release asks"
    if _is_backdated(found, release.policy_number):
        return "its result is signed in the name of an older policy than the release"
    return ""


def _is_backdated(record: Signed[Any], number: int) -> bool:
    """Whether a record names an older policy than version ``number``, which it came after.

    Whoever the policy no longer allows something can still sign in the name of the version that
    did; so no record may go back to before what it builds on.
    """
    return bool(record.signed_by) and record.policy_number < number


def read_states(
    files: Files, name: str, channel: str, trust: Trust | None
) -> list[Signed[ChannelState]]:
    """Every state of a channel, oldest first, each the successor of the one before it."""
    numbers = sorted(
        int(match[2])
        for path in files
        if (match := _STATE_FILE.fullmatch(path)) and match[1] == channel
    )
    states: list[Signed[ChannelState]] = []
    for number in numbers:
        where = f"state {number} of channel {name}@{channel}"
        found = open_record(
            files[f"{channel}/{number:06d}.json"],
            trust,
            kind=channels.KIND,
            action="promote",
            where=where,
            parse=channels.parse_state,
        )
        state = found.value
        before = states[-1].digest if states else None
        is_next = state.sequence == number == len(states) + 1 and state.previous == before
        if not is_next or (state.name, state.channel) != (name, channel):
            raise Untrusted(
                "channel-broken",
                f"The history of channel {name}@{channel} is not whole at state {number}.",
                why="A state is missing, or was put where it does not belong.",
                fix="Fetch the records again; if it stays so, ask who pushed to refs/assay/.",
            )
        if _is_backdated(found, max((s.policy_number for s in states), default=0)):
            raise _backdated(where, "a state before it")
        states.append(found)
    return states


def _backdated(where: str, earlier: str) -> Untrusted:
    return Untrusted(
        "signature-untrusted",
        f"{where[:1].upper()}{where[1:]} is signed in the name of an older policy than {earlier}.",
        why="Whoever signed it may no longer be allowed to.",
        fix="Do not use it; ask the repository's maintainers (`assay policy show`).",
    )


def read_quarantines(files: Files, name: str, trust: Trust | None) -> dict[str, Signed[Quarantine]]:
    """What is forbidden of a name, by version."""
    found = {}
    for path, data in sorted(files.items()):
        version = path.removesuffix(".json")
        where = f"quarantine of {name}@{version}"
        record = open_record(
            data,
            trust,
            kind=quarantines.KIND,
            action="quarantine",
            where=where,
            parse=quarantines.parse_quarantine,
        )
        if (record.value.name, record.value.version) == (name, version):
            found[version] = record
    return found


# -- demands ------------------------------------------------------------------------------


def demands(release: Release, channel: str, trust: Trust | None) -> ChannelDeclaration:
    """What a channel demands: what the release declares, and on top what the policy says.

    With a policy only the policy can take a channel's protection away: the release's own commit
    must not.
    """
    declared = release.channels.get(channel)
    requires = dict.fromkeys(declared.requires if declared else release.gates)
    is_protected = declared.is_protected if declared else True
    if trust is not None:
        wanted = trust.policy.channel(channel)
        requires.update(dict.fromkeys(wanted.requires))
        is_protected = wanted.is_protected
    return ChannelDeclaration(is_protected=is_protected, requires=tuple(requires))


def require_gates(evidence: Evidence, required: Iterable[str], *, signed: bool) -> None:
    """Raise unless every required gate has passed on exactly these bytes.

    :class:`GateFailed` for a fail, else :class:`Inconclusive` for no verdict or no result, else
    :class:`Untrusted` where ``signed`` and nobody vouches for a result.
    """
    title = evidence.release.value.title
    open_: list[AssayError] = []
    for gate in required:
        found = evidence.results.get(gate)
        if found is None:
            open_.append(_missing(title, gate, evidence.stale.get(gate, "")))
        elif found.value.verdict.verdict == FAIL:
            raise failed(title, found.value)
        elif not found.value.verdict.is_pass:
            open_.append(inconclusive(title, found.value))
        elif signed and not found.signed_by:
            open_.append(unsigned(f"The result of gate {gate!r} for {title}"))
    for kind in (Inconclusive, Untrusted):
        for error in open_:
            if isinstance(error, kind):
                raise error


def failed(title: str, result: GateResult) -> GateFailed:
    """The error for a gate that says no."""
    measured = result.verdict.measured()
    return GateFailed(
        "gate-failed",
        f"Gate {result.gate!r} failed for {title}{': ' + measured if measured else ''}.",
        why=result.verdict.detail or "It says that this release is not as it must be.",
        fix="Make a new version that passes; a release never changes.",
    )


def inconclusive(title: str, result: GateResult) -> Inconclusive:
    """The error for a gate that came to no verdict."""
    return Inconclusive(
        "gate-inconclusive",
        f"Gate {result.gate!r} came to no verdict about {title}.",
        why=result.verdict.detail or "It neither passed nor failed.",
        fix=f"Mend what kept it from one, then run `assay gate run {title} {result.gate}` again.",
    )


def _missing(title: str, gate: str, why: str) -> Inconclusive:
    return Inconclusive(
        "gate-missing",
        f"Gate {gate!r} has no result that counts for {title}.",
        why=f"{why[:1].upper()}{why[1:]}." if why else "It was never run on this release.",
        fix=f"Run it: `assay gate run {title} {gate}`.",
    )


def unsigned(what: str) -> Untrusted:
    """The error for a record that nobody vouches for where somebody must."""
    return Untrusted(
        "release-unsigned",
        f"{what} is UNSIGNED.",
        why="Nobody vouches for it, so it cannot enter or leave a protected channel.",
        fix="Sign with a key that the policy knows (`assay policy init` makes both, `assay policy "
        "show` says who may), or declare the channel `protected: false`.",
    )


def require_tag(evidence: Evidence) -> None:
    """Raise :class:`Untrusted` ``tag-moved`` where the version's tag leads elsewhere."""
    release = evidence.release.value
    if evidence.tag_commit not in (None, release.commit):
        raise Untrusted(
            "tag-moved",
            f"The tag of {release.title} was moved to {str(evidence.tag_commit)[:12]}.",
            why=f"The release was made from {release.commit[:12]}; tags can be moved by anyone who "
            "may push, releases cannot.",
            fix="Find out who moved it, then put it back: "
            f"`git tag -f {release.name.replace('/', '=')}@v{release.version} "
            f"{release.commit[:12]}`.",
        )


def require_free(evidence: Evidence) -> None:
    """Raise :class:`assay.errors.Quarantined` for a forbidden release."""
    found = evidence.quarantine
    if found is not None:
        raise forbidden(evidence.release.value.title, found.value.reason, found.signed_by)


def require_state(evidence: Evidence, state: Signed[ChannelState]) -> None:
    """Raise :class:`Untrusted` unless a channel's state binds exactly this release."""
    release, said = evidence.release, state.value
    if (said.version, said.release_digest) != (release.value.version, release.digest):
        raise Untrusted(
            "release-replaced",
            f"Channel {said.name}@{said.channel} serves another {release.value.title} "
            "than the one there is.",
            why="The record of the version was replaced after it was promoted.",
            fix="Do not use it; ask who pushed to refs/assay/releases/.",
        )
    if _is_backdated(state, release.policy_number):
        where = f"state {said.sequence} of channel {said.name}@{said.channel}"
        raise _backdated(where, "the release that it serves")
