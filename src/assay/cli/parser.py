"""Argument parsers: one for the chosen command, or one for all of them together."""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType
from typing import NoReturn

from assay.cli.registry import COMMANDS, GROUPS, module_of, subcommands
from assay.errors import InvalidInput

# What completes an argument, in the form in which the completion script's writer takes it.
FILES = {
    "bash": "_shtab_compgen_files",
    "zsh": "_files",
    "tcsh": "f",
    "fish": "(__fish_complete_path (commandline -ct))",
}
FOLDERS = {
    "bash": "_shtab_compgen_dirs",
    "zsh": "_files -/",
    "tcsh": "d",
    "fish": "(__fish_complete_directories)",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours instead of an exit."""

    def error(self, message: str) -> NoReturn:
        """Raise InvalidInput ``usage-invalid``."""
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        raise InvalidInput(
            "usage-invalid",
            f"{message[:1].upper()}{message[1:]}.",
            why=f"Usage: {usage}",
            fix=f"See `{self.prog} --help`.",
        )


def load_command(command: str) -> ModuleType:
    """The module of a command.

    It has ``configure(parser)``, ``run(args, console)``, and the texts ``DESCRIPTION`` and
    ``EXAMPLES`` for its help.
    """
    return importlib.import_module(module_of(command))


def command_parser(command: str, module: ModuleType) -> Parser:
    """The parser of one command, with the flags that every command has."""
    parser = Parser(
        prog=f"assay {command}",
        description=module.DESCRIPTION.strip(),
        epilog=_epilog(module),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _configure(parser, module)
    return parser


def all_commands() -> Parser:
    """One parser with every command as a sub-parser, for completion and the reference."""
    top = Parser(prog="assay", description="Data versioning and release control beside Git.")
    top.add_argument("-V", "--version", action="store_true", help="print the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    groups = {
        name: commands.add_parser(name, help=summary).add_subparsers(metavar="COMMAND")
        for name, summary in GROUPS.items()
        if subcommands(name)
    }
    for command, summary in COMMANDS.items():
        group, _, name = command.rpartition(" ")
        module = load_command(command)
        parser = (groups[group] if group else commands).add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION.strip(),
            epilog=_epilog(module),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _configure(parser, module)
    return top


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let a command print its result, and any error, as JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


def add_paths(
    parser: argparse.ArgumentParser,
    name: str,
    *,
    nargs: str | None = None,
    text: str,
    only_folders: bool = False,
    short: str = "",
) -> None:
    """An argument that is a path, and completed as one; an option where it begins with dashes."""
    is_option = name.startswith("-")
    names = [short, name] if short else [name]
    metavar = "PATH" if is_option else None
    action = parser.add_argument(*names, nargs=nargs, help=text, metavar=metavar)
    action.complete = FOLDERS if only_folders else FILES  # type: ignore[attr-defined]


def _epilog(module: ModuleType) -> str:
    lines = [f"  {line}".rstrip() for line in module.EXAMPLES.strip().splitlines()]
    return "examples:\n" + "\n".join(lines) if lines else ""


def _configure(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    module.configure(parser)
    common = parser.add_argument_group("common options")
    common.add_argument("-q", "--quiet", action="store_true", help="print only results and errors")
    common.add_argument("-v", "--verbose", action="count", default=0, help="print more")
    folder = common.add_argument("--cd", metavar="DIR", help="go to this folder first")
    folder.complete = FOLDERS  # type: ignore[attr-defined]
    common.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        metavar="WHEN",
        help="auto, always or never (auto: on a terminal, unless NO_COLOR is set)",
    )
