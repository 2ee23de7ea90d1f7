"""`assay status`: what changed since it was tracked, or how cache and remote differ."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.rendering import add_revisions, revisions_of
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.pipelines.plan import Changes

DESCRIPTION = """
Show which tracked paths differ from their pointers, and which stages from their lock.  With
--cloud compare the cache with a remote instead: new is only here, deleted is only there,
missing is in neither.
"""
EXAMPLES = """
assay status
assay status data/train          # one path, or a part of one
assay status --cloud             # would push or pull move anything?
assay status --json
assay status -q                  # only the exit code: 1 when something changed
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument("-c", "--cloud", action="store_true", help="compare cache and remote")
    parser.add_argument("-r", "--remote", metavar="NAME", help="the remote to compare with")
    add_revisions(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    revisions = revisions_of(args)
    with api.open_repository(progress=console.progress) as repository:
        if args.cloud or args.remote or revisions:
            cloud = repository.cloud_status(args.targets, remote=args.remote, revisions=revisions)
            return _cloud(console, cloud.changes, cloud.remote)
        changed, stages = repository.full_status(args.targets)
    if console.is_json:
        console.json(
            {
                **{
                    item.tracked.pointer_name: [{"changed outs": {item.tracked.name: item.change}}]
                    for item in changed
                },
                **{address: changes.as_status() for address, changes in stages.items()},
            }
        )
    elif not changed and not stages:
        console.say("Data and pipelines are up to date.")
    elif not console.is_quiet:
        for item in changed:
            console.print(f"{shown(item.tracked.pointer_name)}:")
            _section(console, "changed outs", {item.tracked.name: item.change})
        for address, changes in stages.items():
            _stage(console, address, changes)
    return 1 if (changed or stages) and console.is_quiet else 0


def _stage(console: Console, address: str, changes: Changes) -> None:
    console.print(f"{shown(address)}:")
    for change in changes.as_status():
        if not isinstance(change, dict):
            console.print(f"\t{change}")
            continue
        for title, items in change.items():
            _section(console, title, items)


def _section(console: Console, title: str, items: Mapping[str, object]) -> None:
    console.print(f"\t{title}:")
    for name, change in items.items():
        if isinstance(change, dict):  # the keys of a parameter file
            console.print(f"\t\t{shown(name)}:")
            for key, how in change.items():
                label = console.style(f"{how}:".ljust(20), "yellow")
                console.print(f"\t\t\t{label}{shown(key)}")
            continue
        label = console.style(f"{change}:".ljust(20), "yellow")
        console.print(f"\t\t{label}{shown(name)}")


def _cloud(console: Console, changes: dict[str, str], remote: str) -> int:
    if console.is_json:
        console.json(changes)
    elif not changes:
        console.say(f"Cache and remote '{remote}' are in sync.")
    else:
        console.table([(f"\t{change}:", shown(name)) for name, change in changes.items()])
    return 1 if changes and console.is_quiet else 0
