"""`assay data status`: committed and uncommitted changes of tracked data."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

DESCRIPTION = """
Show what changed between the last commit, the pointers and the workspace, grouped as Git's
status groups it.
"""
EXAMPLES = """
assay data status
assay data status --granular           # name every file of tracked folders
assay data status --untracked-files --unchanged --json
"""

_TITLES = (
    ("not_in_cache", "Not in cache:", '(use "assay fetch <file>..." to download files)', "red"),
    ("not_in_remote", "Not in remote:", '(use "assay push <file>..." to upload files)', "red"),
)
_HINTS = {
    "committed": ("Assay committed changes:", "(git commit the corresponding pointer files)"),
    "uncommitted": (
        "Assay uncommitted changes:",
        '(use "assay commit <file>..." to track changes)\n'
        '  (use "assay checkout <file>..." to discard changes)',
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument("--granular", action="store_true", help="name files inside folders")
    parser.add_argument("--unchanged", action="store_true", help="list unchanged data too")
    parser.add_argument(
        "--untracked-files",
        nargs="?",
        const="all",
        default="no",
        choices=("no", "all"),
        help="list files that neither Git nor assay tracks",
    )
    parser.add_argument("--not-in-remote", action="store_true", help="ask the remote as well")
    parser.add_argument("-r", "--remote", metavar="NAME", help="the remote to ask")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        result = repository.data_status(
            args.targets,
            granular=args.granular,
            untracked_files=args.untracked_files == "all",
            unchanged=args.unchanged,
            not_in_remote=args.not_in_remote,
            remote=args.remote,
        ).as_dict()
    if console.is_json:
        console.json(result)
        return 0
    if not result:
        console.say("No changes.")
    for key, title, hint, color in _TITLES:
        names = result.get(key)
        if isinstance(names, list):
            _section(console, title, hint, [shown(str(name)) for name in names], color)
    for key, (title, hint) in _HINTS.items():
        groups = result.get(key)
        if isinstance(groups, dict):
            color = "green" if key == "committed" else "yellow"
            _section(console, title, hint, list(_lines(groups)), color)
    for key, title in (("untracked", "Untracked files:"), ("unchanged", "Unchanged files:")):
        names = result.get(key)
        if isinstance(names, list):
            _section(console, title, "", [shown(str(name)) for name in names], "cyan")
    return 0


def _lines(groups: dict[str, list[object]]) -> list[str]:
    lines = []
    for kind, names in groups.items():
        for name in names:
            text = f"{name['old']} -> {name['new']}" if isinstance(name, dict) else str(name)
            lines.append(f"{kind}: {shown(text)}")
    return lines


def _section(console: Console, title: str, hint: str, lines: list[str], color: str) -> None:
    console.print(title)
    if hint:
        console.print(f"  {hint}")
    for line in lines:
        console.print("        " + console.style(line, color))
    console.print()
