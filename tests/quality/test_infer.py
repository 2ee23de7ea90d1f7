"""A contract inferred from data is kept by that data, whatever the data is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import InvalidInput
from assay.quality.check import check
from assay.quality.files import parse_contract
from assay.quality.infer import Inferred, infer
from assay.quality.model import ColumnRule
from quality_tables import FORMATS, broken, write_table

NAMES = st.text(alphabet="abcxyz _-0é\u2028😀\"':#{[", min_size=1, max_size=8)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
LIKE_VALUES = st.sampled_from(
    ["1", "01", "+1", "-0", "1.5", "1e5", "true", "2026-01-01", "2026-01-01T10:00Z", "", "x", "NaN"]
)
CELLS = st.one_of(
    st.lists(st.integers().map(str) | st.just(""), min_size=0, max_size=30),
    st.lists(NUMBERS.map(str), max_size=30),
    st.lists(st.dates().map(str) | st.datetimes().map(str), max_size=30),
    st.lists(LIKE_VALUES, max_size=30),
    st.lists(TEXTS, max_size=30),
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | LIKE_VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
ANY_FOLDER = settings(suppress_health_check=list(HealthCheck), max_examples=100)


def keeps_its_own_contract(path: Path) -> Inferred:
    inferred = infer(str(path))
    contract = parse_contract(inferred.text, "t.yaml")
    assert contract == inferred.contract
    report = check(contract, str(path), contract_digest=bytes(32))
    assert not broken(report), (report, inferred.text.decode())
    return inferred


def rule(inferred: Inferred, name: str) -> ColumnRule:
    (found,) = [each for each in inferred.contract.columns if each.name == name]
    return found


@given(st.dictionaries(NAMES, CELLS, min_size=1, max_size=3))
@ANY_FOLDER
def test_any_csv_keeps_its_own_contract(tmp_path: Path, columns: dict[str, list[str]]) -> None:
    rows = min(map(len, columns.values()))
    even = {name: cells[:rows] for name, cells in columns.items()}
    keeps_its_own_contract(write_table(tmp_path / "t.csv", even))


@given(st.lists(st.dictionaries(NAMES, JSON, max_size=3), min_size=0, max_size=30))
@ANY_FOLDER
def test_any_jsonl_keeps_its_own_contract(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    keeps_its_own_contract(path)


@given(st.lists(st.lists(st.dictionaries(NAMES, JSON, max_size=2), max_size=3), min_size=1))
@settings(ANY_FOLDER, max_examples=30)
def test_any_folder_keeps_its_own_contract(
    tmp_path: Path, files: list[list[dict[str, Any]]]
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    for number, rows in enumerate(files):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{number}.jsonl").write_text(text)
    keeps_its_own_contract(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_inferred(kind: str, tmp_path: Path) -> None:
    columns = {
        "id": list(range(100)),
        "code": [f"0{n % 7}" for n in range(100)],
        "score": [None if n == 3 else n / 8 for n in range(100)],
        "day": ["2026-01-02"] * 100,
        "ok": [n % 2 == 0 for n in range(100)],
    }
    inferred = keeps_its_own_contract(write_table(tmp_path / f"t.{kind}", columns))
    types = {each.name: str(each.type) for each in inferred.contract.columns}
    assert types == {
        "id": "integer", "code": "string", "score": "number", "day": "date", "ok": "boolean"
    }  # fmt: skip
    assert rule(inferred, "id").unique
    assert not rule(inferred, "code").unique
    assert rule(inferred, "code").allowed == tuple(f"0{n}" for n in range(7))
    assert rule(inferred, "score").max_null_fraction == 0.02
    assert (rule(inferred, "score").minimum, rule(inferred, "score").maximum) == (0, 12.375)
    assert (inferred.contract.min_rows, inferred.contract.max_rows) == (50, 200)
    for comment in ("smallest seen", "every value seen", "no value repeats", "half to double"):
        assert f"# {comment}" in inferred.text.decode() or comment in inferred.text.decode()


def test_the_delimiter_is_found(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n1;2,5\n")
    assert keeps_its_own_contract(tmp_path / "t.csv").contract.reading.delimiter == ";"
    (tmp_path / "t.tsv").write_text("a\tb\n1\t2\n")
    assert keeps_its_own_contract(tmp_path / "t.tsv").contract.reading.delimiter is None


def test_damage_teaches_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1\n")
    with pytest.raises(InvalidInput) as caught:
        infer(str(tmp_path / "t.csv"))
    assert caught.value.code == "table-unreadable"
