"""`assay cache dir`: show, set or unset where the cache is."""

from __future__ import annotations

import argparse
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels, done
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

DESCRIPTION = """
Show where the project's cache is, or put it elsewhere.

A cache may be shared by several projects of this machine.  What is in the old one stays there.
"""
EXAMPLES = """
assay cache dir
assay cache dir --local /fast/disk/cache
assay cache dir --unset
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_paths(parser, "value", nargs="?", text="the folder to use from now on", only_folders=True)
    parser.add_argument("-u", "--unset", action="store_true", help="back to the project's own")
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    if args.unset:
        configuration.unset("cache.dir", args.level)
        done(console, unset=True)
    elif args.value is not None:
        configuration.set("cache.dir", args.value, args.level)
        done(console, cache_dir=str(configuration.cache_dir()) if configuration.root else None)
    elif args.level is not None:
        _show(configuration.get("cache.dir", args.level).text, console)
    else:
        _show(str(configuration.cache_dir()), console)
    return 0


def _show(folder: str, console: Console) -> None:
    if console.is_json:
        console.json({"cache_dir": folder})
    else:
        console.print(shown(folder))
