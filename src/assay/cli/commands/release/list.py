"""`assay release list`: what was released, how it fared, and what serves it."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import VERDICT_STYLES, evidence_as_dict, signature
from assay.cli.text import shown

DESCRIPTION = """
List releases with their gates and the channels that serve them now.  The Git remote is asked
first; when it cannot be reached, what this clone knows is shown.
"""
EXAMPLES = """
assay release list
assay release list intent-bot --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", default="", help="only releases of this name")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        rows = repository.releases.all(args.name)
    if console.is_json:
        console.json(
            [{**evidence_as_dict(r.evidence), "served_by": list(r.channels)} for r in rows]
        )
        return 0
    if not rows:
        console.say("There are no releases.")
        return 0
    table = []
    for row in rows:
        release = row.evidence.release
        gates = [
            console.style(gate, VERDICT_STYLES[found.value.verdict.verdict])
            if (found := row.evidence.results.get(gate))
            else console.style(f"{gate}?", "dim")
            for gate in release.value.gates
        ]
        state = ", ".join(console.style(shown(c), "bold", "cyan") for c in row.channels)
        if row.evidence.quarantine is not None:
            state = console.style("QUARANTINED", "bold", "red")
        table.append(
            (
                shown(release.value.title),
                state,
                " ".join(gates),
                signature(console, release.signed_by),
                release.value.created[:10],
                shown(release.value.message.split("\n")[0]),
            )
        )
    console.table(table)
    return 0
