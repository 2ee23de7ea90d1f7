"""`assay completion`: print a completion script for a shell."""

from __future__ import annotations

import argparse

from assay.cli.console import Console

DESCRIPTION = """
Print a script that lets a shell complete assay's commands, options and paths.
"""
EXAMPLES = """
assay completion -s bash | sudo tee /etc/bash_completion.d/assay
assay completion -s zsh > ~/.zfunc/_assay   # a folder in $fpath
assay completion -s fish > ~/.config/fish/completions/assay.fish
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s",
        "--shell",
        choices=("bash", "zsh", "tcsh", "fish"),
        default="bash",
        help="the shell: bash (the default), zsh, tcsh or fish",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    import shtab

    from assay.cli.parser import all_commands
    from assay.errors import ExtraMissing

    if args.shell not in shtab.SUPPORTED_SHELLS:
        raise ExtraMissing(
            "shell-unsupported",
            f"The installed completion writer does not know {args.shell}.",
            fix="Upgrade it: `pip install --upgrade shtab`.",
        )
    console.print(shtab.complete(all_commands(), shell=args.shell))
    return 0
