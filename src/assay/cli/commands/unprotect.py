"""`assay unprotect`: make files independent of the cache."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_paths
from assay.cli.text import human_count

DESCRIPTION = """
Turn hard and symbolic links into the cache into writable copies, so that they can be edited.
With the default link types (reflink, copy) files are independent already.
"""
EXAMPLES = """
assay unprotect data/train.csv
assay unprotect .               # everything
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="+", text="tracked paths")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        copied = repository.unprotect(args.targets)
    console.say(f"{human_count(copied, 'file')} made independent of the cache.")
    return 0
