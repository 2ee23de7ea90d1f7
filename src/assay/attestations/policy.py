"""The trust policy: people, their keys, and who may do what.  A value that exists is valid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.attestations.ssh_key import PublicKey

ACTIONS = ("policy", "create", "gate", "promote", "quarantine", "run")
"""What a policy can allow: changing itself, making a release, recording a gate's result, moving
a channel, forbidding a release, and recording what a job made."""

_CHANNEL = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_MOST_CHARACTERS = 100


def is_channel(text: str) -> bool:
    """Whether a channel may be called so; nothing that reads as a version is one."""
    return (
        bool(_CHANNEL.fullmatch(text))
        and len(text) <= _MOST_CHARACTERS
        and not re.fullmatch(r"v[0-9.].*", text)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """What a channel demands of a release, besides what the release itself declares.

    A protected channel takes and serves only what is signed by whoever may sign it.
    """

    is_protected: bool = True
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of the policy.

    ``people`` has each person's keys, ``groups`` people by group, ``allow`` people by action
    (groups resolved), ``revoked`` fingerprints of keys that no longer count for anything.
    """

    repository: str
    people: Mapping[str, tuple[PublicKey, ...]]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow: Mapping[str, frozenset[str]] = field(default_factory=dict)
    channels: Mapping[str, ChannelPolicy] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()

    def channel(self, name: str) -> ChannelPolicy:
        """What holds for a channel; one that is not named is protected."""
        return self.channels.get(name, ChannelPolicy())

    @property
    def keys(self) -> list[PublicKey]:
        """Every key that may count for something."""
        listed = [key for keys in self.people.values() for key in keys]
        return [key for key in listed if key.fingerprint not in self.revoked]

    def person(self, key: PublicKey) -> str | None:
        """Whose key this is."""
        for name, keys in self.people.items():
            if any(known.raw == key.raw for known in keys):
                return name
        return None

    def allowed(self, action: str, keys: Iterable[PublicKey]) -> str | None:
        """The person among the holders of ``keys`` who may do ``action``, or ``None``."""
        may = self.allow.get(action, frozenset())
        for key in keys:
            name = self.person(key)
            if name in may and key.fingerprint not in self.revoked:
                return name
        return None
