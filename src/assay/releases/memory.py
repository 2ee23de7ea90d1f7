"""What a consumer remembers of a repository, so that nobody can show it an older one.

Pure: :func:`refuse_older` compares what is seen with what was seen before, :func:`remembering`
adds it.  ``memory_file.py`` keeps it on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assay.attestations.trust import Trust
from assay.errors import Untrusted
from assay.releases.channel import ChannelState
from assay.releases.judge import Evidence, Signed
from assay.releases.quarantine import forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was seen of one repository.

    ``root`` is the policy's root, ``policy`` the digest of its newest version, ``channels`` the
    ``(sequence, digest)`` of the newest state by reference, ``releases`` the digest of each
    version, ``quarantined`` the reason by reference.
    """

    root: str | None = None
    policy: str | None = None
    channels: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)
    quarantined: Mapping[str, str] = field(default_factory=dict)


def refuse_other_root(memory: Memory, trust: Trust | None, pinned: str | None) -> None:
    """Raise :class:`Untrusted` where the policy is not the one that is trusted.

    ``pinned`` is the root that whoever runs this demands; without one, the first that was seen.
    """
    wanted = pinned or memory.root
    if wanted is None:
        return
    if trust is None:
        raise Untrusted(
            "policy-vanished",
            "The repository has no policy, but one is expected.",
            why=f"The policy with the root {wanted[:16]} was "
            f"{'demanded' if pinned else 'seen here before'}.",
            fix="Fetch refs/assay/policy; if it is gone, ask who deleted it.",
        )
    if trust.root != wanted:
        raise Untrusted(
            "policy-root-differs",
            f"The repository's policy has the root {trust.root[:16]}, not {wanted[:16]}.",
            why="It is not the policy that is trusted, nor a successor of it.",
            fix="Ask the maintainers; only if they say that they began a new policy, pin its root: "
            "`assay config trust.policy_root ROOT`.",
        )
    # Not how many versions were seen but which: somebody whom the newest one revokes can still
    # sign another successor of the one before it.
    if trust.root == memory.root and memory.policy and trust.version(memory.policy) is None:
        raise Untrusted(
            "policy-rolled-back",
            f"The repository's policy no longer holds the version {memory.policy[:16]}.",
            why="It was seen before; somebody took that change of the policy back.",
            fix="Fetch refs/assay/policy again; if it stays so, ask who pushed to it.",
        )


def refuse_older(memory: Memory, evidence: Evidence, state: Signed[ChannelState] | None) -> None:
    """Raise where the repository says less than it said before.

    :class:`assay.errors.Quarantined` for a release that was once seen in quarantine,
    :class:`Untrusted` for a replaced release or an older channel state.
    """
    release = evidence.release
    title = release.value.title
    if title in memory.quarantined:
        raise forbidden(title, memory.quarantined[title], "")
    known = memory.releases.get(title)
    if known is not None and known != release.digest:
        raise Untrusted(
            "release-replaced",
            f"{title} is not the release that it was.",
            why=f"Its digest was {known[:16]} and is now {release.digest[:16]}; "
            "a release never changes.",
            fix="Do not use it; ask who pushed to refs/assay/releases/.",
        )
    if state is not None:
        _refuse_older_state(memory, state)


def _refuse_older_state(memory: Memory, state: Signed[ChannelState]) -> None:
    reference = f"{state.value.name}@{state.value.channel}"
    known = memory.channels.get(reference)
    if known is None:
        return
    sequence, digest = known
    is_same = state.value.sequence == sequence and state.digest == digest
    if state.value.sequence <= sequence and not is_same:
        raise Untrusted(
            "channel-rolled-back",
            f"Channel {reference} shows state {state.value.sequence}; state {sequence} "
            "was seen before.",
            why="Somebody put an older state, or another one, in place of the newest.",
            fix="Fetch the records again; if it stays so, ask who pushed to refs/assay/channels/.",
        )


def remembering(
    memory: Memory,
    trust: Trust | None,
    evidence: Evidence | None = None,
    state: Signed[ChannelState] | None = None,
    quarantined: Mapping[str, str] | None = None,
) -> Memory:
    """``memory`` with what was just seen."""
    if trust is not None:
        memory = replace(memory, root=trust.root, policy=trust.current.digest)
    if evidence is not None:
        title = evidence.release.value.title
        memory = replace(memory, releases={**memory.releases, title: evidence.release.digest})
    if state is not None:
        reference = f"{state.value.name}@{state.value.channel}"
        newest = (state.value.sequence, state.digest)
        memory = replace(memory, channels={**memory.channels, reference: newest})
    if quarantined:
        memory = replace(memory, quarantined={**memory.quarantined, **quarantined})
    return memory
