"""`assay release create`: bind what assay.yaml declares to the current commit."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_rendering import artifact_rows, release_as_dict, signature
from assay.cli.text import human_size, shown

DESCRIPTION = """
Make a release: data, prompts, model, parameters and environment bound to HEAD, as the `releases:`
section of assay.yaml declares them.  Everything must be committed, up to date and pushed.  The
record is signed with your key where the repository has a policy, and published to the Git remote.
A release never changes; run its gates next.
"""
EXAMPLES = """
assay release create intent-bot 1.0.0 -m "First one that beats the rules"
assay release create intent-bot@1.0.0 --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME[@VERSION]", help="the release")
    parser.add_argument("version", nargs="?", metavar="VERSION", help="its version, such as 1.0.0")
    parser.add_argument("-m", "--message", default="", help="what is new in it")
    parser.add_argument(
        "--dry",
        "--dry-run",
        dest="dry_run",
        action="store_true",
        help="only tell what it would bind",
    )
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    reference = args.name if args.version is None else f"{args.name}@{args.version}"
    with api.open_repository(progress=console.progress) as repository:
        done = repository.releases.create(reference, message=args.message, dry_run=args.dry_run)
    if console.is_json:
        value = release_as_dict(done.release, done.digest, done.signed_by)
        console.json({**value, "tag": done.tag, "dry_run": args.dry_run})
        return 0
    release = done.release
    what = "Would release" if args.dry_run else "Released"
    name = console.style(shown(release.title), "bold")
    console.print(f"{what} {name}, {human_size(release.size_bytes)}")
    console.table(artifact_rows(release.artifacts), right=frozenset({2}))
    console.print(f"  commit {release.commit[:12]}, {signature(console, done.signed_by)}")
    if done.digest:
        console.print(f"  digest {done.digest}")
    for stage in release.unrecorded:
        console.warn(
            f"no run of stage {shown(stage)} is recorded here; a trace will end there. "
            f"`assay repro --force {shown(stage)}` records one."
        )
    if not args.dry_run and release.gates:
        console.note(f"Next: assay gate run {release.title}")
    return 0
