"""Who was taken out of the policy cannot go on in the name of the version that had them."""

from __future__ import annotations

from typing import Any

import pytest

from bots import CHANNELS, Bots, forged, payload_of, release_ref

THREE = release_ref("1.2.0")


def policy_of(envelope: bytes) -> str:
    found: str = payload_of(envelope)["predicate"]["policy"]
    return found


@pytest.fixture
def left(served: Bots) -> Bots:
    """Ben is gone, his key is not revoked; 1.2.0 was released and judged after that."""
    key = served.key("ben").key
    done = served.change_policy(
        lambda text: (
            text.replace(key.line, "")
            .replace('  ben: {keys: [""]}\n', "")
            .replace("[ana, ben]", "[ana]")
        )
    )
    assert f"ben's key {key.fingerprint} is gone, but not revoked" in done.stderr
    served.commit("ben left")
    served.release("1.2.0")
    return served


def by_ben(bots: Bots, envelope: bytes, **changed: object) -> bytes:
    """A statement with changes, signed by Ben in the name of the policy that had him."""
    old = policy_of(bots.hub.files(CHANNELS)["prod/000001.json"])

    def change(statement: dict[str, Any]) -> None:
        statement["predicate"].update(changed, policy=old)

    return forged(envelope, change, bots.key("ben"))


def test_what_everybody_signed_before_still_counts(left: Bots) -> None:
    assert left.get("bot@prod", "--json").json()["version"] == "1.1.0"
    left.get("bot@1.0.0")
    left.assay("promote", "bot@1.2.0", "prod")
    assert left.get("bot@prod", "--json").json()["version"] == "1.2.0"


def test_no_result_for_a_release_of_the_newer_policy(left: Bots) -> None:
    found = left.hub.files(THREE)["gates/quality/000001.json"]
    left.hub.edit(THREE, {"gates/quality/000002.json": by_ben(left, found)})
    assert "older policy" in left.refused("bot@1.2.0", "gate-missing", 10)


def test_no_state_after_one_of_the_newer_policy(left: Bots) -> None:
    left.assay("promote", "bot@1.2.0", "prod")
    states = left.hub.files(CHANNELS)
    newest = states["prod/000003.json"]
    from assay.attestations.envelope import decode
    from assay.attestations.statement import statement_digest

    previous = statement_digest(decode(newest, where="it").payload)
    state = by_ben(left, newest, sequence=4, previous=previous)
    left.hub.edit(CHANNELS, {"prod/000004.json": state})
    assert "older policy" in left.refused("bot@prod", "signature-untrusted", 12)
    left.assay("rollback", "bot@prod", exit_code=12)


def test_no_state_that_serves_a_release_of_the_newer_policy(left: Bots) -> None:
    states = left.hub.files(CHANNELS)
    left.assay("promote", "bot@1.2.0", "prod")
    state = left.hub.files(CHANNELS)["prod/000003.json"]
    left.hub.put(
        CHANNELS,
        {**states, "prod/000003.json": by_ben(left, state)},
        parents=[str(left.hub.commit(CHANNELS))],
    )
    assert "older policy" in left.refused("bot@prod", "signature-untrusted", 12)


def test_a_policy_that_takes_nobody_out_says_nothing_of_it(declared: Bots) -> None:
    done = declared.change_policy(lambda text: text + "# nothing\n")
    assert "revoked" not in done.stderr
