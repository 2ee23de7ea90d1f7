"""`assay init`: begin a project."""

from __future__ import annotations

import argparse
import os

from assay.cli.console import Console

DESCRIPTION = """
Begin an assay project in the current folder, which must be the top of a Git repository.
Creates .assay (configuration, cache, index) and .assayignore, and stages what belongs to Git;
commit that.
"""
EXAMPLES = """
assay init                     # in the top folder of a Git repository
assay init --subdir            # a project of its own in a folder of a larger repository
assay init --no-scm            # without Git
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--no-scm", action="store_true", help="do without Git")
    parser.add_argument("--subdir", action="store_true", help="allow a folder below Git's top")
    parser.add_argument(
        "-f", "--force", action="store_true", help="renew the ignore rules of an existing project"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    repository = api.init(
        os.getcwd(), uses_git=not args.no_scm, subdirectory=args.subdir, force=args.force
    )
    repository.close()
    console.say("Initialized an assay repository.")
    if not args.no_scm:
        console.note("\nCommit it with Git:\n\n\tgit commit -m 'Initialize assay'")
    return 0
