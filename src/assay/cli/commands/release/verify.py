"""`assay release verify`: everything that taking a release would demand, without taking it."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.release_arguments import add_source
from assay.cli.release_rendering import evidence_as_dict, signature
from assay.cli.text import human_count, human_size, shown

DESCRIPTION = """
Verify a release as a consumer would: signatures, policy, gates, the channel's state, quarantine,
the version's tag, and every byte of every artifact.  Nothing is written.
"""
EXAMPLES = """
assay release verify intent-bot@1.0.0
assay release verify intent-bot@prod --repo https://git.example.org/bots.git --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_source(parser)
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay.api.releases.taking import TakeOptions, verify_release
    from assay.releases.names import parse_reference

    options = TakeOptions(unproven=args.unproven, policy_root=args.policy_root)
    found = verify_release(
        parse_reference(args.release), repo=args.repo, options=options, progress=console.progress
    )
    evidence = found.admitted.evidence
    if console.is_json:
        console.json(
            {**evidence_as_dict(evidence), "files": found.files, "size_bytes": found.size_bytes}
        )
        return 0
    name = console.style(shown(evidence.release.value.title), "bold")
    gates = ", ".join(f"{g} {r.value.verdict.verdict}" for g, r in evidence.results.items())
    console.print(
        f"{name} holds: {human_count(found.files, 'file')}, {human_size(found.size_bytes)}, "
        f"{signature(console, evidence.release.signed_by)}; gates: {shown(gates) or 'none'}"
    )
    return 0
