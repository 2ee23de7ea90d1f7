"""Small tables for the tests, written in every format that a contract can judge."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.quality.check import check
from assay.quality.files import parse_contract
from assay.quality.model import CheckResult, ContractReport

Columns = Mapping[str, Sequence[Any]]
FORMATS = ("csv", "jsonl", "parquet")


def write_table(path: Path, columns: Columns) -> Path:
    """Write columns in the format that the name tells; a null is `None`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(zip(*columns.values(), strict=True))
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(["" if cell is None else _cell(cell) for cell in row] for row in rows)
    elif path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            for row in rows:
                record = dict(zip(columns, row, strict=True))
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({name: list(v) for name, v in columns.items()}), path)
    return path


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def judge(path: Path, contract: str, **options: Any) -> ContractReport:
    """Check a path against a contract's text, without its first line."""
    text = f"format: 1\n{contract}".encode()
    return check(
        parse_contract(text, "contracts/t.yaml"), str(path), contract_digest=bytes(32), **options
    )


def result(report: ContractReport, rule: str, column: str | None = None) -> CheckResult:
    """What one rule says."""
    (found,) = [r for r in report.results if (r.rule, r.column) == (rule, column)]
    return found


def broken(report: ContractReport) -> set[str]:
    """The rules that do not pass, as `rule` or `column.rule`."""
    return {
        r.rule if r.column is None else f"{r.column}.{r.rule}"
        for r in report.results
        if r.verdict != "pass"
    }
