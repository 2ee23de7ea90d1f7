"""The way from the command line to one command and back to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from assay.cli.console import Console

_TAKES_A_VALUE = frozenset({"--cd", "--color"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` (else the process's arguments) names; its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):  # nothing else is loaded for this one
        from assay import __version__

        sys.stdout.write(f"assay {__version__}\n")
        return 0
    try:
        return _dispatch(words)
    except BrokenPipeError:
        return _closed_pipe()


def _dispatch(words: list[str]) -> int:
    from assay.cli.console import Console

    # Until the flags are understood: enough to report that they are not.
    console = Console(
        sys.stdout,
        sys.stderr,
        is_json="--json" in words,
        verbosity=int(bool({"-v", "--verbose"} & set(words))),
    )
    try:
        code = _execute(words, console)
        console.close()
        return code
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        from assay.cli.failures import report

        code = report(error, console)
        console.close()
        return code


def _execute(words: list[str], console: Console) -> int:
    from assay.cli import registry

    leading = _leading_options(words)
    rest = words[len(leading) :]
    if {"--version", "-V"} & set(leading):
        return main(["--version"])
    if rest[:1] == ["help"]:
        rest = [*rest[1:], "--help"]
    if rest and rest[0] in registry.GROUPS:
        between = _leading_options(rest[1:])
        leading += between
        rest = [rest[0], *rest[1 + len(between) :]]
    command, used = registry.find(rest)
    if not command:
        return _without_command(leading, rest, used, console)
    from assay.cli.parser import command_parser, load_command

    module = load_command(command)
    parser = command_parser(command, module)
    try:
        args = parser.parse_intermixed_args(_literal([*leading, *rest[used:]]))
    except SystemExit as asked_for_help:
        return int(asked_for_help.code or 0)
    _unquote(args)
    console.configure(
        color=args.color,
        is_json=getattr(args, "json", False),
        is_quiet=args.quiet,
        verbosity=args.verbose,
    )
    if args.cd is not None:
        _change_folder(args.cd)
    code: int = module.run(args, console)
    return code


_LITERAL = "\0"  # no argument of a process can begin with it


def _literal(words: list[str]) -> list[str]:
    """Mark what stands behind `--`: the parser forgets that when options stand between names."""
    if "--" not in words:
        return words
    at = words.index("--")
    return [*words[:at], *(_LITERAL + word for word in words[at + 1 :])]


def _unquote(args: argparse.Namespace) -> None:
    for name, value in vars(args).items():
        if isinstance(value, str):
            setattr(args, name, value.removeprefix(_LITERAL))
        elif isinstance(value, list):
            setattr(
                args,
                name,
                [v.removeprefix(_LITERAL) if isinstance(v, str) else v for v in value],
            )


def _leading_options(words: list[str]) -> list[str]:
    """The options before the command; they count as if they came after it."""
    end = 0
    while end < len(words) and words[end].startswith("-"):
        end += 2 if words[end] in _TAKES_A_VALUE else 1
    return words[:end]


def _without_command(leading: list[str], rest: list[str], used: int, console: Console) -> int:
    from assay.cli import overview

    wants_help = bool({"-h", "--help"} & {*leading, *rest})
    unknown = [word for word in rest[used:] if not word.startswith("-")]
    if unknown:
        raise overview.unknown_command(unknown[0], within=rest[0] if used else "")
    text = overview.group(rest[0]) if used else overview.top()
    if wants_help:
        console.print(text)
        return 0
    console.stderr.write(text + "\n")
    return 2


def _change_folder(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        from assay.errors import NotFound

        raise NotFound(
            "path-missing",
            f"Cannot go to {folder}.",
            why=f"{error.strerror}.",
            paths=(folder,),
        ) from error


def _closed_pipe() -> int:
    from assay.cli.failures import PIPE_CLOSED

    # Python flushes standard output once more when it ends; let that go nowhere.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return PIPE_CLOSED
