"""The policy file: what it says is what counts, and every mistake names its file and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.attestations.policy import ACTIONS, ChannelPolicy
from assay.attestations.policy_file import MAX_BYTES, first_policy, parse_policy
from assay.attestations.ssh_key import PublicKey
from assay.errors import InvalidInput, Untrusted

ANA, BEN, EVE = (PublicKey(raw=bytes([n]) * 32, comment=f"key {n}") for n in (1, 2, 3))
WHERE = "policy.yaml"
TEXT = f"""\
format: 1
repository: 0123456789abcdef0123456789abcdef
people:
  ana:
    keys:
    - {ANA.line}
  ben:
    keys: []
groups:
  maintainers: [ana, ben]
allow:
  policy: [maintainers]
  create: [ana]
channels:
  prod:
    protected: true
    requires: [integrity]
  staging: {{protected: false}}
revoked: []
"""


def parse(text: str | bytes) -> Any:
    return parse_policy(text.encode() if isinstance(text, str) else text, where=WHERE)


def test_it_says_who_may_do_what() -> None:
    policy = parse(TEXT)
    assert policy.repository == "0123456789abcdef0123456789abcdef"
    assert policy.people == {"ana": (ANA,), "ben": ()}
    assert policy.allow["policy"] == frozenset({"ana", "ben"})
    assert policy.allowed("policy", [ANA]) == "ana"
    assert policy.allowed("create", [EVE, ANA]) == "ana"
    assert policy.allowed("create", [BEN, EVE]) is None
    assert policy.person(ANA) == "ana"
    assert policy.person(EVE) is None


def test_what_is_not_allowed_to_anybody_nobody_may() -> None:
    policy = parse(TEXT)
    assert [action for action in ACTIONS if policy.allowed(action, [ANA])] == ["policy", "create"]


def test_a_channel_is_protected_unless_the_policy_says_otherwise() -> None:
    policy = parse(TEXT)
    assert policy.channel("prod") == ChannelPolicy(is_protected=True, requires=("integrity",))
    assert not policy.channel("staging").is_protected
    assert policy.channel("never-named").is_protected


def test_a_revoked_key_may_nothing() -> None:
    policy = parse(TEXT.replace("revoked: []", f'revoked: ["{ANA.fingerprint}"]'))
    assert policy.allowed("policy", [ANA]) is None
    assert policy.keys == []
    assert policy.person(ANA) == "ana"


def replaced(old: str, new: str) -> Callable[[], str]:
    assert old in TEXT
    return lambda: TEXT.replace(old, new, 1)


MISTAKES: list[tuple[Callable[[], str], int, str]] = [
    (replaced("format: 1", "format: 0"), 1, "`format` is not 1"),
    (replaced("format: 1", "format: true"), 1, "`format` is not 1"),
    (replaced("format: 1", "format: '1'"), 1, "`format` is not 1"),
    (replaced("format: 1", "fromat: 1"), 1, "`format` is not 1"),
    (replaced("repository: 0123", "repository: xyz"), 2, "32 hexadecimal"),
    (replaced("repository: 0123456789abcdef0123456789abcdef", "repository: 12"), 2, "32 hex"),
    (replaced("people:\n  ana:", "people:\n  a na:"), 4, "a name has letters"),
    (replaced("  ana:\n", "  -ana:\n"), 4, "a name has letters"),
    (replaced("    keys: []", "    keys: {}"), 8, "not a list of names"),
    (replaced("    keys: []", "    keys: [1]"), 8, "not a list of names"),
    (replaced("    keys: []", "    key: []"), 7, "a person is a mapping with `keys`"),
    (replaced("    keys: []", f"    keys: ['{ANA.line}']"), 7, "ana has the same key"),
    (replaced("maintainers: [ana, ben]", "ana: [ana]"), 10, "'ana' is a person as well"),
    (replaced("maintainers: [ana, ben]", "maintainers: ana"), 10, "not a list of names"),
    (replaced("maintainers: [ana, ben]", "maintainers: [ana, eve]"), 10, "'eve' is nobody"),
    (replaced("create: [ana]", "craete: [ana]"), 13, "there is no action 'craete'"),
    (replaced("create: [ana]", "create: [eve]"), 13, "'eve' is neither"),
    (replaced("create: [ana]", "create: yes"), 13, "not a list of names"),
    (replaced("protected: true", "protected: maybe"), 16, "`protected` is true or false"),
    (
        replaced("    requires: [integrity]", "    require: [integrity]"),
        15,
        "a channel is a mapping",
    ),
    (replaced("requires: [integrity]", "requires: integrity"), 17, "not a list of names"),
    (replaced("requires: [integrity]", "requires: 0"), 17, "not a list of names"),
    (replaced("requires: [integrity]", "requires: ~"), 17, "not a list of names"),
    (replaced("  prod:\n", "  pr/od:\n"), 15, "a channel's name"),
    (replaced("  prod:\n", "  '../prod':\n"), 15, "a channel's name"),
    (replaced("  prod:\n", "  'prod ':\n"), 15, "a channel's name"),
    (replaced("  prod:\n", "  v1.0:\n"), 15, "a channel's name"),
    (replaced("revoked: []", "revoked: [ana]"), 19, "named by its fingerprint"),
    (replaced("revoked: []", "revoked: {}"), 19, "not a list of names"),
    (replaced("revoked: []", "revokd: []"), 19, "the key 'revokd' is not known"),
    (replaced("revoked: []", "revoked: []\nallow: {}"), 20, "stands twice"),
    (replaced("groups:", "groups: ["), 11, ""),
]


@pytest.mark.parametrize(("text", "line", "why"), MISTAKES)
def test_a_mistake_is_named_by_file_and_line(text: Callable[[], str], line: int, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text())
    assert caught.value.code == "policy-invalid"
    assert f"{WHERE}:{line} " in caught.value.what
    assert why in caught.value.what


@pytest.mark.parametrize("text", ["", "[]", "people: {}\nformat: 1\n", "format: 1\n"])
def test_a_policy_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert caught.value.code == "policy-invalid"


@pytest.mark.parametrize("key", ["ssh-rsa AAAA", "nonsense", "ssh-ed25519 AAAA", ""])
def test_a_key_that_is_none_is_named_with_its_owner(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(TEXT.replace(ANA.line, f"'{key}'"))
    assert caught.value.code in ("key-invalid", "key-unsupported")
    assert "people.ana.keys[0]" in caught.value.what


def test_a_demand_that_is_not_understood_is_never_passed_over() -> None:
    assert parse(TEXT + "x-note: for people\n") == parse(TEXT)
    for more in ("quorum: {policy: 2}\n", "expires: 2030-01-01\n"):
        with pytest.raises(InvalidInput):
            parse(TEXT + more)


def test_a_format_of_the_future_is_refused_as_such() -> None:
    with pytest.raises(Untrusted) as caught:
        parse(TEXT.replace("format: 1", "format: 2") + "quorum: {policy: 2}\n")
    assert caught.value.code == "policy-newer-format"
    assert caught.value.exit_code == 12


def test_far_too_much_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse(TEXT + "#" * MAX_BYTES)


@given(
    st.from_regex(r"[0-9a-f]{32}|[0-9]{32}|[0-9]{20}e[0-9]{11}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}|[0-9]{1,9}|true|null|1e5", fullmatch=True),
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}|true|null", fullmatch=True),
        st.lists(st.from_regex(r"[a-z0-9]{1,4}|null|1e5", fullmatch=True), max_size=2),
        max_size=2,
    ),
)
def test_a_first_policy_is_valid_and_lets_its_owner_do_everything(
    repository: str, name: str, channels: dict[str, list[str]]
) -> None:
    policy = parse(first_policy(repository, name, ANA, channels))
    assert policy.repository == repository
    assert all(policy.allowed(action, [ANA]) == name for action in ACTIONS)
    assert all(policy.allowed(action, [EVE]) is None for action in ACTIONS)
    found = {channel: list(said.requires) for channel, said in policy.channels.items()}
    assert found == channels
    assert all(channel.is_protected for channel in policy.channels.values())


WORDS = st.sampled_from(
    ["format", "people", "ana", "keys", "groups", "allow", "policy", "channels", "prod", "revoked"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | WORDS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES).map(lambda value: {"format": 1, **value}))
def test_anything_like_a_policy_is_one_or_refused(value: dict[str, Any]) -> None:
    import json

    is_policy(json.dumps(value).encode())


@given(st.binary() | st.integers(0, len(TEXT)).map(lambda at: TEXT[:at].encode()))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    is_policy(data)


@given(st.integers(0, len(TEXT) - 1), st.binary(min_size=1, max_size=3))
def test_a_policy_with_any_bytes_changed_is_one_or_refused(at: int, by: bytes) -> None:
    is_policy(TEXT.encode()[:at] + by + TEXT.encode()[at + len(by) :])


def is_policy(data: bytes) -> bool:
    """Whether it is one; anything but a value or the refusal of a file fails."""
    try:
        parse(data)
    except (InvalidInput, Untrusted):
        return False
    return True
