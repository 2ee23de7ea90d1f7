"""`assay contract infer`: propose a contract for data."""

from __future__ import annotations

import argparse

from assay.cli.console import Console
from assay.cli.parser import add_json, add_paths
from assay.cli.text import human_count

DESCRIPTION = """
Read a table, or a folder of tables (CSV, JSON Lines, Parquet), and propose a contract that it
keeps: columns, types, nulls, ranges, allowed values, uniqueness, row counts. Each rule says in a
comment how it was found. Edit it before you rely on it.
"""
EXAMPLES = """
assay contract infer data/train.csv
assay contract infer data/train.csv -o contracts/train.yaml
assay contract infer data/days --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add_paths(parser, "path", text="a table, or a folder of tables")
    parser.add_argument("-o", "--out", metavar="FILE", help="write it there, not to the terminal")
    parser.add_argument("-f", "--force", action="store_true", help="replace FILE")
    add_json(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from assay.api.contracts import infer, write

    inferred = infer(args.path, progress=console.progress)
    if args.out is not None:
        write(inferred, args.out, force=args.force)
    text = inferred.text.decode("utf-8")
    if args.json:
        console.json(
            {
                "out": args.out,
                "rows": inferred.rows,
                "files": inferred.files,
                "columns": {rule.name: str(rule.type) for rule in inferred.contract.columns},
                "contract": text,
            }
        )
    elif args.out is None:
        console.print(text.removesuffix("\n"))
    else:
        columns = human_count(len(inferred.contract.columns), "column")
        rows = human_count(inferred.rows, "row")
        console.say(f"Wrote {args.out}: {columns}, inferred from {rows}. Edit it, then check.")
    return 0
