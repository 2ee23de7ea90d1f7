"""Looks ahead in a process without threads, as a command has it, and says what came of it.

    python tests/looks_ahead.py ROOT '{"folders": ["d0"], "jobs": 3}'

Prints JSON: the folders that were looked into (`looks`), whether a walk that uses them finds the
same as one that does not (`same`), the folders that it met (`met`), how many looks were then left
(`left`), and whether a process is left (`children`).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from assay.store.walk import FolderScan, IgnoreIn, Listed, walk_batch
from assay.store.walk_ahead import WORTH_FILES, look_ahead


def ignore_logs(folder: bytes) -> Any:
    return lambda path, is_folder: path.endswith(b".log")


def fatal_elsewhere(parent: int) -> IgnoreIn:
    def ignored(folder: bytes) -> None:
        if os.getpid() != parent:
            os.abort()

    return ignored


def walked(root: bytes, looks: dict[bytes, Listed] | None) -> tuple[list[FolderScan], list[bytes]]:
    scratch: list[bytes] = []
    scans = list(walk_batch(root, b"", ignored=ignore_logs, scratch=scratch, ahead=looks))
    return scans, scratch


def main(root: bytes, wanted: dict[str, Any]) -> dict[str, Any]:
    """What is printed."""
    ignored = fatal_elsewhere(os.getpid()) if wanted.get("fatal") else ignore_logs
    files = wanted.get("files", WORTH_FILES)
    known = [(os.fsencode(folder), files) for folder in wanted.get("folders", [])]
    if not known:
        known = [(scan.rel, files) for scan in walked(root, None)[0]]
    other, done = None, threading.Event()
    if wanted.get("threads"):
        other = threading.Thread(target=done.wait)
        other.start()
    looks = look_ahead(root, known, keep_links=False, ignored=ignored, jobs=wanted.get("jobs", 3))
    done.set()
    found = sorted(os.fsdecode(folder) for folder in looks)
    try:
        os.waitpid(-1, os.WNOHANG)
        has_children = True
    except ChildProcessError:
        has_children = False
    try:
        alone = walked(root, None)
        together = walked(root, looks)
        same, met = alone == together, [os.fsdecode(scan.rel) for scan in together[0]]
    except Exception as error:  # a tree that the walk refuses
        same, met = False, [repr(error)]
    return {
        "looks": found,
        "same": same,
        "met": met,
        "left": len(looks),
        "children": has_children,
    }


if __name__ == "__main__":
    json.dump(main(os.fsencode(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
