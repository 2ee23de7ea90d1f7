"""What a command costs before it does anything, against a bare interpreter."""

from __future__ import annotations

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.inputs import TreeShape, make_tree
from benchmarks.scenarios.settings import Settings
from benchmarks.tools.floor import FloorTool

SUMMARY = "start-up: --version, and status in a small repository"
NAME = "startup"

VERSION = "--version"
STATUS = "status, ten files"


def run(bench: Bench, settings: Settings) -> None:
    """Every tool; its repeats follow each other, its rounds alternate."""
    shape = TreeShape(files=10, folders=2, file_bytes=1_024, seed=settings.seed)
    case = Case(scenario=NAME, label=shape.label, disk_bytes=10_000_000)
    repeats = settings.startup_repeats
    bench.alternate(case, settings.rounds, lambda turn: walk(turn, shape, repeats))


def walk(turn: Turn, shape: TreeShape, repeats: int) -> None:
    """A bare interpreter stands in for both steps in the floor's column."""
    tool, site = turn.tool, turn.site
    in_own_process(make_tree, site.data, shape)
    if isinstance(tool, FloorTool):
        turn.step(VERSION, tool.nothing, repeats=repeats)
        turn.step(STATUS, tool.nothing, repeats=repeats)
        return
    for command in tool.add(site):
        site.quiet(*command.argv, cwd=command.cwd)
    turn.save()
    turn.step(VERSION, tool.show_version, repeats=repeats)
    turn.step(STATUS, tool.status, repeats=repeats)
