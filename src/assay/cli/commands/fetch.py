"""`assay fetch`: bring objects from a remote into the cache."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import add_revisions, revisions_of, transfer_json, transfer_text

DESCRIPTION = """
Download what the cache lacks of the tracked data, verified; the workspace is not touched.
"""
EXAMPLES = """
assay fetch
assay fetch data/train/a.csv        # one file of a tracked folder
assay fetch --rev v1.0              # what a tag needs, as well
assay fetch --all-tags -j 8
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
    parser.add_argument("--allow-missing", action="store_true", help="go on without missing data")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        result = repository.fetch(
            args.targets,
            remote=args.remote,
            revisions=revisions_of(args),
            jobs=args.jobs,
            dry_run=args.dry_run,
            allow_missing=args.allow_missing,
        )
    if console.is_json:
        console.json(transfer_json(result))
    else:
        console.say(transfer_text(result, "to fetch" if args.dry_run else "fetched"))
    return 0
