"""One large file: how close adding it comes to reading and hashing it, or to copying it."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.inputs import fingerprint, make_large_file
from benchmarks.scenarios.settings import Settings
from benchmarks.tools.floor import FloorTool

SUMMARY = "one large file: add and checkout, as a copy and as a hard link"
NAME = "large-file"
TARGET = "large.bin"

ADD = "add"
STATUS = "status, nothing changed"
CHECKOUT = "checkout into empty workspace"
HASH_ONE_CORE = "read and hash on one core"
COPY_DURABLY = "copy and fsync"
LINKS = ("copy", "hardlink")


def run(bench: Bench, settings: Settings) -> None:
    """The tools that know link types once with each; the others with copies, which they make."""
    source = bench.scratch.fresh("input") / TARGET
    in_own_process(make_large_file, source, settings.large_bytes, settings.seed)
    for links in LINKS:
        case = Case(
            scenario=NAME,
            label=label(settings.large_bytes, links),
            disk_bytes=3 * settings.large_bytes,
            target=TARGET,
            links=links,
            is_quickly_deleted=True,
        )
        tools = [tool for tool in bench.tools if links == "copy" or links in tool.link_types]
        bench.alternate(
            case, settings.rounds, lambda turn: walk(turn, source, settings), tools=tools
        )


def label(size_bytes: int, links: str) -> str:
    """How the case is called in the report."""
    return f"one file of {size_bytes / (1 << 20):,.0f} MiB, cache.type {links}"


def walk(turn: Turn, source: Path, settings: Settings) -> None:
    """One tool with one link type."""
    tool, site = turn.tool, turn.site
    shutil.copyfile(source, site.data)
    # Warms the page cache with just this copy.
    content = in_own_process(fingerprint, site.data)
    turn.step(ADD, tool.add)
    turn.step(STATUS, tool.status, repeats=settings.status_repeats)
    if isinstance(tool, FloorTool):
        _more_floors(turn, tool)
    turn.save()
    site.move_aside(site.data)
    if turn.step(CHECKOUT, tool.checkout):
        turn.expect(site.data, content)


def _more_floors(turn: Turn, tool: FloorTool) -> None:
    if turn.site.links == "hardlink":
        turn.step(HASH_ONE_CORE, tool.hash_on_one_core)
    else:
        turn.step(COPY_DURABLY, tool.copy_durably)
