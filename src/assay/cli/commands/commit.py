"""`assay commit`: record changed data in its pointers."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import recorded_json
from assay.cli.text import shown

DESCRIPTION = """
Record what changed in tracked data: store the new content and update the pointers.  What `add`
does for paths that are named, `commit` does for everything that is tracked.  The pointers then
go to Git: `git commit -a`.
"""
EXAMPLES = """
assay commit                # everything that changed
assay commit data.assay
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument("-f", "--force", action="store_true", help="list unchanged paths too")
    parser.add_argument("-d", "--with-deps", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("-R", "--recursive", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("--no-relink", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress, jobs=args.jobs) as repository:
        done = repository.commit(args.targets, force=args.force)
    if console.is_json:
        console.json(recorded_json(done))
        return 0
    for recorded in done:
        console.say(f"recorded: {shown(recorded.path)}")
    if not done:
        console.say("Nothing changed.")
    return 0
