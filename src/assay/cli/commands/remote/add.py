"""`assay remote add`: name a remote."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

DESCRIPTION = """
Name a place where data is shared: a folder, such as a mounted network drive.  The first push
creates it where its parent exists.

A relative path counts from the current folder; it is stored so that it means the same place for
everyone whose clone lies beside the same folders.
"""
EXAMPLES = """
assay remote add --default store /mnt/nas/team-data
assay remote add backup ../backup
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what to call it")
    add_paths(parser, "url", text="where it is", only_folders=True)
    parser.add_argument("-d", "--default", action="store_true", help="make it the default remote")
    parser.add_argument("-f", "--force", action="store_true", help="replace one of the same name")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    configuration.add_remote(
        args.name, args.url, level=args.level, is_default=args.default, force=args.force
    )
    if args.default:
        console.say(f"Setting '{shown(args.name)}' as a default remote.")
    done(console, name=args.name, is_default=args.default)
    return 0
