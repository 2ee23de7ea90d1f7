"""`assay gc`: collect objects that nothing needs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import human_count, human_size

if TYPE_CHECKING:
    from assay.store.remote.packed.sweep import RemoteCollectReport

DESCRIPTION = """
Collect objects of the cache that nothing needs.  Always kept: what the workspace, every branch,
tag, stash, experiment, release and worktree point at; the flags keep more.  Without --force it
only tells what it would do.  What it collects waits in the cache's trash for gc.grace_days
(`assay undo` brings it back), unless --purge frees the space at once.

With --cloud it collects a packed remote: what no commit of any ref needs is condemned now and
deleted by a collection after the grace period; pushes in progress lose nothing.

If other projects share the cache, name them all with --projects: what only they need counts as
unused otherwise.
"""
EXAMPLES = """
assay gc                        # what would go?
assay gc --force                # collect; undo is possible for 14 days
assay gc --all-commits --force  # keep all of history
assay gc --force --purge        # free the space now
assay gc --cloud --force        # collect the default remote
assay gc --projects ../a ../b   # the cache is shared with these
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "-w", "--workspace", action="store_true", help="keep the workspace (always)"
    )
    parser.add_argument("-a", "--all-branches", action="store_true", help="keep branches (always)")
    parser.add_argument("-T", "--all-tags", action="store_true", help="keep tags (always)")
    parser.add_argument("-A", "--all-commits", action="store_true", help="keep every commit")
    parser.add_argument("--all-experiments", action="store_true", help="keep experiments (always)")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="keep a revision")
    parser.add_argument("-n", "--num", type=int, metavar="N", help="keep the last N commits")
    parser.add_argument("--date", metavar="DATE", help="keep commits since this date")
    parser.add_argument(
        "-p",
        "--projects",
        action="extend",
        nargs="+",
        default=[],
        metavar="DIR",
        help="repositories that share it",
    )
    parser.add_argument(
        "-c", "--cloud", action="store_true", help="collect a remote instead of the cache"
    )
    parser.add_argument("-r", "--remote", metavar="NAME", help="the remote to collect")
    parser.add_argument("-f", "--force", action="store_true", help="really collect")
    parser.add_argument("--purge", action="store_true", help="keep nothing in the cache's trash")
    parser.add_argument("--dry-run", "--dry", action="store_true", help="only tell (the default)")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api
    from assay.api.revisions import Revisions

    with api.open_repository(progress=console.progress) as repository:
        if args.cloud or args.remote:
            report = repository.gc_remote(
                args.remote, apply=args.force and not args.dry_run, purge=args.purge
            )
            return _remote(console, report)
        result = repository.gc(
            revisions=Revisions(commits=args.all_commits, names=tuple(args.rev)),
            newest=args.num,
            since=args.date,
            projects=tuple(args.projects),
            apply=args.force and not args.dry_run,
            purge=args.purge,
        )
    plan = result.plan
    if console.is_json:
        console.json(
            {
                "applied": result.is_applied,
                "objects": plan.objects,
                "size": plan.size_bytes,
                "freed": result.freed_bytes,
                "kept": result.kept,
                "trash": result.trash_id,
            }
        )
        return 0
    unused = f"{human_count(plan.objects, 'unused object')} ({human_size(plan.size_bytes)})"
    if not result.is_applied:
        console.say(f"{unused} would be collected.")
        if not plan.is_empty:
            console.note("Nothing was changed; run it again with --force to collect.")
        return 0
    console.say(f"Collected {unused}.")
    if result.freed_bytes:
        console.say(f"Freed {human_size(result.freed_bytes)}.")
    elif result.trash_id:
        console.note(
            f"Kept in the cache's trash as {result.trash_id}; `assay undo` brings it back."
        )
    return 0


def _remote(console: Console, report: RemoteCollectReport) -> int:
    plan = report.plan
    if console.is_json:
        console.json(
            {
                "applied": report.is_applied,
                "objects": plan.objects,
                "size": plan.size_bytes,
                "freed": report.freed_bytes if report.is_applied else plan.freed_bytes,
                "kept": report.live,
            }
        )
        return 0
    unused = f"{human_count(plan.objects, 'unused object')} ({human_size(plan.size_bytes)})"
    if not report.is_applied:
        console.say(f"{unused} would be condemned, {human_size(plan.freed_bytes)} deleted.")
        if not plan.is_empty:
            console.note("Nothing was changed; run it again with --force to collect.")
        return 0
    console.say(f"Condemned {unused}; freed {human_size(report.freed_bytes)}.")
    if plan.objects and not report.freed_bytes:
        console.note("They are deleted by a collection that runs after gc.grace_days.")
    return 0
