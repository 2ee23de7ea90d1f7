"""`assay get`: download tracked data from another repository."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import human_count, human_size, shown

DESCRIPTION = """
Download a tracked file or folder (or a file that Git keeps) from any repository, without
tracking it here.  Every byte is verified; the repository's code, hooks and plug-ins never run.
"""
EXAMPLES = """
assay get https://example.org/team/data.git intents
assay get ../registry data/train -o train --rev v1.2
assay get ../registry data/train/a.csv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("url", help="path or Git URL of the repository")
    parser.add_argument("path", help="what to download, from the repository's root")
    add_paths(parser, "-o", text="where to write it (default: its own name, here)")
    parser.add_argument("--out", help=argparse.SUPPRESS)
    parser.add_argument("--rev", metavar="REV", help="branch, tag or commit")
    parser.add_argument("-r", "--remote", metavar="NAME", help="the repository's remote to use")
    parser.add_argument("--show-url", action="store_true", help="only print where it is stored")
    parser.add_argument("-f", "--force", action="store_true", help="replace what is there")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="transfers at a time")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    if args.show_url:
        url = api.get_url(args.path, args.url, args.rev, remote=args.remote)
        console.json({"url": url}) if console.is_json else console.print(url)
        return 0
    got = api.get(
        args.url,
        args.path,
        args.o or args.out,
        rev=args.rev,
        remote=args.remote,
        force=args.force,
        jobs=args.jobs,
        progress=console.progress,
    )
    if console.is_json:
        console.json({"path": got.path, "nfiles": got.files, "size": got.size_bytes})
    else:
        files = human_count(got.files, "file")
        console.say(f"{shown(got.path)} ({files}, {human_size(got.size_bytes)})")
    return 0
