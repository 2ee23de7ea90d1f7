"""`assay remote default`: show, set or unset the default remote."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Show the remote that is meant when none is named, choose it, or have none.
"""
EXAMPLES = """
assay remote default
assay remote default store
assay remote default --unset
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the remote to make the default")
    parser.add_argument("-u", "--unset", action="store_true", help="have no default remote")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration
    from assay.errors import InvalidInput

    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    if args.unset and args.name:
        raise InvalidInput(
            "usage-invalid",
            "--unset goes without a name.",
            fix="See `assay remote default --help`.",
        )
    if args.unset or args.name:
        configuration.set_default_remote(None if args.unset else args.name, level=args.level)
        done(console, default=args.name)
        return 0
    default = configuration.default_remote(args.level)
    if args.json:
        console.json({"default": default})
    elif default is None:
        console.say("No default remote set")
    else:
        console.print(shown(default))
    return 0
