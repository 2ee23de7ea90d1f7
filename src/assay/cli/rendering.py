"""Shapes that several commands print: recorded paths, revisions, transfers."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.cli.text import human_count, human_size

if TYPE_CHECKING:
    from assay.api.revisions import Revisions
    from assay.data.record import Recorded
    from assay.data.transfer import TransferResult


def recorded_json(done: Iterable[Recorded]) -> list[dict[str, object]]:
    """What `add` and `commit` print as JSON."""
    return [
        {
            "path": os.fsdecode(recorded.path),
            "pointer": os.fsdecode(recorded.pointer_path),
            "blake3": recorded.digest.hex() + (".dir" if recorded.is_folder else ""),
            "size": recorded.size_bytes,
            "nfiles": recorded.file_count,
            "changed": recorded.is_changed,
        }
        for recorded in done
    ]


def add_revisions(parser: argparse.ArgumentParser) -> None:
    """The flags that widen a command from the workspace to other revisions."""
    parser.add_argument("-a", "--all-branches", action="store_true", help="and every branch")
    parser.add_argument("-T", "--all-tags", action="store_true", help="and every tag")
    parser.add_argument("-A", "--all-commits", action="store_true", help="and every commit")
    parser.add_argument(
        "--rev", action="append", default=[], metavar="REV", help="and this revision (repeatable)"
    )


def revisions_of(args: argparse.Namespace) -> Revisions:
    """What the flags of :func:`add_revisions` ask for."""
    from assay.api.revisions import Revisions

    return Revisions(
        branches=args.all_branches,
        tags=args.all_tags,
        commits=args.all_commits,
        names=tuple(args.rev),
    )


def transfer_json(result: TransferResult) -> dict[str, object]:
    """What `push` and `fetch` print as JSON."""
    return {"objects": result.objects, "size": result.size_bytes}


def transfer_text(result: TransferResult, verb: str) -> str:
    """One line about a transfer, in DVC's words where nothing had to move."""
    if not result.objects:
        return "Everything is up to date."
    size = f" ({human_size(result.size_bytes)})" if result.size_bytes else ""
    return f"{human_count(result.objects, 'object')} {verb}{size}"
