"""`assay root`: print the path of the project's top folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from assay.cli.console import Console
from assay.cli.parser import add_json
from assay.cli.text import shown

DESCRIPTION = """
Print the path of the project's top folder, relative to the current folder.
"""
EXAMPLES = """
assay root             # such as ../..
cd "$(assay root)"
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.configuration import project_root

    root = project_root(Path.cwd())
    if args.json:
        console.json({"root": str(root)})
    else:
        console.print(shown(os.path.relpath(root)))
    return 0
