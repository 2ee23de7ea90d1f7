"""`assay runs list`: what stages ran here, newest first."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import human_duration, shown

DESCRIPTION = """
List what stages ran in this clone, newest first.  Records are appended to a log in which each
entry names the one before it; a log that was edited is refused.
"""
EXAMPLES = """
assay runs list
assay runs list train -n 5
assay runs list --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("stage", nargs="?", metavar="STAGE", help="only runs of this stage")
    parser.add_argument("-n", "--num", type=int, metavar="N", help="at most N runs")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        entries = repository.runs(args.stage)
    entries = entries[: args.num] if args.num is not None else entries
    if console.is_json:
        console.json([{**entry.body, "hash": entry.hash} for entry in entries])
        return 0
    rows = []
    for entry in entries:
        body = entry.body
        commit = str(body["commit"])[:10] or "-"
        rows.append(
            (
                shown(str(body["id"])),
                shown(str(body["stage"])),
                shown(str(body["outcome"])),
                human_duration(float(body["duration_seconds"])),
                commit if body["clean"] else f"{commit}+changes",
            )
        )
    console.table(rows, right=frozenset({3}))
    if not entries:
        console.say("No runs yet.")
    return 0
