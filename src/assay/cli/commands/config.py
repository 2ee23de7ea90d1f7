"""`assay config`: get, set and unset options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.levels import add_levels, done, origin
from assay.cli.parser import add_json
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.api.configuration import Option

DESCRIPTION = """
Get an option (NAME), set it (NAME VALUE), unset it (--unset NAME) or list them all (--list).

Without a level, the value in force is shown and the project's own file is changed.  A more
particular level overrides a more general one: system, global, project, local.
"""
EXAMPLES = """
assay config core.remote
assay config core.autostage true
assay config --local cache.dir /fast/disk/cache
assay config --unset core.remote
assay config --list --show-origin
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="such as core.remote or remote.NAME.url")
    parser.add_argument("value", nargs="?", help="what to set it to")
    parser.add_argument("-u", "--unset", action="store_true", help="remove the option")
    parser.add_argument("-l", "--list", action="store_true", help="show every option that is set")
    parser.add_argument(
        "--show-origin", action="store_true", help="show the file that each value is from"
    )
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    _check_usage(args)
    configuration = Configuration.at(Path.cwd(), progress=console.progress)
    if args.list:
        options = (
            configuration.every_option()
            if args.show_origin and args.level is None
            else configuration.options(args.level)
        )
        _show(options, args, console)
    elif args.unset:
        configuration.unset(args.name, args.level)
        done(console, name=args.name, unset=True)
    elif args.value is not None:
        configuration.set(args.name, args.value, args.level)
        done(console, name=args.name, value=configuration.get(args.name, _written(args)).raw)
    else:
        option = configuration.get(args.name, args.level)
        if args.json:
            console.json(_as_dict(option))
        else:
            where = f"{shown(origin(option.origin))}\t" if args.show_origin else ""
            console.print(where + shown(option.text))
    return 0


def _written(args: argparse.Namespace) -> str:
    return args.level or "project"


def _check_usage(args: argparse.Namespace) -> None:
    from assay.errors import InvalidInput

    problem = ""
    if args.list and (args.name or args.unset):
        problem = "--list goes without a name and without --unset"
    elif not args.list and not args.name:
        problem = "a name is needed, or --list"
    elif args.unset and args.value is not None:
        problem = "--unset goes without a value"
    elif args.show_origin and (args.unset or args.value is not None):
        problem = "--show-origin goes with reading only"
    if problem:
        raise InvalidInput(
            "usage-invalid", f"{problem[0].upper()}{problem[1:]}.", fix="See `assay config --help`."
        )


def _show(options: list[Option], args: argparse.Namespace, console: Console) -> None:
    if args.json:
        console.json([_as_dict(option) for option in options])
        return
    for option in options:
        where = f"{shown(origin(option.origin))}\t" if args.show_origin else ""
        console.print(f"{where}{shown(option.name)}={shown(option.text)}")


def _as_dict(option: Option) -> dict[str, object]:
    return {
        "name": option.name,
        "value": option.raw,
        "level": option.level,
        "origin": str(option.origin),
    }
