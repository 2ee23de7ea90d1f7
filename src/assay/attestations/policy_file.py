"""The policy file: ``policy.yaml`` read, and a first one written.

::

    format: 1
    repository: 9f86d081884c7d659a2feaa0c55ad015
    people:
      ana:
        keys: [ssh-ed25519 AAAA… ana@laptop]
    groups:
      maintainers: [ana]
    allow:
      policy: [maintainers]
      create: [maintainers]
    channels:
      prod: {protected: true, requires: [integrity, metric]}
    revoked: []
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from assay.attestations.policy import ACTIONS, ChannelPolicy, Policy, is_channel
from assay.attestations.ssh_key import PublicKey, parse_public_key
from assay.core.yaml_reader import YamlProblem, line_of, read_mapping
from assay.errors import InvalidInput, Untrusted

FORMAT = 1
MAX_BYTES = 1 << 20

_REPOSITORY = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_TOP_KEYS = {"format", "repository", "people", "groups", "allow", "channels", "revoked"}

Place = tuple[str | int, ...]


def parse_policy(data: bytes, *, where: str) -> Policy:
    """The policy of a file's bytes.

    Raises :class:`InvalidInput` ``policy-invalid``, :class:`Untrusted` ``policy-newer-format``.
    Keys at the top that begin with ``x-`` are for people; any other unknown key is refused, for a
    demand that is not understood must not be passed over.
    """
    return _PolicyText(data, where).read()


class _PolicyText:
    """One file's bytes, and where in them a mistake is."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where

    def read(self) -> Policy:
        top = self._top()
        people = self._people(self._mapping(top, ("people",)))
        if not people:
            self._fail(("people",), "it names nobody")
        groups = self._groups(self._mapping(top, ("groups",)), people)
        repository = top.get("repository")
        if not isinstance(repository, str) or not _REPOSITORY.fullmatch(repository):
            self._fail(("repository",), "`repository` is 32 hexadecimal digits")
        return Policy(
            repository=repository,
            people=people,
            groups=groups,
            allow=self._allow(self._mapping(top, ("allow",)), people, groups),
            channels=self._channels(self._mapping(top, ("channels",))),
            revoked=self._revoked(top),
        )

    def _top(self) -> dict[str, Any]:
        if len(self._data) > MAX_BYTES:
            self._fail((), "it is far too large")
        try:
            top = read_mapping(self._data)
        except YamlProblem as problem:
            raise self._error(problem.why, problem.line) from None
        version = top.get("format")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._fail(("format",), "`format` is not 1")
        if version > FORMAT:
            raise Untrusted(
                "policy-newer-format",
                f"{self._where} has format {version}; this program reads format {FORMAT}.",
                why="A newer assay wrote it, so what it demands cannot be known.",
                fix="Upgrade assay.",
            )
        for key in top:
            if key not in _TOP_KEYS and not key.startswith("x-"):
                self._fail((key,), f"the key {key!r} is not known")
        return top

    def _mapping(self, holder: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
        value = holder.get(str(place[-1]))
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            self._fail(place, f"`{place[-1]}` is not a mapping")
        return value

    def _names(self, value: object, place: Place) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._fail(place, f"`{place[-1]}` is not a list of names")
        return value

    def _people(self, listed: Mapping[str, Any]) -> dict[str, tuple[PublicKey, ...]]:
        people: dict[str, tuple[PublicKey, ...]] = {}
        owners: dict[bytes, str] = {}
        for name, item in listed.items():
            place: Place = ("people", name)
            if not _NAME.fullmatch(name):
                self._fail(place, "a name has letters, digits, dots, dashes and underscores")
            if not isinstance(item, dict) or set(item) != {"keys"}:
                self._fail(place, "a person is a mapping with `keys`")
            lines = self._names(item["keys"], (*place, "keys"))
            people[name] = tuple(
                parse_public_key(line, where=f"{self._where}: people.{name}.keys[{at}]")
                for at, line in enumerate(lines)
            )
            for key in people[name]:
                if owners.setdefault(key.raw, name) != name:
                    self._fail(place, f"{owners[key.raw]} has the same key")
        return people

    def _groups(
        self, listed: Mapping[str, Any], people: Mapping[str, object]
    ) -> dict[str, tuple[str, ...]]:
        groups = {}
        for name, value in listed.items():
            if name in people:
                self._fail(("groups", name), f"{name!r} is a person as well")
            members = self._names(value, ("groups", name))
            for at, member in enumerate(members):
                if member not in people:
                    self._fail(("groups", name, at), f"{member!r} is nobody under `people`")
            groups[name] = tuple(members)
        return groups

    def _allow(
        self,
        listed: Mapping[str, Any],
        people: Mapping[str, object],
        groups: Mapping[str, tuple[str, ...]],
    ) -> dict[str, frozenset[str]]:
        allow: dict[str, frozenset[str]] = {}
        for action, value in listed.items():
            if action not in ACTIONS:
                self._fail(("allow", action), f"there is no action {action!r}")
            may: set[str] = set()
            for at, name in enumerate(self._names(value, ("allow", action))):
                if name not in people and name not in groups:
                    self._fail(("allow", action, at), f"{name!r} is neither a person nor a group")
                may.update(groups.get(name, (name,)))
            allow[action] = frozenset(may)
        return allow

    def _channels(self, listed: Mapping[str, Any]) -> dict[str, ChannelPolicy]:
        channels = {}
        for name, item in listed.items():
            place: Place = ("channels", name)
            if not is_channel(name):
                self._fail(place, "a channel's name has letters, then digits, `-` and `_` as well")
            if not isinstance(item, dict) or not set(item) <= {"protected", "requires"}:
                self._fail(place, "a channel is a mapping with `protected` and `requires`")
            is_protected = item.get("protected", True)
            if not isinstance(is_protected, bool):
                self._fail((*place, "protected"), "`protected` is true or false")
            requires = self._names(item.get("requires", []), (*place, "requires"))
            channels[name] = ChannelPolicy(is_protected=is_protected, requires=tuple(requires))
        return channels

    def _revoked(self, top: Mapping[str, Any]) -> frozenset[str]:
        names = self._names(top.get("revoked", []), ("revoked",))
        for at, name in enumerate(names):
            if not _FINGERPRINT.fullmatch(name):
                self._fail(("revoked", at), "a revoked key is named by its fingerprint SHA256:…")
        return frozenset(names)

    def _fail(self, place: Place, why: str) -> NoReturn:
        raise self._error(why, line_of(self._data, place) if place else None)

    def _error(self, why: str, line: int | None) -> InvalidInput:
        return InvalidInput(
            "policy-invalid",
            f"{self._where}{f':{line}' if line else ''} is not a valid policy: {why}.",
            why="Nobody's signature can be judged by it.",
            fix="Correct it; docs/reference/policy.md has every key.",
            paths=(self._where,),
        )


def first_policy(
    repository: str, person: str, key: PublicKey, channels: Mapping[str, Iterable[str]]
) -> bytes:
    """The text of a first policy, in which one person may do everything."""
    person = _word(person)
    lines = [
        "# Who may do what in this repository.  A change counts once somebody whom the policy in",
        "# force allows it has signed it: `assay policy sign`.",
        f"format: {FORMAT}",
        f"repository: {_word(repository)}",
        "people:",
        f"  {person}:",
        "    keys:",
        f"    - {key.line}",
        "groups:",
        f"  maintainers: [{person}]",
        "allow:",
        *(f"  {action}: [maintainers]" for action in ACTIONS),
        "channels:" if channels else "channels: {}",
    ]
    for name, requires in channels.items():
        listed = ", ".join(map(_word, requires))
        lines += [f"  {_word(name)}:", "    protected: true", f"    requires: [{listed}]"]
    return "\n".join([*lines, "revoked: []", ""]).encode("utf-8")


def _word(text: str) -> str:
    """Text as YAML reads it back: quoted where it would be a number or a mapping, as ``12e4``."""
    try:
        is_plain = read_mapping(f"{text}: [{text}]".encode()) == {text: [text]}
    except YamlProblem:
        is_plain = False
    return text if is_plain else json.dumps(text)
