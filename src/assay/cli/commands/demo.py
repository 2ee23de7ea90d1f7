"""`assay demo`: from a real data set to a traced prediction, in a fresh folder."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths

DESCRIPTION = """
Go from a real data set to a traced prediction: two published releases of the sentences that people
say to a smart home.  Tracks, shares, revises and heals the data; trains a bot; releases it through
gates; serves it to a nightly job; traces one answer to the rows that it rests on.  Then damaged
data is stopped, and a bad release that slips through is taken back.  Each command is printed as
you would type it, with what it took; each claim is checked.

It takes about half a minute.  The first run downloads the data (4 MB, with pip); later ones need
no network.  Everything happens in one folder, which is kept (200 MB), with settings and a key of
its own.  Needs Git and `pip install 'assay[demo]'`.
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
