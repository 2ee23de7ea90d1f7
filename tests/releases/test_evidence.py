"""Evidence counts for exactly the bytes and the question that it is about, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import AssayError
from assay.git.objects import ObjectReader
from assay.releases.admit import admit
from assay.releases.judge import Evidence
from assay.releases.ledger import Ledger
from assay.releases.memory import Memory
from assay.releases.names import parse_reference
from bots import (
    CHANNELS,
    POLICY_REF,
    Bots,
    Templates,
    edited,
    forged,
    payload_of,
    put_record,
    release_ref,
    sealed,
    set_field,
    unsigned,
)

ONE, TWO = release_ref("1.0.0"), release_ref("1.1.0")
RESULT = "gates/{}/000001.json"


def evidence(bots: Bots, version: str = "1.0.0") -> Evidence:
    """What the hub says of a release."""
    with ObjectReader(bots.hub.path, bare=True, foreign=True) as reader:
        return Ledger(reader, is_bare=True).evidence("bot", version)


# -- results that are about something else ------------------------------------------------


def test_a_result_of_another_release_never_counts(served: Bots) -> None:
    other = served.hub.files(TWO)[RESULT.format("quality")]
    served.hub.edit(ONE, {"gates/quality/000002.json": other})
    found = evidence(served)
    assert "quality" not in found.results
    assert "other bytes (of bot@1.1.0)" in found.stale["quality"]
    assert "other bytes" in served.refused("bot@1.0.0", "gate-missing", 10)


def test_a_result_of_another_gate_never_counts(served: Bots) -> None:
    other = served.hub.files(ONE)[RESULT.format("integrity")]
    served.hub.edit(ONE, {"gates/quality/000002.json": other})
    assert "another question" in evidence(served).stale["quality"]
    served.refused("bot@1.0.0", "gate-missing", 10)


def test_a_result_for_another_definition_never_counts(served: Bots) -> None:
    """Signed by who may, as after a gate was weakened and run elsewhere."""
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    weaker = forged(mine, set_field("predicate", "definition", to="0" * 64), served.key("ana"))
    served.hub.edit(ONE, {"gates/quality/000002.json": weaker})
    assert "another question" in evidence(served).stale["quality"]
    served.refused("bot@1.0.0", "gate-missing", 10)


def test_a_result_of_another_repository_never_counts(served: Bots) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    other = forged(mine, set_field("predicate", "repository", to="f" * 32), served.key("ana"))
    served.hub.edit(ONE, {"gates/quality/000002.json": other})
    assert "another repository" in served.refused("bot@1.0.0", "signature-untrusted", 12)
    served.hub.edit(ONE, {"gates/quality/000002.json": unsigned(other)})
    assert "another repository" in served.refused("bot@1.0.0", "repository-differs", 12)


def test_a_result_by_somebody_who_may_not_never_counts(served: Bots) -> None:
    for signer, why in ((served.key("eve"), "nobody's"), (None, "")):
        mine = served.hub.files(ONE)[RESULT.format("quality")]
        by_eve = forged(mine, set_field("predicate", "detail", to="mine"), signer)
        served.hub.edit(ONE, {"gates/quality/000002.json": by_eve})
        if signer:
            assert why in served.refused("bot@1.0.0", "signature-untrusted", 12)
        else:
            assert "quality" in served.refused("bot@1.0.0", "release-unsigned", 12)


def test_a_result_under_another_policy_is_judged_by_that(served: Bots) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    for digest in ("0" * 64, None):
        other = forged(mine, set_field("predicate", "policy", to=digest), served.key("ana"))
        served.hub.edit(ONE, {"gates/quality/000002.json": other})
        assert "not in this chain" in served.refused("bot@1.0.0", "signature-untrusted", 12)


@pytest.mark.parametrize("kind", ["release", "channel", "quarantine", "policy", "job-run"])
def test_a_statement_of_another_kind_is_no_result(served: Bots, kind: str) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    other = forged(mine, set_field("predicateType", to=f"urn:assay:{kind}:1"), served.key("ana"))
    served.hub.edit(ONE, {"gates/quality/000002.json": other})
    served.refused("bot@1.0.0", "attestation-invalid", 5)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "verdict": set_field("predicate", "verdict", to="pass"),
    "value": set_field("predicate", "value", to=1),
    "release": set_field("predicate", "release", "version", to="1.0.1"),
    "a field more": set_field("predicate", "more", to=1),
    "subject": set_field("subject", 0, "name", to="bot@9.9.9"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_result_keeps_no_signature(served: Bots, change: str) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    failing = forged(mine, set_field("predicate", "verdict", to="fail"), served.key("ana"))
    served.hub.edit(ONE, {"gates/quality/000002.json": edited(failing, CHANGES[change])})
    assert "changed after" in served.refused("bot@1.0.0", "signature-untrusted", 12)


def test_a_verdict_that_is_none_is_refused(served: Bots) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    for verdict in ("PASS", "passed", "", True, None, 1):
        other = forged(mine, set_field("predicate", "verdict", to=verdict), served.key("ana"))
        served.hub.edit(ONE, {"gates/quality/000002.json": other})
        served.refused("bot@1.0.0", "attestation-invalid", 5)


def test_the_newest_result_of_a_gate_counts(served: Bots) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    failing = forged(mine, set_field("predicate", "verdict", to="fail"), served.key("ci"))
    served.hub.edit(ONE, {"gates/quality/000002.json": failing})
    served.refused("bot@1.0.0", "gate-failed", 7)
    served.hub.edit(ONE, {"gates/quality/000010.json": mine})
    served.get("bot@1.0.0")
    nothing = forged(mine, set_field("predicate", "verdict", to="inconclusive"), served.key("ci"))
    served.hub.edit(ONE, {"gates/quality/000011.json": nothing})
    served.refused("bot@1.0.0", "gate-inconclusive", 10)


def test_files_that_are_no_results_are_no_results(served: Bots) -> None:
    noise = {
        "gates/quality/9.json": b"x",
        "gates/quality/0000001.json": b"x",
        "gates/quality/000009.json.bak": b"x",
        "gates/quality.json": b"x",
        "README": b"x",
    }
    served.hub.edit(ONE, noise)
    served.get("bot@1.0.0")


def test_a_result_of_a_gate_that_is_not_declared_changes_nothing(served: Bots) -> None:
    mine = served.hub.files(ONE)[RESULT.format("quality")]
    other = forged(mine, set_field("predicate", "gate", to="mine"), served.key("ana"))
    served.hub.edit(ONE, {"gates/mine/000001.json": other})
    assert "no such gate" in evidence(served).stale["mine"]
    served.get("bot@1.0.0")


# -- records that are about something else ------------------------------------------------


def test_the_record_of_another_version_does_not_stand_in_for_one(served: Bots) -> None:
    served.hub.put(ONE, served.hub.files(TWO))
    served.refused("bot@1.0.0", "release-misplaced", 12)
    served.hub.put(release_ref("2.0.0"), served.hub.files(TWO))
    served.refused("bot@2.0.0", "release-misplaced", 12)
    served.hub.put(release_ref("1.0.0", "bat"), served.hub.files(TWO))
    served.refused("bat@1.0.0", "release-misplaced", 12)


def test_a_release_record_that_was_edited_or_signed_by_nobody_is_refused(served: Bots) -> None:
    mine = served.hub.files(ONE)["release.json"]
    change = set_field("predicate", "message", to="other")
    for record, code in (
        (edited(mine, change), "signature-untrusted"),
        (forged(mine, change, served.key("eve")), "signature-untrusted"),
        (forged(mine, change, served.key("ci")), "signature-untrusted"),
        (forged(mine, change, None), "release-unsigned"),
        (unsigned(mine), "release-unsigned"),
    ):
        served.hub.edit(ONE, {"release.json": record})
        served.refused("bot@1.0.0", code, 12)


def test_a_channel_that_a_signed_release_was_put_under_refuses_it(served: Bots) -> None:
    """Who may create, but not promote, cannot change what a channel serves."""
    mine = served.hub.files(TWO)["release.json"]
    other = forged(mine, set_field("predicate", "message", to="other"), served.key("ben"))
    served.hub.edit(TWO, {"release.json": other})
    served.refused("bot@prod", "release-replaced", 12)


def test_artifacts_that_changed_names_are_another_release(served: Bots) -> None:
    def swap(statement: dict[str, Any]) -> None:
        artifacts = statement["predicate"]["artifacts"]
        one, other = (a for a in artifacts if a["kind"] == "file")
        one["digest"], other["digest"] = other["digest"], one["digest"]

    mine = served.hub.files(ONE)["release.json"]
    served.hub.edit(ONE, {"release.json": edited(mine, swap)})
    served.refused("bot@1.0.0", "signature-untrusted", 12)
    # Even with a good signature: the commit has other bytes under these names.
    swapped = forged(mine, swap, served.key("ana"))
    served.hub.edit(ONE, {"release.json": swapped, "gates/integrity/000001.json": None})
    refusal = served.refused("bot@1.0.0", "artifact-differs", 12, "--unproven")
    assert "is not what the release binds" in refusal


FIELDS = ["digest", "size", "files", "executable", "kind", "role", "tracked_digest"]


@pytest.mark.parametrize("field", FIELDS)
def test_an_artifact_is_exactly_what_the_commit_has(served: Bots, field: str) -> None:
    values = {"size": 1, "files": 7, "executable": True, "kind": "folder", "role": "other"}

    def change(statement: dict[str, Any]) -> None:
        artifact = next(a for a in statement["predicate"]["artifacts"] if a["path"] == "model.bin")
        artifact[field] = values.get(field, "0" * 64)

    mine = served.hub.files(ONE)["release.json"]
    served.hub.edit(ONE, {"release.json": forged(mine, change, served.key("ana"))})
    if field == "role":  # what part a path plays is for its maker to say
        served.get("bot@1.0.0", "--unproven")
    else:
        served.refused("bot@1.0.0", "artifact-differs", 12, "--unproven")


def test_another_commit_than_the_artifacts_are_from_is_refused(served: Bots) -> None:
    other = served.hub.git("rev-parse", "main").decode()
    mine = served.hub.files(ONE)["release.json"]
    record = forged(mine, set_field("predicate", "commit", to=other), served.key("ana"))
    served.hub.delete("refs/tags/bot@v1.0.0")
    served.hub.edit(ONE, {"release.json": record})
    served.refused("bot@1.0.0", "artifact-differs", 12, "--unproven")


@pytest.mark.parametrize("commit", ["0" * 40, "main", "HEAD", "--all", "a" * 39, None])
def test_a_commit_that_is_none_is_refused(served: Bots, commit: str | None) -> None:
    mine = served.hub.files(ONE)["release.json"]
    record = forged(mine, set_field("predicate", "commit", to=commit), served.key("ana"))
    served.hub.delete("refs/tags/bot@v1.0.0")
    served.hub.edit(ONE, {"release.json": record})
    code, exit_code = ("revision-missing", 3) if commit == "0" * 40 else ("attestation-invalid", 5)
    served.refused("bot@1.0.0", code, exit_code, "--unproven")


# -- any byte -----------------------------------------------------------------------------

Seen = tuple[str, str, tuple[tuple[str, str, str], ...], str]


@pytest.fixture(scope="module")
def bots(bots_templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Bots:
    """One repository for every example: its records are put back each time."""
    return bots_templates.copy("served", tmp_path_factory.mktemp("any") / "bots")


def admitted(bots: Bots) -> Seen | None:
    """What a consumer who trusts the policy's root is given from prod, or None for a refusal."""
    memory = Memory(root=_root(bots), policy=None)
    with ObjectReader(bots.hub.path, bare=True, foreign=True) as reader:
        try:
            ledger = Ledger(reader, is_bare=True)
            found = admit(ledger, parse_reference("bot@prod"), memory)
        except AssayError as error:
            assert error.exit_code in (2, 3, 5, 10, 12), error.code  # noqa: PT017
            return None
    results = found.evidence.results.items()
    return (
        found.evidence.release.digest,
        found.evidence.release.signed_by,
        tuple((gate, r.digest, r.signed_by) for gate, r in results),
        found.state.digest if found.state else "",
    )


def _root(bots: Bots) -> str:
    with ObjectReader(bots.hub.path, bare=True, foreign=True) as reader:
        trust = Ledger(reader, is_bare=True).trust
        assert trust is not None
        return trust.root


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_record_with_any_byte_changed_is_never_taken_for_another(
    bots: Bots, data: st.DataObject
) -> None:
    before, root = admitted(bots), _root(bots)
    assert before is not None
    ref = data.draw(st.sampled_from([TWO, CHANNELS, POLICY_REF]))
    files = bots.hub.files(ref)
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    by = data.draw(st.integers(1, 255))
    changed = bytearray(files[name])
    changed[at] ^= by
    was = bots.hub.commit(ref)
    try:
        put_record(bots.hub.path, ref, {**files, name: bytes(changed)})
        with ObjectReader(bots.hub.path, bare=True, foreign=True) as reader:
            try:
                trust = Ledger(reader, is_bare=True).trust
                if trust is None or trust.root != root:
                    return  # another root: refused before anything else is looked at
            except AssayError:
                return
        after = admitted(bots)
    finally:
        bots.hub.git("update-ref", ref, was or "")
    # Blanks between the fields of an envelope say nothing; a changed result may count no more.
    assert after is None or (after[:2] == before[:2] and set(after[2]) <= set(before[2]))
    assert after is None or after[3] == before[3]


def test_what_is_recorded_reads_back(served: Bots) -> None:
    for data in served.hub.files(ONE).values():
        if data.startswith(b'{\n "payloadType"'):
            assert sealed(payload_of(data), served.key("ana")) == data
