"""`assay release get`: take exactly one release, verified before the first byte is usable."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.release_arguments import add_source
from assay.cli.release_rendering import release_as_dict, signature
from assay.cli.text import human_count, human_size, shown

DESCRIPTION = """
Take a release by version or by the channel that serves it.  Signatures, policy, gates, the
channel's state, quarantine and every byte are verified first; only then does the folder appear.
A folder that already holds exactly this release is verified where it is.  Asked for by version, a
release must have passed every gate that it declares.  This is what jobs and servers run, so what
is seen of a repository is remembered: an older state than one seen before is refused.
"""
EXAMPLES = """
assay release get intent-bot@prod --repo https://git.example.org/bots.git -o app
assay release get intent-bot@1.0.0 --repo ../bots -o app --with-code
assay release get intent-bot@prod -o app --trust-local --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_source(parser)
    add_paths(parser, "--out", short="-o", text="the folder (default: NAME)", only_folders=True)
    parser.add_argument(
        "--with-code", action="store_true", help="with the files that Git has at the commit"
    )
    parser.add_argument(
        "--trust-local",
        action="store_true",
        help="believe files that look as they did when their bytes were last verified",
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="replace a folder that holds something else"
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="processes that write files")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay.api.releases.taking import TakeOptions, take
    from assay.releases.names import parse_reference

    reference = parse_reference(args.release)
    options = TakeOptions(
        with_code=args.with_code,
        trust_local=args.trust_local,
        unproven=args.unproven,
        force=args.force,
        policy_root=args.policy_root,
        jobs=args.jobs,
    )
    target = args.out or reference.name.rpartition("/")[2]
    taken = take(reference, target, repo=args.repo, options=options, progress=console.progress)
    release = taken.release
    evidence = taken.admitted.evidence
    state = taken.admitted.state
    if console.is_json:
        console.json(
            {
                **release_as_dict(release, taken.digest, evidence.release.signed_by),
                "folder": taken.folder,
                "channel": state.value.channel if state else None,
                "sequence": state.value.sequence if state else None,
                "was_there": taken.was_there,
            }
        )
        return 0
    files = human_count(sum(a.file_count for a in release.artifacts), "file")
    how = "is in" if taken.was_there else "was put into"
    name = console.style(shown(release.title), "bold")
    by = signature(console, evidence.release.signed_by)
    through = f" (channel {shown(state.value.channel)})" if state else ""
    console.print(
        f"{name}{through} {how} {shown(args.out or target)}: {files}, "
        f"{human_size(release.size_bytes)}, verified, {by}"
    )
    if not evidence.release.signed_by:
        console.warn("nobody vouches for this release: it is UNSIGNED")
    return 0
