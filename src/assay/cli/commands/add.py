"""`assay add`: track files and folders."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import recorded_json
from assay.cli.text import human_count, human_size, shown

DESCRIPTION = """
Track files and folders: store their content in the cache and write a small pointer beside each
(NAME.assay) that Git keeps in their place.  Run it again after a change.  A path inside a
tracked folder updates just that part.
"""
EXAMPLES = """
assay add data                        # a folder, however large
assay add data/train/new.csv          # one file inside a tracked folder
assay add --glob 'raw/**/*.parquet'   # every match gets a pointer of its own
assay add --dry-run data              # only tell what would be recorded
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="+", text="files or folders")
    parser.add_argument("--glob", action="store_true", help="targets are patterns (*, ?, **)")
    parser.add_argument(
        "--no-commit", action="store_true", help="write pointers, but store nothing in the cache"
    )
    parser.add_argument("-f", "--force", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("--no-relink", action="store_true", help="accepted for DVC's sake")
    parser.add_argument("--dry-run", "--dry", action="store_true", help="change nothing")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress, jobs=args.jobs) as repository:
        done = repository.add(
            args.targets, glob=args.glob, store=not args.no_commit, dry_run=args.dry_run
        )
        autostage = repository.context.settings.core.autostage
        uses_git = repository.context.uses_git
    if console.is_json:
        console.json(recorded_json(done))
        return 0
    for recorded in done:
        size = human_size(recorded.size_bytes)
        files = f"{human_count(recorded.file_count, 'file')}, " if recorded.is_folder else ""
        state = "added" if recorded.is_changed else "unchanged"
        if args.dry_run and recorded.is_changed:
            state = "would add"
        console.say(f"{state}: {shown(recorded.path)} ({files}{size})")
    touched = [path for recorded in done for path in recorded.touched]
    if touched and uses_git and not autostage:
        names = " ".join(shown(path) for path in dict.fromkeys(touched))
        console.note(f"\nTo track the changes with git, run:\n\n\tgit add {names}")
    return 0
