"""`assay policy show`: whose signature counts for what."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Show the policy in force: its root, its versions and who signed them, people with their keys, who
may do what, and what channels demand.
"""
EXAMPLES = """
assay policy show
assay policy show --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from assay import api

    with api.open_repository(progress=console.progress) as repository:
        view = repository.releases.policy()
    policy = view.trust.policy
    if console.is_json:
        console.json(
            {
                "root": view.trust.root,
                "repository": policy.repository,
                "versions": [
                    {"digest": v.digest, "signed_by": v.signed_by} for v in view.trust.versions
                ],
                "people": {n: [k.line for k in keys] for n, keys in policy.people.items()},
                "groups": {name: list(members) for name, members in policy.groups.items()},
                "allow": {action: sorted(names) for action, names in policy.allow.items()},
                "channels": {
                    name: {"protected": c.is_protected, "requires": list(c.requires)}
                    for name, c in policy.channels.items()
                },
                "revoked": sorted(policy.revoked),
                "file_in_force": view.is_file_in_force,
                "signing_as": view.person or None,
                "signing_key": view.signer or None,
            }
        )
        return 0
    console.table([("root", view.trust.root), ("repository", policy.repository)])
    for number, version in enumerate(view.trust.versions, 1):
        console.print(
            f"version {number}  {version.digest[:16]}  signed by {shown(version.signed_by)}"
        )
    for name, keys in policy.people.items():
        for key in keys:
            gone = "  REVOKED" if key.fingerprint in policy.revoked else ""
            console.print(f"{shown(name)}  {key.fingerprint}{gone}")
    for action, names in policy.allow.items():
        console.print(f"{action}: {shown(', '.join(sorted(names)))}")
    for name, channel in policy.channels.items():
        protected = "protected" if channel.is_protected else "not protected"
        gates = ", ".join(channel.requires) or "no further gates"
        console.print(f"channel {shown(name)}: {protected}, requires {shown(gates)}")
    signing = f"{shown(view.person)} ({view.signer})" if view.person else view.signer or "nobody"
    console.print(f"signing here: {signing}")
    if not view.is_file_in_force:
        console.warn(
            ".assay/policy.yaml says something else; `assay policy sign` brings it into force"
        )
    return 0
