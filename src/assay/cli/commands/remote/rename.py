"""`assay remote rename`: give a remote another name."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json

DESCRIPTION = """
Give a remote another name.  Where it is the default remote, it stays so.
"""
EXAMPLES = """
assay remote rename store archive
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the remote")
    parser.add_argument("new", help="its new name")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    configuration.rename_remote(args.name, args.new, level=args.level)
    done(console, name=args.new, renamed_from=args.name)
    return 0
