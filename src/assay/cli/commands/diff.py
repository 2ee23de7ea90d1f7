"""`assay diff`: compare tracked data between revisions, or with the workspace."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

if TYPE_CHECKING:
    from assay.data.diff import Change, Changes

DESCRIPTION = """
Compare tracked data: two revisions, or one with the workspace.  Folders end in a slash; the
files inside them that differ are named too, where both sides' manifests are in the cache
(`assay fetch --rev REV` brings them).
"""
EXAMPLES = """
assay diff                        # HEAD and the workspace
assay diff v1.0                   # a tag and the workspace
assay diff v1.0 v1.1 --json
assay diff HEAD~1 --targets data/train
"""

_KINDS = ("added", "deleted", "modified", "renamed", "not in cache")
_COLORS = {"added": "green", "deleted": "red", "modified": "yellow", "renamed": "green"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a_rev", nargs="?", metavar="OLD", help="older revision (default: HEAD)")
    parser.add_argument("b_rev", nargs="?", metavar="NEW", help="newer revision (the workspace)")
    add_paths(parser, "--targets", nargs="*", text="only these paths")
    parser.add_argument("--show-hash", action="store_true", help="print digests")
    parser.add_argument("--hide-missing", action="store_true", help="leave out data not in cache")
    parser.add_argument("--md", action="store_true", help="print a Markdown table")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        changes = repository.diff(args.a_rev, args.b_rev, targets=args.targets)
    groups = _groups(changes, hide_missing=args.hide_missing)
    if console.is_json:
        console.json(
            {
                kind: [_as_json(kind, change, args.show_hash) for change in listed]
                for kind, listed in groups.items()
            }
        )
    elif args.md:
        _markdown(console, groups, args.show_hash)
    else:
        _text(console, groups, args.show_hash)
    return 0


def _groups(changes: Changes, *, hide_missing: bool) -> dict[str, list[Change]]:
    groups = {
        "added": changes.added,
        "deleted": changes.deleted,
        "modified": changes.modified,
        "renamed": changes.renamed,
        "not in cache": [] if hide_missing else changes.not_in_cache,
    }
    return {kind: sorted(groups[kind], key=lambda change: change.path) for kind in _KINDS}


def _hex(change: Change, digest: bytes | None) -> str | None:
    if digest is None or digest == bytes(len(digest)):
        return None
    is_manifest = change.is_folder
    return digest.hex() + (".dir" if is_manifest else "")


def _as_json(kind: str, change: Change, show_hash: bool) -> dict[str, object]:
    path: object = change.name
    if change.old_path is not None:
        import os

        path = {"old": os.fsdecode(change.old_path), "new": change.name}
    item: dict[str, object] = {"path": path}
    if show_hash:
        old, new = _hex(change, change.old), _hex(change, change.new)
        item["hash"] = {"old": old, "new": new} if kind in ("modified", "renamed") else new or old
    return item


def _label(change: Change) -> str:
    if change.old_path is not None:
        return f"{shown(change.old_path)} -> {shown(change.name)}"
    return shown(change.name)


def _text(console: Console, groups: dict[str, list[Change]], show_hash: bool) -> None:
    for kind, listed in groups.items():
        if not listed:
            continue
        console.print(console.style(f"{kind.capitalize()}:", _COLORS.get(kind, "red")))
        for change in listed:
            digests = [_hex(change, d) for d in (change.old, change.new)]
            short = "..".join(d[:8] for d in digests if d) if show_hash else ""
            console.print(f"    {short + '  ' if short else ''}{_label(change)}")
        console.print()
    # Whole tracked folders are not counted: their files are.
    counts = [
        f"{sum(not change.is_folder for change in listed)} {kind}"
        for kind, listed in groups.items()
        if any(not change.is_folder for change in listed)
    ]
    if counts:
        console.print(f"files summary: {', '.join(counts)}")


def _markdown(console: Console, groups: dict[str, list[Change]], show_hash: bool) -> None:
    columns = ["Status", *(["Hash"] if show_hash else []), "Path"]
    console.print("| " + " | ".join(columns) + " |")
    console.print("|" + "|".join("-" * (len(name) + 2) for name in columns) + "|")
    for kind, listed in groups.items():
        for change in listed:
            digests = [_hex(change, d) for d in (change.old, change.new)]
            hashes = ["..".join(d[:8] for d in digests if d)] if show_hash else []
            console.print("| " + " | ".join([kind, *hashes, _label(change)]) + " |")
