"""`assay runs show`: one run, with everything that its record says."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import human_duration, shown

DESCRIPTION = """
Show one run: the commit, what went in and came out by digest, parameters, times, the machine, and
the verdicts of its checks.  Name it by the beginning of its id or hash, or name a stage for its
newest run.
"""
EXAMPLES = """
assay runs show train
assay runs show 20260301T101500-1b
assay runs show train --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run", metavar="RUN", help="id, hash or stage")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        entry = repository.run_record(args.run)
    body = entry.body
    if console.is_json:
        console.json({**body, "hash": entry.hash})
        return 0
    command = body["command"] if isinstance(body["command"], str) else "; ".join(body["command"])
    clean = "" if body["clean"] else " with uncommitted changes"
    rows = [
        ("run", body["id"]),
        ("stage", body["stage"]),
        ("outcome", f"{body['outcome']} (exit code {body['exit_code']})"),
        ("command", command),
        ("commit", f"{body['commit'] or '-'}{clean}"),
        ("started", body["started"]),
        ("took", human_duration(float(body["duration_seconds"]))),
        ("python", f"{body['python']}, packages {body['packages'][:16]}"),
        ("system", body["system"]),
        ("log", body["log"] or "-"),
        ("hash", entry.hash),
    ]
    console.table([(name, shown(str(value))) for name, value in rows])
    _section(console, "inputs", body["deps"])
    for file, values in body["params"].items():
        _section(console, f"parameters of {shown(file)}", values)
    _section(console, "outputs", body["outs"])
    for check in body["checks"]:
        detail = f"  {check['detail']}" if check.get("detail") else ""
        console.print(f"check {shown(check['check'])}: {check['verdict']}{shown(detail)}")
    return 0


def _section(console: Console, title: str, values: Mapping[str, Any]) -> None:
    if values:
        console.print(f"{title}:")
        console.table([(f"  {shown(name)}", shown(str(value))) for name, value in values.items()])
