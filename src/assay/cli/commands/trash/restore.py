"""`assay trash restore`: bring displaced files back."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Put displaced files back where they were.  What stands in their place now goes to the trash in
turn, so nothing is lost either way.
"""
EXAMPLES = """
assay trash restore                 # the newest entry
assay trash restore 1779500000-9f2c
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("id", nargs="?", help="an entry, or the beginning of its id")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        entry = repository.trash_restore(args.id)
    if console.is_json:
        console.json({"id": entry.id, "paths": list(entry.paths)})
        return 0
    for path in entry.paths:
        console.say(f"restored: {shown(path)}")
    return 0
