"""`assay trace`: from an output, a file or a release to what made it."""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import UTC, datetime

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

DESCRIPTION = """
Trace something to what made it, and verify every link on the way.  A line of a job's output leads
to its run, the release that it used, the release's gates, model and data, the runs that made them,
their parameters, and the commit.  A release or a file of the workspace leads to the same from there
on.  With --down the other way: what was made of a file, who was served a release.

The exit code is 5 when any link does not verify.
"""
EXAMPLES = """
assay trace predictions.jsonl:17
assay trace predictions.jsonl:17 --repo https://git.example.org/bots.git --html trace.html
assay trace intent-bot@prod
assay trace model/model.json
assay trace data --down
tail -n 1 predictions.jsonl | assay trace - --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(
        parser, "target", text="FILE:LINE of an output (or `-`), NAME@REF of a release, or a file"
    )
    add_paths(parser, "--repo", text="the release's repository, path or Git URL", only_folders=True)
    add_paths(parser, "--runs", text="a folder with records of job runs", only_folders=True)
    parser.add_argument("--down", action="store_true", help="to what came of it")
    add_paths(parser, "--html", text="write a picture of it to this file")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay.api.releases.tracing import TraceOptions, trace

    options = TraceOptions(
        repo=args.repo,
        down=args.down,
        runs=args.runs,
        text=sys.stdin.read() if args.target == "-" else "",
    )
    lineage = trace(args.target, options, progress=console.progress)
    if args.html:
        from assay.lineage.picture import as_html
        from assay.store.durable import write_atomic

        moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}"
        write_atomic(args.html, as_html(lineage, made=moment).encode("utf-8"), durable=False)
    if console.is_json:
        console.json(lineage.as_dict())
    else:
        from assay.lineage.tree import as_tree
        from assay.lineage.verdict import verdict, worst

        width = shutil.get_terminal_size((100, 24)).columns
        is_plain = not _can_draw(console)
        console.print(as_tree(lineage, width=width, style=console.style, is_ascii=is_plain))
        console.print()
        color = {"verified": "green", "broken": "red"}.get(str(worst(lineage)), "yellow")
        console.print(console.style(verdict(lineage), "bold", color))
        if args.html:
            console.note(f"The picture is in {shown(args.html)}.")
    return 5 if lineage.broken else 0


def _can_draw(console: Console) -> bool:
    try:
        "├─└│✓✗".encode(getattr(console.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
