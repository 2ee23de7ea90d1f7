"""The speeds that assay has set itself, and whether a run reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.scenarios import large_file, many_files, release, scaling, startup
from benchmarks.summary import Reading, Summary, memory, wall
from benchmarks.tools.registry import SUBJECT

MEGABYTE = 1_000_000
# A goal in seconds or bytes is one at this size; a ratio is one at any.
FULL_FILES = 100_000
FULL_SCALING = 1_000_000
# Cost per file at the largest size against that at the smallest: more is no longer linear.
LINEAR_WITHIN = 1.5
LINEAR_FROM = 10_000

Outcome = Literal["reached", "missed", "not measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One goal and what a run says about it."""

    goal: str
    measured: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioGoal:
    """In ``step``, assay takes at most ``at_most`` times what ``peer`` takes in ``peer_step``."""

    scenario: str
    step: str
    peer: str
    at_most: float
    peer_step: str = ""
    case_ends: str = ""

    def judge(self, summary: Summary) -> Verdict:
        against = f"{self.peer}: {self.peer_step}" if self.peer_step else self.peer
        goal = f"{self.scenario}, {self.step}: at most {shown_ratio(self.at_most)} of {against}"
        if self.case_ends:
            goal = f"{goal} ({self.case_ends})"
        for scenario, case in summary.cases():
            if scenario == self.scenario and case.endswith(self.case_ends):
                peer = (self.peer_step or self.step, self.peer)
                ratio = summary.ratio(scenario, case, (self.step, SUBJECT), peer)
                if ratio is not None:
                    return _verdict(goal, shown_ratio(ratio), ratio <= self.at_most)
        return Verdict(goal=goal, measured="", outcome="not measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitGoal:
    """In ``step`` on at least ``files`` files, assay stays below ``below`` (seconds or bytes)."""

    scenario: str
    step: str
    reading: Reading
    below: float
    files: int

    def judge(self, summary: Summary) -> Verdict:
        shown = shown_seconds if self.reading is wall else shown_bytes
        goal = f"{self.scenario}, {self.step}: under {shown(self.below)} ({self.files:,} files)"
        for scenario, case in summary.cases():
            if scenario == self.scenario and files_in(case) >= self.files:
                value = summary.median(self.reading, scenario, case, self.step, SUBJECT)
                if value is not None:
                    return _verdict(goal, shown(value), value < self.below)
        return Verdict(goal=goal, measured="", outcome="not measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseGoal:
    """In ``step`` of one case, assay takes less than ``below`` seconds."""

    scenario: str
    step: str
    case: str
    below: float

    def judge(self, summary: Summary) -> Verdict:
        goal = f"{self.case}, {self.step}: under {shown_seconds(self.below)}"
        seconds = summary.median(wall, self.scenario, self.case, self.step, SUBJECT)
        if seconds is None:
            return Verdict(goal=goal, measured="", outcome="not measured")
        return _verdict(goal, shown_seconds(seconds), seconds < self.below)


MANY = many_files.NAME
LARGE = large_file.NAME

RATIO_GOALS = (
    RatioGoal(scenario=startup.NAME, step=startup.VERSION, peer="floor", at_most=60 / 12),
    RatioGoal(scenario=startup.NAME, step=startup.STATUS, peer="floor", at_most=120 / 12),
    RatioGoal(scenario=MANY, step=many_files.ADD, peer="dvc", at_most=1 / 15),
    RatioGoal(scenario=MANY, step=many_files.ADD, peer="restic", at_most=1 / 2),
    RatioGoal(scenario=MANY, step=many_files.STATUS, peer="dvc", at_most=1 / 10),
    RatioGoal(scenario=MANY, step=many_files.STATUS, peer="git", at_most=2.5),
    RatioGoal(scenario=MANY, step=many_files.READD, peer="git", at_most=1),
    RatioGoal(scenario=MANY, step=many_files.CHECKOUT, peer="git", at_most=1),
    RatioGoal(scenario=MANY, step=many_files.SWITCH, peer="git", at_most=2.5),
    RatioGoal(scenario=MANY, step=many_files.PUSH, peer="dvc", at_most=1 / 30),
    # At no less than 70 % of the rate of reading and hashing, with all cores and with one.
    RatioGoal(
        scenario=LARGE,
        step=large_file.ADD,
        peer="floor",
        at_most=1 / 0.7,
        case_ends="hardlink",
    ),
    RatioGoal(
        scenario=LARGE,
        step=large_file.ADD,
        peer="floor",
        peer_step=large_file.HASH_ONE_CORE,
        at_most=1 / 0.7,
        case_ends="hardlink",
    ),
    # No slower than cp, which leaves the bytes in memory, and than a copy that is safe on disk.
    RatioGoal(scenario=LARGE, step=large_file.ADD, peer="floor", at_most=1, case_ends="copy"),
    RatioGoal(
        scenario=LARGE,
        step=large_file.ADD,
        peer="floor",
        peer_step=large_file.COPY_DURABLY,
        at_most=1,
        case_ends="copy",
    ),
)

LIMIT_GOALS = (
    LimitGoal(
        scenario=MANY,
        step=many_files.ADD,
        reading=memory,
        below=200 * MEGABYTE,
        files=FULL_FILES,
    ),
    LimitGoal(scenario=MANY, step=many_files.PUSH_AGAIN, reading=wall, below=0.6, files=FULL_FILES),
    LimitGoal(
        scenario=scaling.NAME,
        step=many_files.ADD,
        reading=memory,
        below=700 * MEGABYTE,
        files=FULL_SCALING,
    ),
)


# 150 ms, and the size of the release over 2.5 GB/s: every byte is hashed.
FULL_RELEASE = 1 << 30
CASE_GOALS = tuple(
    CaseGoal(scenario=release.NAME, step=step, case=release.label(size), below=below)
    for size, step, below in (
        (0, release.REPRO, 0.2),
        (0, release.GET, 0.15),
        (0, release.TRACE, 0.3),
        (FULL_RELEASE, release.GET, 0.15 + FULL_RELEASE / 2.5e9),
    )
)


def judge(summary: Summary) -> list[Verdict]:
    """Every goal against one run."""
    verdicts = [goal.judge(summary) for goal in RATIO_GOALS]
    verdicts.extend(goal.judge(summary) for goal in LIMIT_GOALS)
    verdicts.extend(goal.judge(summary) for goal in CASE_GOALS)
    verdicts.append(_metadata(summary))
    verdicts.append(_linear(summary))
    return verdicts


def _metadata(summary: Summary) -> Verdict:
    goal = f"{scaling.NAME}, {scaling.REWRITTEN}: under 2 MB ({FULL_SCALING:,} files)"
    for count in summary.results.counts:
        if (count.name, count.tool) != (scaling.REWRITTEN, SUBJECT):
            continue
        if files_in(count.case) >= FULL_SCALING:
            return _verdict(goal, shown_bytes(count.value), count.value < 2 * MEGABYTE)
    return Verdict(goal=goal, measured="", outcome="not measured")


def _linear(summary: Summary) -> Verdict:
    goal = f"{scaling.NAME}, {many_files.ADD}: cost per file grows at most {LINEAR_WITHIN} x"
    costs = sorted(_costs_per_file(summary))
    if len(costs) < 2:
        return Verdict(goal=goal, measured="", outcome="not measured")
    (fewest, cheap), (most, dear) = costs[0], costs[-1]
    measured = f"{dear / cheap:.2f} x from {fewest:,} to {most:,} files"
    return _verdict(goal, measured, dear / cheap <= LINEAR_WITHIN)


def _costs_per_file(summary: Summary) -> Iterator[tuple[int, float]]:
    for scenario, case in summary.cases():
        if scenario == scaling.NAME:
            seconds = summary.median(wall, scenario, case, many_files.ADD, SUBJECT)
            # Below, starting up outweighs the files.
            if seconds is not None and files_in(case) >= LINEAR_FROM:
                yield files_in(case), seconds / files_in(case)


def files_in(case: str) -> int:
    """The number of files a case's label begins with; 0 where it is about something else."""
    first = case.split(maxsplit=1)[0].replace(",", "")
    return int(first) if first.isdigit() else 0


def _verdict(goal: str, measured: str, is_reached: bool) -> Verdict:
    return Verdict(goal=goal, measured=measured, outcome="reached" if is_reached else "missed")


def shown_ratio(ratio: float) -> str:
    return f"1/{1 / ratio:.3g}" if ratio < 0.95 else f"{ratio:.3g} x"


def shown_seconds(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"


def shown_bytes(size: float) -> str:
    return f"{size / MEGABYTE:,.1f} MB" if size >= MEGABYTE else f"{size / 1_000:,.1f} kB"
