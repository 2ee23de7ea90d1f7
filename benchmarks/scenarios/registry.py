"""The scenarios by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.scenarios import flat_folder, large_file, many_files, release, scaling, startup
from benchmarks.scenarios.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named set of steps on one kind of data."""

    name: str
    summary: str
    run: Callable[[Bench, Settings], None]


SCENARIOS = tuple(
    Scenario(name=module.NAME, summary=module.SUMMARY, run=module.run)
    for module in (startup, many_files, large_file, flat_folder, scaling, release)
)
