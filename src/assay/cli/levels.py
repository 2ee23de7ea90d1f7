"""The flags that choose a configuration level, shared by the commands about configuration."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from assay.cli.console import Console


def add_levels(parser: argparse.ArgumentParser) -> None:
    """`--project`, `--local`, `--global` and `--system`; `args.level` is None without any."""
    levels = parser.add_mutually_exclusive_group()
    for level, text in (
        ("project", "the project's file, shared through Git (the default for changes)"),
        ("local", "the project's file that Git ignores: this clone only"),
        ("global", "your own file, for all your projects"),
        ("system", "the machine's file"),
    ):
        levels.add_argument(
            f"--{level}", action="store_const", dest="level", const=level, help=text
        )


def origin(path: Path) -> str:
    """A configuration file as it is shown: relative where it lies in the current folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def done(console: Console, **facts: object) -> None:
    """Say as JSON what a command did, where JSON was asked for."""
    if console.is_json:
        console.json(facts)
