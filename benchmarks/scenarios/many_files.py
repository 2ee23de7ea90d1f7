"""Many small files in many folders, through the whole life of a data set."""

from __future__ import annotations

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.inputs import TreeShape, change_files, fingerprint, make_tree
from benchmarks.scenarios.settings import Settings

SUMMARY = "many small files: add, status, checkout, switch, push, pull"
NAME = "many-files"

ADD = "first add"
SAVE = "git commit after it"
STATUS_FIRST = "status right after"
STATUS = "status, nothing changed"
READD = "re-add after 10 changes"
READD_PERCENT = "re-add after 1 % changed"
SWITCH = "switch, 1 % differs"
CHECKOUT = "checkout into empty workspace"
PUSH = "push to local remote"
PUSH_AGAIN = "push again, nothing new"
PULL = "pull into fresh clone"


def run(bench: Bench, settings: Settings) -> None:
    """Every tool through every step, ``settings.rounds`` times."""
    shape = TreeShape(
        files=settings.files,
        folders=settings.folders,
        file_bytes=settings.file_bytes,
        seed=settings.seed,
    )
    # The workspace, its cache, the tree moved aside, the remote, the clone and its cache, and Git's
    # or restic's copies between them.
    case = Case(scenario=NAME, label=shape.label, disk_bytes=7 * shape.disk_bytes)
    bench.alternate(case, settings.rounds, lambda turn: walk(turn, shape, settings))


def walk(turn: Turn, shape: TreeShape, settings: Settings) -> None:
    """One tool, once through all steps; each ends with a look at what the tool left behind."""
    in_own_process(make_tree, turn.site.data, shape)
    first_add(turn, settings)
    change_and_switch(turn, shape)
    newest = in_own_process(fingerprint, turn.site.data)
    checkout_empty(turn, newest)
    share(turn, newest, settings)


def first_add(turn: Turn, settings: Settings) -> None:
    """Add, commit and look; the data has just been made, so it is in the page cache."""
    tool = turn.tool
    turn.step(ADD, tool.add)
    turn.step(SAVE, tool.save)
    turn.step(STATUS_FIRST, tool.status)
    turn.step(STATUS, tool.status, repeats=settings.status_repeats)


def change_and_switch(turn: Turn, shape: TreeShape) -> None:
    """Two more versions, 1 % apart, and the way between them in both directions."""
    tool, site = turn.tool, turn.site
    change_files(site.data, shape, shape.spread(10), revision=1)
    turn.step(READD, tool.add)
    _save_untimed(turn, "base")
    base = in_own_process(fingerprint, site.data)
    change_files(site.data, shape, shape.spread(max(1, shape.files // 100)), revision=2)
    turn.step(READD_PERCENT, tool.add)
    _save_untimed(turn, "next")
    newest = in_own_process(fingerprint, site.data)
    if turn.step(SWITCH, lambda site: tool.switch(site, "base")) and tool.name != "floor":
        turn.expect(site.data, base)
        # Back to the branch, not to the tag: what follows pushes it.
        turn.step(f"{SWITCH}, and back", lambda site: tool.switch(site, "main"))
        turn.expect(site.data, newest)


def _save_untimed(turn: Turn, label: str) -> None:
    turn.save()
    turn.tool.label(turn.site, label)


def checkout_empty(turn: Turn, wanted: tuple[int, int, int]) -> None:
    """Move the data away and have it written again."""
    turn.site.move_aside(turn.site.data)
    turn.step(CHECKOUT, turn.tool.checkout)
    turn.expect(turn.site.data, wanted)


def share(turn: Turn, wanted: tuple[int, int, int], settings: Settings) -> None:
    """Through the remote into a fresh clone."""
    tool, site = turn.tool, turn.site
    if not turn.step(PUSH, tool.push):
        return
    turn.step(PUSH_AGAIN, tool.push, repeats=settings.status_repeats)
    if turn.step(PULL, tool.pull):
        turn.expect(site.clone / site.target, wanted)
