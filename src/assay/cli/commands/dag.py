"""`assay dag`: show which stage reads from which."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Show the graph of stages: as lines in the order in which they would run, as DOT for Graphviz, or
as Mermaid for Markdown pages.  With a target only that stage and what it needs.
"""
EXAMPLES = """
assay dag
assay dag --dot | dot -Tsvg > pipeline.svg
assay dag --mermaid train
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="stages (default: all)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dot", action="store_true", help="print DOT")
    form.add_argument("--mermaid", action="store_true", help="print Mermaid")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api
    from assay.pipelines.picture import as_dot, as_mermaid, as_text

    with api.open_repository(progress=console.progress) as repository:
        found = repository.stage_graph(args.targets, upstream=True)
    if console.is_json:
        console.json(
            {
                address: [a for a in found.graph.before[address] if a in found.chosen]
                for address in found.chosen
            }
        )
        return 0
    draw = as_dot if args.dot else as_mermaid if args.mermaid else as_text
    if not found.chosen and draw is as_text:
        console.say("No stages.")
        return 0
    for line in draw(found.graph, found.chosen).split("\n"):
        console.print("\t" + shown(line[1:]) if line.startswith("\t") else shown(line))
    return 0
