"""`assay gate run`: judge a release, and record what was found."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import EXIT_CODES, gate_line, result_as_dict, signature
from assay.cli.text import shown

DESCRIPTION = """
Run the gates that a release declares, on the release's own bytes and never on the workspace, and
record each verdict, bound to these bytes and to the gate's definition, for everybody.  The newest
result of a gate counts.  The exit code is 0 when all pass, 7 when one fails, 10 when one comes to
no verdict: a gate that crashes or hangs has none.
"""
EXAMPLES = """
assay gate run intent-bot@1.0.0
assay gate run intent-bot@1.0.0 metric smoke
assay gate run intent-bot@1.0.0 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("release", metavar="NAME@VERSION", help="the release")
    parser.add_argument("gates", nargs="*", metavar="GATE", help="only these gates (default: all)")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        done = repository.releases.run_gates(args.release, args.gates)
    verdicts = {result.verdict.verdict for result in done.results}
    worst = next((v for v in ("fail", "inconclusive") if v in verdicts), "pass")
    if console.is_json:
        release = done.evidence.release.value
        results = [result_as_dict(result, done.signed_by) for result in done.results]
        console.json({"release": release.title, "verdict": worst, "results": results})
        return EXIT_CODES[worst]
    for result in done.results:
        console.print(gate_line(console, result.gate, result.verdict))
    title = shown(done.evidence.release.value.title)
    console.say(f"Recorded for {title}, {signature(console, done.signed_by)}.")
    done.require_passed()
    return 0
