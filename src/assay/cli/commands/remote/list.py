"""`assay remote list`: list the remotes."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from assay.cli.console import Console
from assay.cli.levels import add_levels
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
List the remotes with their addresses, the default one marked.
"""
EXAMPLES = """
assay remote list
assay remote list --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_levels(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import Configuration

    remotes = Configuration.at(Path.cwd()).remotes(args.level)
    if args.json:
        console.json([asdict(remote) for remote in remotes])
    else:
        console.table(
            (shown(remote.name), shown(remote.url), "(default)" if remote.is_default else "")
            for remote in remotes
        )
    return 0
