"""Arguments that several commands about releases share."""

from __future__ import annotations

import argparse

from assay.cli.parser import add_paths


def add_source(parser: argparse.ArgumentParser) -> None:
    """What is taken, from where, and whose word counts."""
    parser.add_argument("release", metavar="NAME@REF", help="NAME@VERSION or NAME@CHANNEL")
    add_paths(
        parser, "--repo", text="path or Git URL (default: the repository here)", only_folders=True
    )
    parser.add_argument(
        "--policy-root", metavar="ROOT", help="trust only the policy that begins with this version"
    )
    parser.add_argument(
        "--unproven",
        action="store_true",
        help="take an exact version that is unsigned or has not passed its gates",
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Why a channel moves, and whether it does."""
    parser.add_argument(
        "-m", "--message", "--reason", dest="message", default="", metavar="REASON", help="why"
    )
    parser.add_argument(
        "--dry",
        "--dry-run",
        dest="dry_run",
        action="store_true",
        help="only tell what would happen",
    )
