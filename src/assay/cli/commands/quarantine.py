"""`assay quarantine`: forbid a release everywhere."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import signature
from assay.cli.text import shown

DESCRIPTION = """
Forbid a release for good.  From now on nobody is served it, by version, by channel or from a
cache (exit code 11).  A channel that serves it is not moved: roll it back.
"""
EXAMPLES = """
assay quarantine intent-bot@1.2.0 -m "Says the door is locked when it is not"
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("release", metavar="NAME@VERSION", help="the release")
    parser.add_argument(
        "-m",
        "--message",
        "--reason",
        dest="message",
        required=True,
        metavar="REASON",
        help="what is wrong with it",
    )
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        done = repository.releases.quarantine(args.release, reason=args.message)
    record = done.quarantine
    if console.is_json:
        console.json(
            {
                "release": f"{record.name}@{record.version}",
                "digest": record.release_digest,
                "reason": record.reason,
                "at": record.at,
                "signed_by": done.signed_by or None,
                "served_by": list(done.served_by),
            }
        )
        return 0
    name = console.style(f"{shown(record.name)}@{shown(record.version)}", "bold")
    console.print(f"{name} is quarantined, {signature(console, done.signed_by)}")
    for channel in done.served_by:
        console.warn(
            f"channel {channel} serves it: jobs get nothing until you run "
            f"`assay rollback {record.name}@{channel}`"
        )
    return 0
