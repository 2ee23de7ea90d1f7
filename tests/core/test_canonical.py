"""Canonical JSON: one spelling per value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.canonical import canonical_json
from assay.errors import Bug

NAMES = st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_reads_back_equal(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=6), st.randoms())
def test_the_order_of_keys_does_not_show(value: dict[str, int], random: object) -> None:
    keys = list(value)
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


def test_the_spelling_never_changes() -> None:
    value = {"b": [1, None, True], "a": 'é"\n', "\udcff": {"": -1}}
    assert canonical_json(value) == (b'{"a":"\xc3\xa9\\"\\n","b":[1,null,true],"\\udcff":{"":-1}}')


@pytest.mark.parametrize("value", [1.0, [0.5], {"a": [{"b": float("nan")}]}])
def test_a_float_is_refused_because_its_spelling_is_not_unique(value: object) -> None:
    with pytest.raises(Bug) as caught:
        canonical_json(value)
    assert caught.value.code == "canonical-float"
