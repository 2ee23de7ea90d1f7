"""`assay rollback`: let a channel serve again what it served before."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_arguments import add_reason
from assay.cli.release_rendering import show_move

DESCRIPTION = """
Move a channel back to the last release that it served before and that may still be served: one in
quarantine is passed over.  The release is judged as for a promotion.
"""
EXAMPLES = """
assay rollback intent-bot@prod -m "Replies are wrong"
assay rollback intent-bot@prod --to 1.0.0
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME@CHANNEL", help="the channel")
    parser.add_argument("channel", nargs="?", metavar="CHANNEL", help="the channel, after a NAME")
    parser.add_argument("--to", metavar="VERSION", help="back to this version")
    add_reason(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    channel = args.name if args.channel is None else f"{args.name}@{args.channel}"
    with api.open_repository(progress=console.progress) as repository:
        moved = repository.releases.roll_back(
            channel, to=args.to, reason=args.message, dry_run=args.dry_run
        )
    show_move(moved, console)
    return 0
