"""`assay contract check`: judge data by a contract."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import human_count, shown

if TYPE_CHECKING:
    from assay.quality.model import CheckResult, ContractReport

DESCRIPTION = """
Judge a table, or the tables in a folder as one, by the contract contracts/NAME.yaml (or a file).

The exit code is 0 when every rule holds, 7 when one is broken, and 10 when the data cannot be
judged: it is damaged, or a rule would take more time or memory than a check may use.
"""
EXAMPLES = """
assay contract check train
assay contract check train data/train.csv
assay contract check rules/events.yaml data/days --json
"""
_EXIT_CODES = {"pass": 0, "fail": 7, "inconclusive": 10}
_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the contract: its name, or the path of its file")
    add_paths(parser, "path", nargs="?", text="what to judge (default: the contract's `data`)")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="after this the verdict is inconclusive (default: 600)",
    )
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.contracts import check, load_contract

    contract = load_contract(args.name)
    report = check(contract, args.path, timeout_seconds=args.timeout, progress=console.progress)
    if args.json:
        console.json(_as_dict(args.name, report))
    else:
        _show(report, console)
    return _EXIT_CODES[report.verdict]


def _show(report: ContractReport, console: Console) -> None:
    for result in report.results:
        if result.verdict != "pass":
            _show_result(result, console)
    checked = human_count(len(report.results), "rule")
    rows = human_count(report.rows, "row")
    files = human_count(len(report.files), "file")
    verdict = console.style(str(report.verdict), "bold", _STYLES[report.verdict])
    console.print(f"{verdict}: {checked} on {rows} in {files}")
    console.detail(f"data blake3:{report.data_digest.hex()}")
    console.detail(f"contract blake3:{report.contract_digest.hex()}")


def _show_result(result: CheckResult, console: Console) -> None:
    verdict = console.style(str(result.verdict), _STYLES[result.verdict])
    name = result.rule if result.column is None else f"{shown(result.column)}: {result.rule}"
    facts = ""
    if result.value is not None:
        limit = "" if result.limit is None else f" (limit {_number(result.limit)})"
        facts = f" {_number(result.value)} {result.unit}".rstrip() + limit
    reason = f"; {shown(result.reason)}" if result.reason else ""
    console.print(f"{verdict}  {name}:{facts}{reason}")
    for example in result.examples:
        console.print(f"      {shown(example.file)} row {example.row}: {shown(example.value)}")


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shown(str(value))


def _as_dict(name: str, report: ContractReport) -> dict[str, object]:
    return {
        "contract": {"name": name, "blake3": report.contract_digest.hex()},
        "verdict": str(report.verdict),
        "rows": report.rows,
        "data": {
            "blake3": report.data_digest.hex(),
            "files": [
                {
                    "path": file.path,
                    "blake3": file.digest.hex(),
                    "size": file.size_bytes,
                    "rows": file.rows,
                }
                for file in report.files
            ],
        },
        "results": [_result(result) for result in report.results],
    }


def _result(result: CheckResult) -> dict[str, object]:
    return {
        "rule": result.rule,
        "column": result.column,
        "verdict": str(result.verdict),
        "value": _finite(result.value),
        "limit": _finite(result.limit),
        "unit": result.unit,
        "reason": result.reason,
        "examples": [
            {"file": each.file, "row": each.row, "value": each.value} for each in result.examples
        ],
    }


def _finite(value: object) -> object:
    """JSON has no infinity."""
    is_odd = isinstance(value, float) and not math.isfinite(value)
    return str(value) if is_odd else value
