"""`assay promote`: let a channel serve a release that has passed its gates."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_arguments import add_reason
from assay.cli.release_rendering import show_move
from assay.errors import InvalidInput

DESCRIPTION = """
Move a channel to a release.  Everything that the channel requires must have passed on exactly
these bytes; a protected channel (each is, unless declared otherwise) takes only what is signed.
The move is signed, numbered, and published to the Git remote as one; two at once cannot both win.
"""
EXAMPLES = """
assay promote intent-bot@1.0.0 prod
assay promote intent-bot@1.1.0 prod -m "Better at timers" --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("release", metavar="NAME@VERSION", help="the release")
    parser.add_argument("channel", nargs="?", metavar="CHANNEL", help="the channel, such as prod")
    parser.add_argument("--to", metavar="CHANNEL", help="the channel, as an option")
    add_reason(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    channel = args.channel or args.to
    if channel is None or (args.channel and args.to):
        raise InvalidInput(
            "usage-invalid", "Name one channel.", fix="assay promote NAME@VERSION CHANNEL"
        )
    with api.open_repository(progress=console.progress) as repository:
        moved = repository.releases.promote(
            args.release, channel, reason=args.message, dry_run=args.dry_run
        )
    show_move(moved, console)
    return 0
