"""Help above the level of one command: the list of commands, a group's commands, corrections."""

from __future__ import annotations

from collections.abc import Iterable

from assay import __version__
from assay.cli.registry import COMMANDS, GROUPS, SECTIONS, subcommands
from assay.errors import InvalidInput


def top() -> str:
    """What `assay --help` prints."""
    lines = [
        f"assay {__version__}: data versioning and release control beside Git.",
        "",
        "usage: assay COMMAND [options] [arguments]",
    ]
    for title, commands in SECTIONS:
        lines += ["", f"{title}:", *_summaries(commands)]
    lines += [
        "",
        "Every command explains itself: assay COMMAND --help",
        "",
        "options for every command:",
        "  -h, --help       explain the command",
        "  -q, --quiet      print only results and errors",
        "  -v, --verbose    print more; on a failure, where it happened",
        "  --cd DIR         go to this folder first",
        "  --color WHEN     auto, always or never",
        "  -V, --version    print the version",
    ]
    return "\n".join(lines)


def group(name: str) -> str:
    """What `assay GROUP --help` prints."""
    return "\n".join(
        [
            f"usage: assay {name} COMMAND [options] [arguments]",
            "",
            GROUPS[name],
            "",
            *_summaries(subcommands(name)),
            "",
            f"Every command explains itself: assay {name} COMMAND --help",
        ]
    )


def _summaries(commands: Iterable[str]) -> list[str]:
    return [f"  {command:<16} {COMMANDS[command]}" for command in commands]


def unknown_command(word: str, *, within: str = "") -> InvalidInput:
    """The error for a word that is no command, with the one that was probably meant."""
    import difflib

    if within:
        choices = {command.partition(" ")[2]: command for command in subcommands(within)}
    else:
        # The last word of a longer command is what people try first, but a whole name is nearer.
        choices = {command.rpartition(" ")[2]: command for command in COMMANDS}
        choices |= {word: word for command in COMMANDS for word in command.split(" ")[:1]}
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    full = f"{within} {word}".strip()
    listing = f"`assay {within} --help`" if within else "`assay --help`"
    return InvalidInput(
        "command-unknown",
        f"There is no command `assay {full}`.",
        fix=(f"Did you mean `assay {choices[near[0]]}`?  " if near else "")
        + f"{listing} lists the commands.",
    )
