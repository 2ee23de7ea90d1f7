"""`assay release show`: one release, with its evidence and where it was served."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import (
    artifact_rows,
    evidence_as_dict,
    gate_line,
    signature,
    state_as_dict,
    state_line,
)
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.api.releases.views import ReleaseView

DESCRIPTION = """
Show a release: what it binds, the parameters and environment that made it, the verdict of each
gate, the channels that served it, and whether it is in quarantine.
"""
EXAMPLES = """
assay release show intent-bot@1.0.0
assay release show intent-bot@prod --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("release", metavar="NAME@REF", help="NAME@VERSION or NAME@CHANNEL")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        view = repository.releases.show(args.release)
    if console.is_json:
        history = {
            channel: [state_as_dict(s.value, s.signed_by) for s in states]
            for channel, states in view.history.items()
        }
        value = evidence_as_dict(view.evidence)
        console.json({**value, "served_by": list(view.channels), "history": history})
        return 0
    _show(view, console)
    return 0


def _show(view: ReleaseView, console: Console) -> None:
    evidence = view.evidence
    release = evidence.release.value
    by = signature(console, evidence.release.signed_by)
    console.print(f"{console.style(shown(release.title), 'bold')}  {by}")
    if evidence.quarantine is not None:
        found = evidence.quarantine
        console.print(
            f"{console.style('QUARANTINED', 'bold', 'red')}  {shown(found.value.reason)}, "
            f"{signature(console, found.signed_by)}"
        )
    if release.message:
        console.print(f"  {shown(release.message)}")
    environment = release.environment
    rows = [("commit", release.commit), ("created", release.created)]
    rows += [("digest", evidence.release.digest)]
    if environment:
        python = f"{environment.get('python')} on {environment.get('system')}"
        rows.append(("environment", f"Python {python}"))
    console.table([(f"  {name}", shown(value)) for name, value in rows])
    console.print("artifacts:")
    console.table(artifact_rows(release.artifacts), right=frozenset({2}))
    for file, values in release.parameters.items():
        said = ", ".join(f"{key} {value}" for key, value in values.items())
        console.print(f"parameters of {shown(file)}: {shown(said)}")
    if release.gates:
        console.print("gates:")
    for gate in release.gates:
        result = evidence.results.get(gate)
        if result is None:
            why = evidence.stale.get(gate, "never run")
            console.print(f"  {console.style('none', 'dim')}  {shown(gate)}: {shown(why)}")
        else:
            by = signature(console, result.signed_by)
            console.print(f"  {gate_line(console, gate, result.value.verdict)}  ({by})")
    for channel, states in view.history.items():
        mark = " (now)" if channel in view.channels else ""
        console.print(f"channel {shown(channel)}{mark}:")
        console.table([state_line(console, state) for state in states])
