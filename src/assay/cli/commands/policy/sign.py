"""`assay policy sign`: bring an edited policy into force."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json

DESCRIPTION = """
Sign .assay/policy.yaml as it stands and publish it as the next version of the policy.  It counts
because somebody whom the version before it allows `policy` signed it.
"""
EXAMPLES = """
assay policy sign
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        done = repository.releases.sign_policy()
    if console.is_json:
        said = {"sequence": done.sequence, "digest": done.digest, "root": done.root}
        console.json({**said, "left": [*done.left]})
        return 0
    console.print(f"Policy version {done.sequence} is in force, signed with {done.fingerprint}")
    for fingerprint, person in done.left.items():
        console.warn(
            f"{person}'s key {fingerprint} is gone, but not revoked: it can still sign in the name "
            "of an older version.  To take that away, list it under `revoked`."
        )
    return 0
