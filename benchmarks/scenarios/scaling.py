"""How time, memory and rewritten metadata grow with the number of files."""

from __future__ import annotations

import functools

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.footprint import record_footprint, rewritten_bytes
from benchmarks.inputs import TreeShape, change_files, make_tree
from benchmarks.scenarios.many_files import ADD, READD, STATUS
from benchmarks.scenarios.settings import Settings
from benchmarks.tools.registry import SUBJECT

SUMMARY = "growing numbers of files: cost per file, memory, metadata rewritten"
NAME = "scaling"

FILES_A_FOLDER = 100
REWRITTEN = "metadata rewritten by 10 changes"


def run(bench: Bench, settings: Settings) -> None:
    """The subject at every size; its peers up to ``settings.peer_limit``."""
    for files in settings.scaling:
        shape = TreeShape(
            files=files,
            folders=-(-files // FILES_A_FOLDER),
            file_bytes=settings.scaling_file_bytes,
            seed=settings.seed,
        )
        tools = [
            tool
            for tool in bench.tools
            if tool.name == SUBJECT or (files <= settings.peer_limit and tool.name != "floor")
        ]
        case = Case(scenario=NAME, label=shape.label, disk_bytes=3 * shape.disk_bytes)
        bench.alternate(
            case, settings.scaling_rounds, functools.partial(walk, shape=shape), tools=tools
        )


def walk(turn: Turn, shape: TreeShape) -> None:
    """Add everything, look, change ten files and add again."""
    tool, site = turn.tool, turn.site
    in_own_process(make_tree, site.data, shape)
    turn.step(ADD, tool.add)
    turn.save()
    turn.step(STATUS, tool.status)
    for home in tool.homes(site):
        in_own_process(record_footprint, home, site.root / f"{home.name}.blocks")
    changed = shape.spread_incompressible(10)
    change_files(site.data, shape, changed, revision=1)
    if turn.step(READD, tool.add):
        _count_rewritten(turn, content_bytes=len(changed) * shape.file_bytes)


def _count_rewritten(turn: Turn, *, content_bytes: int) -> None:
    site = turn.site
    # Git and what builds on it write the new version's trees or pointers with the commit.
    turn.save()
    parts: dict[str, float] = {}
    for home in turn.tool.homes(site):
        changed = in_own_process(rewritten_bytes, home, site.root / f"{home.name}.blocks")
        parts.update({f"{home.name}/{part}": size for part, size in changed.items()})
    # The changed files themselves are not metadata.
    turn.count(REWRITTEN, max(0.0, sum(parts.values()) - content_bytes), "bytes", parts)
