"""`assay remote modify`: change or unset an option of a remote."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json

DESCRIPTION = """
Change one option of a remote, or remove it with --unset.

What only concerns this machine, such as another path to the same store, belongs to --local.
"""
EXAMPLES = """
assay remote modify store url /mnt/new-nas/team-data
assay remote modify --local store jobs 4
assay remote modify --unset store jobs
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the remote")
    parser.add_argument("option", help="url, jobs, layout or verify")
    parser.add_argument("value", nargs="?", help="what to set it to")
    parser.add_argument("-u", "--unset", action="store_true", help="remove the option")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration
    from assay.errors import InvalidInput

    if args.unset == (args.value is not None):
        raise InvalidInput(
            "usage-invalid",
            "Give either a value or --unset.",
            fix="See `assay remote modify --help`.",
        )
    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    configuration.modify_remote(args.name, args.option, args.value, level=args.level)
    done(console, name=args.name, option=args.option, unset=args.unset)
    return 0
