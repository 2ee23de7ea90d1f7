"""`assay policy init`: begin a trust policy, with a key to sign by."""

from __future__ import annotations

import argparse
import os

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import shown

DESCRIPTION = """
Begin a trust policy: .assay/policy.yaml, in which you may do everything, signed with your SSH key
(made in your own configuration folder where there is none) and published to the Git remote.  From
then on every release, gate result and move of a channel is signed, and consumers refuse what is
not.  Give consumers the root that is printed: with it they trust this policy and no other.
"""
EXAMPLES = """
assay policy init
assay policy init --name ana --key ~/.ssh/id_ed25519
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--name", help="what the policy calls you (default: from Git's user.email)")
    add_paths(parser, "--key", text="your private Ed25519 key, or the .pub of one in your agent")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        done = repository.releases.init_policy(name=args.name, key=args.key)
    if console.is_json:
        console.json(
            {
                "path": done.path,
                "root": done.root,
                "key": done.fingerprint,
                "key_path": done.key_path,
                "key_is_new": done.is_new_key,
            }
        )
        return 0
    made = "made" if done.is_new_key else "used"
    path = shown(os.path.relpath(done.path))
    console.print(f"The policy is in force: {path}")
    console.table(
        [
            ("  key", f"{done.fingerprint} ({made}: {shown(done.key_path)})"),
            ("  root", done.root),
        ]
    )
    if done.is_new_key:
        console.note("The key has no passphrase: whoever reads the file can sign in your name.")
    if args.key:
        console.note(f"To sign with it from now on: assay config --global signing.key {args.key}")
    console.note(f"Track the file with Git: git add {path}")
    return 0
