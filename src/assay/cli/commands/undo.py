"""`assay undo`: bring back what the last command displaced or collected."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Bring back what the newest command took away: files that `checkout --force` or `pull --force`
displaced, or objects that `gc --force` collected.
"""
EXAMPLES = """
assay undo
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        undone = repository.undo()
    if console.is_json:
        console.json({"what": undone.what, "id": undone.id, "paths": list(undone.paths)})
        return 0
    for path in undone.paths:
        console.say(f"restored: {shown(path)}")
    console.say(f"Undone: {undone.what}.")
    return 0
