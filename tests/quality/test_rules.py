"""Each rule of a contract has data that keeps it and data that breaks it, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.quality.model import RowExample
from assay.quality.uniqueness import Budget
from quality_tables import FORMATS, broken, judge, result, write_table

# rule, the column's rule in YAML, values that keep it, values that break it, what breaks
CASES: list[tuple[str, list[Any], list[Any], str]] = [
    ("{type: string}", ["a", "b"], [None, "b"], "nulls"),
    ("{type: integer}", [1, -2, 0], [1, "x"], "type"),
    ("{type: number}", [1.5, 2.0, -0.25], [1.5, "1_0"], "type"),
    ("{type: boolean}", [True, False], ["yes", "no"], "type"),
    ("{type: date}", ["2026-01-31"], ["2026-02-30"], "type"),
    ("{type: datetime}", ["2026-01-31T10:00:00Z", "2026-01-31 10:00"], ["2026-01-31"], "type"),
    ("{type: list}", [[1], [2, 3]], ["x"], "type"),
    ("{type: object}", [{"a": 1}], ["x"], "type"),
    ("{nullable: true}", [None, "a"], [], ""),
    ("{max_null_fraction: 0.5}", [None, "a"], [None, None, "a"], "nulls"),
    ("{type: integer, min: 1}", [1, 2], [0, 1], "min"),
    ("{type: number, max: 1.5}", [1.5, 0.1], [1.6, 1.0], "max"),
    ("{type: date, min: 2026-01-01}", ["2026-01-01"], ["2025-12-31"], "min"),
    ("{type: datetime, max: '2026-01-01T00:00Z'}", ["2026-01-01T01:00+02:00"],
     ["2026-01-01T00:01Z"], "max"),
    ("{type: string, allowed: [a, b]}", ["a", "b", "a"], ["a", "c"], "allowed"),
    ("{type: integer, allowed: [1, 2]}", [1, 2], [3], "allowed"),
    ("{type: string, pattern: '[a-z]+[0-9]'}", ["ab1"], ["ab1x"], "pattern"),
    ("{type: string, unique: true}", ["a", "b"], ["a", "b", "a"], "unique"),
    ("{type: string, min_length: 2}", ["ab"], ["ab", "a"], "min_length"),
    ("{type: string, max_length: 2}", ["ab"], ["abc"], "max_length"),
]  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("rule", "good", "bad", "name"), CASES, ids=[c[0] for c in CASES])
def test_a_rule_passes_what_keeps_it_and_fails_what_breaks_it(
    rule: str, good: list[Any], bad: list[Any], name: str, kind: str, tmp_path: Path
) -> None:
    contract = f"columns: {{v: {rule}}}"
    assert not broken(judge(write_table(tmp_path / f"good.{kind}", {"v": good}), contract))
    if bad:
        if kind == "parquet" and len({type(v) for v in bad if v is not None}) > 1:
            bad = [str(v) for v in bad]  # its columns have one type
        report = judge(write_table(tmp_path / f"bad.{kind}", {"v": bad}), contract)
        assert broken(report) == {f"v.{name}"}
        assert report.verdict == "fail"
        assert result(report, name, "v").examples


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_and_rows_are_counted(kind: str, tmp_path: Path) -> None:
    path = write_table(tmp_path / f"t.{kind}", {"a": [1, 2], "b": [3, 4]})
    two = "columns: {a: {}, b: {}}\n"
    assert not broken(judge(path, two + "rows: {min: 2, max: 2}"))
    assert broken(judge(path, two + "rows: {min: 3}")) == {"min_rows"}
    assert broken(judge(path, two + "rows: {max: 1}")) == {"max_rows"}
    assert broken(judge(path, "columns: {a: {}}")) == {"extra_columns"}
    assert not broken(judge(path, "columns: {a: {}}\nextra_columns: allow"))
    assert broken(judge(path, "columns: {a: {}, b: {}, c: {}}")) == {"c.required"}
    assert not broken(judge(path, "columns: {a: {}, b: {}, c: {required: false}}"))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_tables_of_a_folder_are_one_table(kind: str, tmp_path: Path) -> None:
    write_table(tmp_path / f"d/a.{kind}", {"v": ["x", "y"]})
    write_table(tmp_path / f"d/sub/b.{kind}", {"v": ["z", "x"]})
    (tmp_path / "d/README.md").write_text("no table")
    report = judge(tmp_path / "d", "columns: {v: {unique: true}}\nrows: {min: 4}")
    assert [file.path for file in report.files] == [f"a.{kind}", f"sub/b.{kind}"]
    assert broken(report) == {"v.unique"}
    (example,) = result(report, "unique", "v").examples
    assert example == RowExample(file=f"sub/b.{kind}", row=2, value=f"same as a.{kind} row 1")


def test_a_column_must_be_in_every_file(tmp_path: Path) -> None:
    write_table(tmp_path / "d/a.csv", {"v": ["x"], "w": [1]})
    write_table(tmp_path / "d/b.csv", {"v": ["x"]})
    report = judge(tmp_path / "d", "columns: {v: {}, w: {}}")
    assert result(report, "required", "w").reason == "missing in b.csv"
    assert not broken(judge(tmp_path / "d", "columns: {v: {}, w: {required: false}}"))


def test_a_glob_picks_the_files(tmp_path: Path) -> None:
    write_table(tmp_path / "d/a.csv", {"v": [1]})
    (tmp_path / "d/b.txt").write_text("v\n2\n")
    contract = "columns: {v: {}}\nread: {files: '*.txt', format: csv}"
    assert [file.path for file in judge(tmp_path / "d", contract).files] == ["b.txt"]


def test_numbers_that_only_python_reads_are_no_numbers(tmp_path: Path) -> None:
    cells = ["1_000", " 1", "١", "nan", "inf", "0x1", "1e", ""]
    path = write_table(tmp_path / "t.csv", {"v": cells})
    report = judge(path, "columns: {v: {type: number, nullable: true}}")
    assert result(report, "type", "v").value == len(cells) - 1


def test_more_unique_values_than_fit_leave_the_rule_open(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"v": list(range(100))})
    contract = "columns: {v: {type: integer, unique: true}}"
    assert judge(path, contract, budget=Budget(100)).verdict == "pass"
    report = judge(path, contract, budget=Budget(99))
    assert report.verdict == "inconclusive"
    assert "more values" in result(report, "unique", "v").reason


def test_a_report_is_bound_to_the_bytes(tmp_path: Path) -> None:
    from blake3 import blake3

    path = write_table(tmp_path / "d/t.csv", {"v": [1]})
    report = judge(path, "columns: {v: {}}")
    assert report.data_digest == blake3(path.read_bytes()).digest() == report.files[0].digest
    before = judge(path.parent, "columns: {v: {}}").data_digest
    path.rename(path.with_name("u.csv"))
    assert judge(path.parent, "columns: {v: {}}").data_digest != before
