"""`assay checkout`: make the workspace match the pointers."""

from __future__ import annotations

import argparse

from assay.cli.checkout_report import print_checkout
from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths

DESCRIPTION = """
Make tracked paths hold exactly what their pointers record, from the cache.  Run it after
`git checkout`.  Every object is verified before it is written; damaged ones are fetched anew
from a remote that has them good.  Work that is not in the cache is never lost: it is refused,
or with --force moved to the trash (`assay undo` brings it back).
"""
EXAMPLES = """
git checkout v1.0 && assay checkout
assay checkout data/train             # a part of a tracked folder
assay checkout --dry-run
assay checkout --force                # displace unsaved files into the trash
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument(
        "-f", "--force", action="store_true", help="move unsaved files to the trash"
    )
    parser.add_argument(
        "--relink", action="store_true", help="make every file a link of the configured type again"
    )
    parser.add_argument("--allow-missing", action="store_true", help="go on without missing data")
    parser.add_argument("--summary", action="store_true", help="print counts only")
    parser.add_argument("-d", "--with-deps", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("-R", "--recursive", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("--dry-run", "--dry", action="store_true", help="change nothing")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress, jobs=args.jobs) as repository:
        result = repository.checkout(
            args.targets,
            force=args.force,
            relink=args.relink,
            allow_missing=args.allow_missing,
            dry_run=args.dry_run,
        )
    print_checkout(console, result, summary=args.summary)
    return 0
