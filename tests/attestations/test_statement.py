"""Statements are in-toto's: of one kind each, of a known format, and nothing else is read."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from assay.attestations.statement import (
    STATEMENT_TYPE,
    Statement,
    Subject,
    parse_statement,
    statement_digest,
)
from assay.errors import Bug, IntegrityError, Untrusted

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Lone surrogates are what odd file names become.
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
HEX = st.binary(min_size=1, max_size=8).map(bytes.hex)
SUBJECTS = st.builds(
    Subject, name=st.text(max_size=20), digest=st.dictionaries(st.text(max_size=9), HEX)
)
GOOD = {
    "_type": STATEMENT_TYPE,
    "subject": [{"name": "bot@1.0.0", "digest": {"gitCommit": "ab"}}],
    "predicateType": "urn:assay:release:1",
    "predicate": {"format": 1},
}


@given(st.lists(SUBJECTS, max_size=3), st.dictionaries(st.text(), JSON))
def test_a_statement_is_read_as_it_was_written(
    subjects: list[Subject], predicate: dict[str, Any]
) -> None:
    statement = Statement(kind="release", subjects=tuple(subjects), predicate=predicate)
    found = parse_statement(statement.payload(), kind="release", where="it")
    assert found.subjects == statement.subjects
    assert found.predicate == {"format": 1, **predicate}


def test_a_payload_has_the_fields_of_the_specification() -> None:
    statement = Statement(
        kind="release", subjects=(Subject(name="n", digest={"blake3": "00"}),), predicate={"a": 1}
    )
    assert json.loads(statement.payload()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "n", "digest": {"blake3": "00"}}],
        "predicateType": "urn:assay:release:1",
        "predicate": {"format": 1, "a": 1},
    }


def test_a_digest_of_a_statement_is_no_digest_of_a_file() -> None:
    payload = b"{}"
    found = statement_digest(payload)
    assert found != blake3(payload).hexdigest()
    context = "assay 2026 statement format 1"
    assert found == blake3(payload, derive_key_context=context).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": {}},
        {"subject": [{"name": 1, "digest": {}}]},
        {"subject": [{"name": "n", "digest": {"blake3": 1}}]},
        {"subject": [{"name": "n"}]},
        {"subject": [{"name": "n", "digest": {}}] * 10_001},
        {"predicate": []},
        {"predicateType": "urn:assay:channel:1"},
        {"predicateType": "urn:other:release:1"},
        {"predicateType": "release:1"},
        {"predicateType": None},
    ],
)
def test_another_kind_or_shape_is_refused(change: dict[str, object]) -> None:
    parse_statement(json.dumps(GOOD).encode(), kind="release", where="it")
    with pytest.raises(IntegrityError) as caught:
        parse_statement(json.dumps({**GOOD, **change}).encode(), kind="release", where="it")
    assert caught.value.code == "attestation-invalid"


@pytest.mark.parametrize("version", ["2", "11", "1.0", "", "x"])
def test_a_format_of_the_future_is_refused_as_such(version: str) -> None:
    value = {**GOOD, "predicateType": f"urn:assay:release:{version}"}
    with pytest.raises(Untrusted) as caught:
        parse_statement(json.dumps(value).encode(), kind="release", where="it")
    assert caught.value.code == "attestation-newer-format"
    assert "pgrade" in caught.value.fix


@given(
    st.binary()
    | JSON.map(lambda v: json.dumps(v).encode())
    | st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, JSON))
    .map(lambda v: {**GOOD, **v})
    .map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_are_a_statement_or_refused(data: bytes) -> None:
    with suppress(IntegrityError, Untrusted):
        parse_statement(data, kind="release", where="it")


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"subject":' * 100_000])
def test_depth_does_not_bring_the_reader_down(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_statement(data, kind="release", where="it")


@pytest.mark.parametrize("value", [float("inf"), [float("nan")], {"a": ({"b": float("-inf")},)}])
def test_a_number_that_json_cannot_say_never_gets_into_a_statement(value: object) -> None:
    statement = Statement(kind="release", subjects=(), predicate={"value": value})
    with pytest.raises(Bug):
        statement.payload()
