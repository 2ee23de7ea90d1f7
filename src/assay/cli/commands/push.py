"""`assay push`: send objects to a remote."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import add_revisions, revisions_of, transfer_json, transfer_text

DESCRIPTION = """
Upload what a remote lacks of the tracked data.  Every object is verified while it is read, so
damage never spreads.  Interrupted, it goes on where it was.
"""
EXAMPLES = """
assay push
assay push data/train -r nas
assay push --all-commits            # the whole history
assay push --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument("-r", "--remote", metavar="NAME", help="the remote (default: core.remote)")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="transfers at a time")
    parser.add_argument("-d", "--with-deps", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("-R", "--recursive", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("--dry-run", "--dry", action="store_true", help="change nothing")
    add_revisions(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        result = repository.push(
            args.targets,
            remote=args.remote,
            revisions=revisions_of(args),
            jobs=args.jobs,
            dry_run=args.dry_run,
        )
    if console.is_json:
        console.json(transfer_json(result))
    else:
        console.say(transfer_text(result, "to push" if args.dry_run else "pushed"))
    return 0
