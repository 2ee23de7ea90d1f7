"""`assay stage list`: the stages of the pipelines."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
List the stages of every pipeline in the order in which they would run, with what each says of
itself, or else what it writes.
"""
EXAMPLES = """
assay stage list
assay stage list --name-only
assay stage list --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="stages (default: all)")
    parser.add_argument("--name-only", "--names-only", action="store_true", help="names alone")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        stages = repository.stage_graph(args.targets).stages
    if console.is_json:
        console.json(
            [
                {
                    "stage": stage.address,
                    "cmd": stage.command if isinstance(stage.command, str) else [*stage.command],
                    "deps": [dep.name for dep in stage.deps],
                    "params": {item.name: list(item.keys) for item in stage.params},
                    "outs": [out.name for out in stage.outs],
                    "checks": [check.name for check in stage.checks],
                    "frozen": stage.is_frozen,
                    "desc": stage.description,
                }
                for stage in stages
            ]
        )
        return 0
    if args.name_only:
        for stage in stages:
            console.print(shown(stage.address))
        return 0
    rows = []
    for stage in stages:
        outs = "Outputs " + ", ".join(out.name for out in stage.outs) if stage.outs else ""
        deps = "Depends on " + ", ".join(dep.name for dep in stage.deps) if stage.deps else ""
        rows.append((shown(stage.address), shown(stage.description or outs or deps)))
    console.table(rows)
    return 0
