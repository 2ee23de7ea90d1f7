"""Stamps and leaves: what was recorded is found in the line as it was written, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import example, given
from hypothesis import strategies as st

from assay.errors import AssayError, IntegrityError, InvalidInput
from assay.jobs.stamp import KEY, Stamp, canonical, input_digest, leaf_of, read_stamped, spelled

STAMP = Stamp(release="bot@1.0.0", digest="ab" * 32, run="r", sequence=3, id="x", rows=("a:1",))
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=6)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
# As Python programs have them: keys that JSON turns into text, and tuples.
KEYS = ANY_TEXT | st.integers(-3, 200) | st.booleans() | st.none() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(ANY_TEXT, inner, max_size=3)
        | st.dictionaries(st.integers(-3, 200), inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@example({"a": {2: 0, 10: 0}})
@example({"a": "\ud83d\ude00"})
@example({"a": {"\ud83d\ude00": 1}})
@example({"a": -0.0, "b": 1e300, "c": 1 << 70})
@given(st.dictionaries(ANY_TEXT, VALUES, max_size=4))
def test_the_leaf_of_a_line_is_that_of_what_was_recorded(value: dict[str, Any]) -> None:
    stamped = {**value, KEY: STAMP.as_dict()}
    try:
        line = spelled(stamped)
        leaf = leaf_of(stamped)
    except InvalidInput:
        return  # keys of several kinds have no order
    assert "\n" not in line
    line.encode("utf-8")
    found = read_stamped(line, where="it")
    assert found.leaf == leaf
    assert found.stamp == STAMP


@given(VALUES, VALUES)
def test_different_outputs_have_different_leaves(one: Any, other: Any) -> None:
    try:
        same = json.loads(json.dumps(one)) == json.loads(json.dumps(other))
        texts = canonical(one) == canonical(other)
    except (InvalidInput, TypeError):
        return
    if not same:
        assert leaf_of(one) != leaf_of(other)
    if texts:
        assert leaf_of(one) == leaf_of(other)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", float("nan"), [float("inf")], 1j])
def test_what_is_not_json_is_no_output(value: object) -> None:
    for call in (lambda: leaf_of({"a": value}), lambda: spelled({"a": value})):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert caught.value.code == "output-not-json"


def test_what_is_nested_without_end_is_no_output() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidInput):
        leaf_of({"a": value})
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput):
        leaf_of({"a": deep})


def test_a_leaf_is_what_the_reference_says() -> None:
    value = {"b": 1.5, "a": "ü", KEY: {"seq": 0}}
    text = '{"_assay":{"seq":0},"a":"ü","b":1.5}'.encode()
    context = "assay 2026 job output format 1"
    assert leaf_of(value) == blake3(text, derive_key_context=context).digest()


def test_inputs_have_digests_that_others_can_make() -> None:
    assert input_digest(b"x") == f"blake3:{blake3(b'x').hexdigest()}"
    assert input_digest("ü") == f"blake3:{blake3('ü'.encode()).hexdigest()}"
    assert input_digest({"a": 1}) == input_digest({"a": 1})
    assert input_digest({"a": 1}) != input_digest('{"a":1}')
    with pytest.raises(InvalidInput):
        input_digest({1, 2})


# -- reading ------------------------------------------------------------------------------

LINE = json.dumps({"a": 1, KEY: STAMP.as_dict()})


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "1", '"_assay"', "{}", '{"assay": {}}', "[" * 99999]
)
def test_a_line_without_a_stamp_is_called_so(text: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_stamped(text, where="it")
    assert caught.value.code == "output-unstamped"
    assert caught.value.exit_code == 5


CHANGES: list[dict[str, Any]] = [
    {"release": 1},
    {"release": "bot"},
    {"release": "bot@prod"},
    {"release": "../bot@1.0.0"},
    {"digest": None},
    {"run": []},
    {"seq": "1"},
    {"seq": -1},
    {"seq": True},
    {"seq": 1.5},
    {"id": 1},
    {"input": 1},
    {"rows": 1},
    {"rows": [1]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_stamp_that_makes_no_sense_is_called_so(change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_stamped(json.dumps({KEY: {**STAMP.as_dict(), **change}}), where="it")
    assert caught.value.code == "stamp-invalid"


@pytest.mark.parametrize("stamp", [None, 1, [], "x", {}])
def test_a_stamp_of_another_shape_is_called_so(stamp: object) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_stamped(json.dumps({KEY: stamp}), where="it")
    assert caught.value.code == "stamp-invalid"


@given(st.text() | st.integers(0, len(LINE)).map(lambda at: LINE[:at]))
def test_any_text_is_stamped_or_refused(text: str) -> None:
    try:
        read_stamped(text, where="it")
    except AssayError as error:
        assert error.exit_code == 5  # noqa: PT017
