"""A contract's file: what it says, what it must not say, and that nothing in it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import InvalidInput
from assay.quality.files import parse_contract
from assay.quality.spelling import spell

FULL = b"""\
format: 1
description: Sentences and their intents
data: data/train
read: {format: csv, delimiter: ";", null_values: ["", NA], files: "*.csv", later: 1}
extra_columns: allow
rows: {min: 1, max: 9, later: 2}
columns:
  text: {type: string, unique: true, pattern: "[a-z ]+", min_length: 1, max_length: 80}
  score: {type: number, max_null_fraction: 0.5, min: 0, max: 1.0}
  day: {type: date, min: 2026-01-01, required: false}
  kind: {type: string, nullable: true, allowed: [yes, "1"], later: {a: [1]}}
owner: someone
"""


def test_writing_and_reading_keeps_everything_even_unknown_fields() -> None:
    contract = parse_contract(FULL, "t")
    assert parse_contract(spell(contract), "t") == contract
    assert contract.extra == {"owner": "someone", "rows": {"later": 2}}
    assert contract.columns[2].minimum == "2026-01-01"
    assert contract.columns[3].allowed == ("yes", "1")
    assert contract.columns[3].extra == {"later": {"a": [1]}}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("columns: {}", "t.yaml: format"),
        ("format: 1\nrows: {min: -1}", "t.yaml:2: rows.min"),
        ("format: 1\nrows: {min: 2, max: 1}", "t.yaml:2: rows.min"),
        ("format: 1\ncolumns:\n  a:\n    type: text", "t.yaml:4: columns.a.type"),
        ("format: 1\ncolumns:\n  a: 1", "t.yaml:3: columns.a"),
        ("format: 1\ncolumns:\n  a: {}\n  a: {}", "t.yaml:4: "),
        ("format: 1\ncolumns:\n  a: {type: string, min: 1}", "t.yaml:3: columns.a.min"),
        ("format: 1\ncolumns:\n  a: {type: integer, min: x}", "t.yaml:3: columns.a.min"),
        ("format: 1\ncolumns:\n  a: {type: integer, min: 2, max: 1}", "t.yaml:3: columns.a.min"),
        ("format: 1\ncolumns:\n  a: {type: string, allowed: [1]}", "t.yaml:3: columns.a.allowed"),
        ("format: 1\ncolumns:\n  a: {type: list, allowed: [1]}", "t.yaml:3: columns.a.allowed"),
        ("format: 1\ncolumns:\n  a: {type: string, pattern: '('}", "t.yaml:3: columns.a.pattern"),
        ("format: 1\ncolumns:\n  a: {pattern: 'a'}", "t.yaml:3: columns.a.pattern"),
        ("format: 1\ncolumns:\n  a: {type: date, max_length: 1}", "t.yaml:3: columns.a.max_length"),
        ("format: 1\ncolumns:\n  a: {unique: 1}", "t.yaml:3: columns.a.unique"),
        ("format: 1\ncolumns:\n  a: {max_null_fraction: 2}", "columns.a.max_null_fraction"),
        (
            "format: 1\ncolumns:\n  a: {nullable: false, max_null_fraction: 0.1}",
            "columns.a.max_null_fraction",
        ),
        ("format: 1\ncolumns:\n  1: {}", "t.yaml:3: columns.1"),
        ("format: 1\nread: {delimiter: xx}", "t.yaml:2: read.delimiter"),
        ("format: 1\nread: {null_values: [1]}", "t.yaml:2: read.null_values"),
        ("format: 1\nextra_columns: maybe", "t.yaml:2: extra_columns"),
        ("format: 1\ncolumns: [", "t.yaml:"),
        ("- 1", "t.yaml"),
    ],
)
def test_an_error_names_file_line_and_key(text: str, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_contract(text.encode(), "t.yaml")
    assert caught.value.code == "contract-invalid"
    assert place in caught.value.what


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_contract(b"format: 2\n", "t.yaml")
    assert caught.value.code == "contract-newer-format"
    assert "t.yaml:1" in caught.value.what


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: f"format: 1\n{t}".encode()))
def test_any_bytes_are_a_contract_or_an_error(data: bytes) -> None:
    code = "contract-"
    try:
        parse_contract(data, "t.yaml")
    except InvalidInput as error:
        code = error.code
    assert code.startswith("contract-")
