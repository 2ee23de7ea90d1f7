"""`assay pull`: fetch, then check out."""

from __future__ import annotations

import argparse

from assay.cli.checkout_report import checkout_json, print_checkout
from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import add_revisions, revisions_of, transfer_json, transfer_text

DESCRIPTION = """
Bring tracked data from a remote into the workspace: fetch what the cache lacks, then check out.
"""
EXAMPLES = """
assay pull
assay pull data/train/a.csv         # one file of a tracked folder
assay pull -r nas -j 8
assay pull --force                  # displace unsaved files into the trash
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
    parser.add_argument(
        "-f", "--force", action="store_true", help="move unsaved files to the trash"
    )
    parser.add_argument("--allow-missing", action="store_true", help="go on without missing data")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        result = repository.pull(
            args.targets,
            remote=args.remote,
            revisions=revisions_of(args),
            jobs=args.jobs,
            force=args.force,
            allow_missing=args.allow_missing,
            dry_run=args.dry_run,
        )
    if console.is_json:
        console.json({**transfer_json(result.fetched), "checkout": checkout_json(result.checkout)})
        return 0
    print_checkout(console, result.checkout)
    console.say(transfer_text(result.fetched, "to fetch" if args.dry_run else "fetched"))
    return 0
