"""`assay verify`: check the workspace, the cache or a remote against their digests."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import human_count, human_size, shown

if TYPE_CHECKING:
    from assay.data.verify import VerifyReport

DESCRIPTION = """
Read every byte again and compare it with its digest, trusting no index: the files of the
workspace, the objects of the cache, and with --remote those of a remote.  --repair replaces
what is damaged or missing by good copies from the workspace, the cache or a remote.
Exit code 5 when anything is damaged, missing or not as recorded, and stays so.
"""
EXAMPLES = """
assay verify                       # workspace and cache
assay verify --remote              # a remote as well
assay verify --cache --repair
assay verify --remote nas --repair
assay verify data/train --remote   # the word after --remote would be a remote's name
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_paths(parser, "targets", nargs="*", text="tracked paths (default: all)")
    parser.add_argument("--workspace", action="store_true", help="only the workspace")
    parser.add_argument("--cache", action="store_true", help="only the cache")
    parser.add_argument(
        "-r",
        "--remote",
        nargs="?",
        const="",
        metavar="NAME",
        help="a remote (default: core.remote)",
    )
    parser.add_argument("--repair", action="store_true", help="put good copies in place")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api
    from assay.api.upkeep import Scope

    only_one = args.workspace or args.cache
    scope = Scope(
        workspace=args.workspace or not only_one,
        cache=args.cache or not only_one,
        remote=args.remote is not None,
        remote_name=args.remote or None,
    )
    with api.open_repository(progress=console.progress) as repository:
        report = repository.verify(args.targets, scope=scope, repair=args.repair)
    if console.is_json:
        console.json(_as_json(report))
    else:
        _print(console, report)
    return 0 if report.is_clean else 5


def _as_json(report: VerifyReport) -> dict[str, object]:
    return {
        "clean": report.is_clean,
        "checked": report.checked,
        "size": report.size_bytes,
        "damaged": {digest.hex(): place for digest, place in report.damaged.items()},
        "missing": {digest.hex(): place for digest, place in report.missing.items()},
        "changed": report.changed,
        "problems": [error.as_dict() for error in report.problems],
        "healed": [digest.hex() for digest in report.healed],
    }


def _print(console: Console, report: VerifyReport) -> None:
    for digest, place in report.damaged.items():
        console.print(console.style("damaged", "red") + f"  {digest.hex()}  {shown(place)}")
    for digest, place in report.missing.items():
        console.print(console.style("missing", "red") + f"  {digest.hex()}  {shown(place)}")
    for error in report.problems:
        console.print(console.style("problem", "red") + f"  {error.what} {error.why}")
    for name in report.changed:
        console.print(
            console.style("changed", "yellow") + f"  {shown(name)} differs from its pointer"
        )
    for digest in report.healed:
        console.print(console.style("healed", "green") + f"   {digest.hex()}")
    size = human_size(report.size_bytes)
    verdict = "all good" if report.is_clean else "see above"
    console.say(f"{human_count(report.checked, 'item')} ({size}) verified: {verdict}")
    if not report.is_clean and (report.damaged or report.missing or report.problems):
        console.note("`assay verify --repair` puts good copies in place where there are any.")
