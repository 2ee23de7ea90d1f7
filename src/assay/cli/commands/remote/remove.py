"""`assay remote remove`: forget a remote."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json

DESCRIPTION = """
Forget a remote.  What is stored there stays; only its name goes from the configuration.
"""
EXAMPLES = """
assay remote remove backup
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the remote")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    configuration.remove_remote(args.name, level=args.level)
    done(console, name=args.name, removed=True)
    return 0
