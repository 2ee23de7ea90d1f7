"""`assay release list`: what was released, how it fared, and what serves it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import VERDICT_STYLES, evidence_as_dict, signature
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.api.releases.views import ReleaseRow
    from assay.releases.judge import Evidence

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
        console.json([_as_dict(row) for row in rows])
        return 0
    if not rows:
        console.say("There are no releases.")
        return 0
    console.table([_cells(row, console) for row in rows])
    return 0


def _as_dict(row: ReleaseRow) -> dict[str, object]:
    if row.evidence is None:
        problem = row.problem.as_dict() if row.problem else None
        return {"release": row.title, "problem": problem}
    return {**evidence_as_dict(row.evidence), "served_by": list(row.channels)}


def _cells(row: ReleaseRow, console: Console) -> tuple[str, ...]:
    if row.evidence is None:
        what = row.problem.what if row.problem else ""
        return shown(row.title), console.style("NOT TO BE TRUSTED", "bold", "red"), shown(what)
    release = row.evidence.release
    state = ", ".join(console.style(shown(c), "bold", "cyan") for c in row.channels)
    if row.evidence.quarantine is not None:
        state = console.style("QUARANTINED", "bold", "red")
    return (
        shown(release.value.title),
        state,
        " ".join(_gate(gate, row.evidence, console) for gate in release.value.gates),
        signature(console, release.signed_by),
        release.value.created[:10],
        shown(release.value.message.split("\n")[0]),
    )


def _gate(gate: str, evidence: Evidence, console: Console) -> str:
    found = evidence.results.get(gate)
    if found is None:
        return console.style(f"{gate}?", "dim")
    return console.style(gate, VERDICT_STYLES[found.value.verdict.verdict])
