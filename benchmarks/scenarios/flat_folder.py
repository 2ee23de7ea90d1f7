"""A very large number of files in one folder, without any sub-folders to divide the work."""

from __future__ import annotations

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.inputs import TreeShape, change_files, fingerprint, make_tree
from benchmarks.scenarios import many_files
from benchmarks.scenarios.settings import Settings

SUMMARY = "one flat folder: add, status, re-add, checkout"
NAME = "flat-folder"


def run(bench: Bench, settings: Settings) -> None:
    """The local half of the many-files steps, on one folder."""
    shape = TreeShape(
        files=settings.flat_files,
        folders=0,
        file_bytes=settings.file_bytes,
        seed=settings.seed,
    )
    case = Case(scenario=NAME, label=shape.label, disk_bytes=4 * shape.disk_bytes)
    bench.alternate(case, settings.rounds, lambda turn: walk(turn, shape, settings))


def walk(turn: Turn, shape: TreeShape, settings: Settings) -> None:
    """One tool, once through all steps."""
    tool, site = turn.tool, turn.site
    in_own_process(make_tree, site.data, shape)
    many_files.first_add(turn, settings)
    change_files(site.data, shape, shape.spread(10), revision=1)
    turn.step(many_files.READD, tool.add)
    turn.save()
    tool.label(site, "changed")
    many_files.checkout_empty(turn, in_own_process(fingerprint, site.data))
