"""`assay check-ignore`: tell which paths are ignored, and by which line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.api.ignoring import Verdict

DESCRIPTION = """
Print those of the given paths that the ignore files (.assayignore) leave out of tracked data.

The exit code is 0 when at least one path is ignored and 1 when none is.
"""
EXAMPLES = """
assay check-ignore data/tmp.log
assay check-ignore --details data/*
find data | assay check-ignore --stdin --details --non-matching
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_paths(parser, "targets", nargs="*", text="paths to ask about")
    parser.add_argument(
        "-d", "--details", action="store_true", help="show file, line and pattern that decide"
    )
    parser.add_argument(
        "-a", "--all", action="store_true", help="with --details: every pattern that matches"
    )
    parser.add_argument(
        "-n",
        "--non-matching",
        action="store_true",
        help="with --details: the paths that nothing matches, too",
    )
    parser.add_argument("--stdin", action="store_true", help="read paths from standard input")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.ignoring import check_ignore

    _check_usage(args)
    targets = _from_stdin() if args.stdin else iter(args.targets)
    verdicts = check_ignore(targets, start=Path.cwd())
    is_any_ignored = False
    collected = []
    for verdict in verdicts:
        is_any_ignored |= verdict.is_ignored
        if args.json:
            collected.append(_as_dict(verdict))
        else:
            _show(verdict, args, console)
    if args.json:
        console.json(collected)
    return 0 if is_any_ignored else 1


def _check_usage(args: argparse.Namespace) -> None:
    from assay.errors import InvalidInput

    problem = ""
    if not args.stdin and not args.targets:
        problem = "Name a path, or use --stdin"
    elif args.stdin and args.targets:
        problem = "Name paths or use --stdin, not both"
    elif (args.all or args.non_matching) and not (args.details or args.json):
        problem = "--all and --non-matching go with --details"
    if problem:
        raise InvalidInput("usage-invalid", f"{problem}.", fix="See `assay check-ignore --help`.")


def _from_stdin() -> Iterator[str]:
    for line in sys.stdin.buffer:
        path = line.removesuffix(b"\n")
        if path:
            yield os.fsdecode(path)


def _show(verdict: Verdict, args: argparse.Namespace, console: Console) -> None:
    if not args.details:
        if verdict.is_ignored:
            console.print(shown(verdict.target))
        return
    matches = verdict.matches if args.all else verdict.matches[-1:]
    for match in matches:
        place = f"{shown(match.source)}:{match.line}" if match.source else "built in"
        console.print(f"{place}:{shown(match.pattern)}\t{shown(verdict.target)}")
    if not matches and args.non_matching:
        console.print(f"::\t{shown(verdict.target)}")


def _as_dict(verdict: Verdict) -> dict[str, object]:
    return {
        "path": verdict.target,
        "ignored": verdict.is_ignored,
        "matches": [
            {
                "source": os.fsdecode(match.source),
                "line": match.line,
                "pattern": os.fsdecode(match.pattern),
                "ignores": match.is_ignored,
            }
            for match in verdict.matches
        ],
    }
