"""`assay ls`: list what a repository holds."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import human_size, shown

DESCRIPTION = """
List the files of a repository, tracked data included, at any revision; nothing is downloaded
but manifests.
"""
EXAMPLES = """
assay ls                                  # this repository
assay ls . data -R                        # everything inside a tracked folder
assay ls https://example.org/team/data.git --rev v1.2 --tracked-only -R
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("url", nargs="?", help="path or Git URL (default: this repository)")
    parser.add_argument("path", nargs="?", default="", help="a folder or file in it")
    parser.add_argument("-R", "--recursive", action="store_true", help="and everything below")
    parser.add_argument(
        "--tracked-only",
        "--dvc-only",
        dest="tracked_only",
        action="store_true",
        help="leave out what Git itself keeps",
    )
    parser.add_argument("--size", action="store_true", help="print sizes")
    parser.add_argument("--show-hash", action="store_true", help="print digests")
    parser.add_argument("--rev", metavar="REV", help="branch, tag or commit")
    parser.add_argument("-r", "--remote", metavar="NAME", help="the repository's remote to use")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    entries = api.ls(
        args.url,
        args.path,
        rev=args.rev,
        remote=args.remote,
        recursive=args.recursive,
        tracked_only=args.tracked_only,
        progress=console.progress,
    )
    if console.is_json:
        console.json(
            [
                {
                    "isout": entry.is_output,
                    "isdir": entry.is_folder,
                    "isexec": entry.is_executable,
                    "size": entry.size_bytes,
                    "blake3": _hex(entry.digest, entry.is_folder),
                    "path": entry.path,
                }
                for entry in entries
            ]
        )
        return 0
    rows = []
    for entry in entries:
        columns = []
        if args.size:
            columns.append("-" if entry.size_bytes is None else human_size(entry.size_bytes))
        if args.show_hash:
            columns.append(_hex(entry.digest, entry.is_folder) or "-")
        name = shown(entry.path)
        columns.append(console.style(name, "blue") if entry.is_folder else name)
        rows.append(columns)
    console.table(rows, right=frozenset({0}) if args.size else frozenset())
    return 0


def _hex(digest: bytes | None, is_folder: bool) -> str | None:
    return digest.hex() + (".dir" if is_folder else "") if digest is not None else None
