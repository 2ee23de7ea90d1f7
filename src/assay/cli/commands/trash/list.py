"""`assay trash list`: what commands displaced from the workspace."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import human_count, human_size, shown

DESCRIPTION = """
List what commands displaced from the workspace, newest first.  Entries are kept for
trash.keep_days.  What `gc` collected is not among them: `assay undo` brings that back.
"""
EXAMPLES = """
assay trash list
assay trash list --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from datetime import datetime

    from assay import api

    with api.open_repository() as repository:
        entries = repository.trash_list()
    if console.is_json:
        console.json(
            [
                {
                    "id": entry.id,
                    "created": datetime.fromtimestamp(entry.created_ns / 1e9)
                    .astimezone()
                    .isoformat(),
                    "command": entry.command,
                    "paths": list(entry.paths),
                    "size": entry.size_bytes,
                }
                for entry in entries
            ]
        )
        return 0
    for entry in entries:
        when = datetime.fromtimestamp(entry.created_ns / 1e9).astimezone()
        paths = shown(entry.paths[0]) if entry.paths else "-"
        more = f" and {len(entry.paths) - 1} more" if len(entry.paths) > 1 else ""
        size = human_size(entry.size_bytes)
        console.print(f"{entry.id}  {when:%Y-%m-%d %H:%M}  {entry.command}  {paths}{more}  {size}")
    if not entries:
        console.say("The trash is empty.")
    else:
        console.note(f"{human_count(len(entries), 'entry', 'entries')}; `assay trash restore ID`")
    return 0
