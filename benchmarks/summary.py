"""Condenses measurements into one number per step and tool, and into ratios."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable

from benchmarks.model import Measurement, Omission, Results

Reading = Callable[[Measurement], float]


def wall(row: Measurement) -> float:
    return row.wall_seconds


def cpu(row: Measurement) -> float:
    return row.cpu_seconds


def memory(row: Measurement) -> float:
    return row.peak_bytes


def unique(values: Iterable[str]) -> list[str]:
    """The different values, in the order of their first appearance."""
    return list(dict.fromkeys(values))


class Summary:
    """Answers about one run: medians over all rounds and repeats."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._rows: dict[tuple[str, str, str, str], list[Measurement]] = defaultdict(list)
        for row in results.measurements:
            self._rows[row.scenario, row.case, row.step, row.tool].append(row)

    def cases(self) -> list[tuple[str, str]]:
        """Scenario and label of every case, in the order in which they ran."""
        rows = self.results.measurements
        return list(dict.fromkeys((row.scenario, row.case) for row in rows))

    def steps(self, scenario: str, case: str) -> list[str]:
        """The steps in their order: that of the tool with the most of them, then the others'."""
        by_tool: dict[str, dict[str, None]] = defaultdict(dict)
        for row in self.results.measurements:
            if (row.scenario, row.case) == (scenario, case):
                by_tool[row.tool][row.step] = None
        longest_first = sorted(by_tool.values(), key=len, reverse=True)
        return unique(step for steps in longest_first for step in steps)

    def tools(self, scenario: str, case: str) -> list[str]:
        """The tools with a row in this case, in the order of the columns."""
        rows: list[Measurement | Omission] = [*self.results.measurements, *self.results.omissions]
        present = {r.tool for r in rows if (r.scenario, r.case) == (scenario, case)}
        return [name for name in self.results.tools if name in present]

    def median(
        self, reading: Reading, scenario: str, case: str, step: str, tool: str
    ) -> float | None:
        rows = self._rows.get((scenario, case, step, tool))
        return statistics.median(map(reading, rows)) if rows else None

    def ratio(
        self, scenario: str, case: str, one: tuple[str, str], other: tuple[str, str]
    ) -> float | None:
        """Wall time of ``one`` (step, tool) in units of that of ``other``: the median over the
        rounds of the quotients within a round, since both then met the same state of the
        machine."""
        ours = self._by_round(scenario, case, *one)
        theirs = self._by_round(scenario, case, *other)
        quotients = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys()]
        return statistics.median(quotients) if quotients else None

    def _by_round(self, scenario: str, case: str, step: str, tool: str) -> dict[int, float]:
        rounds: dict[int, list[float]] = defaultdict(list)
        for row in self._rows.get((scenario, case, step, tool), []):
            rounds[row.round].append(row.wall_seconds)
        return {number: statistics.median(walls) for number, walls in rounds.items()}

    def omission(self, scenario: str, case: str, step: str, tool: str) -> str:
        """What stands in the place of a time that is missing."""
        for row in self.results.omissions:
            if (row.scenario, row.case, row.step, row.tool) == (scenario, case, step, tool):
                return "failed" if row.is_failure else "-"
        return ""
