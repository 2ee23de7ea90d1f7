"""`assay doctor`: report versions, capabilities and problems."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Check this machine and repository: versions, cache, disk space, which links work, the index, and
whether the remotes can be reached.  Exit code 1 when something is a problem.
"""
EXAMPLES = """
assay doctor
assay doctor --json
"""

_COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from pathlib import Path

    from assay.api.doctor import diagnose
    from assay.api.findings import PROBLEM

    findings = diagnose(Path.cwd())
    if console.is_json:
        console.json(
            [
                {"check": f.check, "verdict": f.verdict, "detail": f.detail, "fix": f.fix}
                for f in findings
            ]
        )
    else:
        rows = []
        for finding in findings:
            verdict = console.style(finding.verdict, _COLORS[finding.verdict])
            fix = f"  ({shown(finding.fix)})" if finding.fix else ""
            rows.append((verdict, finding.check, shown(finding.detail) + fix))
        console.table(rows)
    return 1 if any(finding.verdict == PROBLEM for finding in findings) else 0
