"""Renders the results of a run as tables, for a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.goals import FULL_FILES, MEGABYTE, judge, shown_bytes, shown_ratio, shown_seconds
from benchmarks.model import Count, Results
from benchmarks.summary import Summary, cpu, memory, unique, wall
from benchmarks.tools.registry import SUBJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title over rows of text; the first column is read from the left, the others are numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def render(results: Results, *, as_markdown: bool) -> str:
    """The whole report."""
    draw = _markdown if as_markdown else _plain
    summary = Summary(results)
    parts = [_preamble(results, as_markdown)]
    for scenario, case in summary.cases():
        parts.extend(draw(table) for table in _case_tables(summary, scenario, case))
    if results.counts:
        parts.append(draw(_counts(results)))
    if SUBJECT in results.tools:
        parts.append(draw(_goals(summary)))
    parts.extend(f"Note: {note}" for note in results.notes)
    parts.extend(_failures(results))
    return "\n\n".join(parts) + "\n"


def _preamble(results: Results, as_markdown: bool) -> str:
    mark = "* " if as_markdown else ""
    facts = {name.replace("_", " "): fact for name, fact in results.machine.items()}
    for name, fact in facts.items():
        if name.endswith("bytes"):
            facts[name] = f"{fact:,}"
    facts.update(results.tools)
    return "\n".join(f"{mark}{name}: {fact}" for name, fact in facts.items())


def _case_tables(summary: Summary, scenario: str, case: str) -> list[Table]:
    title = f"{scenario}: {case}"
    return [
        _times(summary, scenario, case, f"{title}: wall time"),
        _costs(summary, scenario, case, f"{title}: CPU time, peak memory"),
    ]


def _times(summary: Summary, scenario: str, case: str, title: str) -> Table:
    """Wall times, and beside them the subject's in units of each peer's."""
    tools = summary.tools(scenario, case)
    peers = [name for name in tools if SUBJECT in tools and name != SUBJECT]

    def time(step: str, tool: str) -> str:
        value = summary.median(wall, scenario, case, step, tool)
        return (
            summary.omission(scenario, case, step, tool) if value is None else shown_seconds(value)
        )

    def ratio(step: str, peer: str) -> str:
        value = summary.ratio(scenario, case, (step, SUBJECT), (step, peer))
        return "" if value is None else shown_ratio(value)

    header = ("step", *tools, *(f"{SUBJECT}:{peer}" for peer in peers))
    rows = tuple(
        (step, *(time(step, tool) for tool in tools), *(ratio(step, peer) for peer in peers))
        for step in summary.steps(scenario, case)
    )
    return Table(title=title, header=header, rows=rows)


def _costs(summary: Summary, scenario: str, case: str, title: str) -> Table:
    tools = summary.tools(scenario, case)

    def cost(step: str, tool: str) -> str:
        seconds = summary.median(cpu, scenario, case, step, tool)
        peak = summary.median(memory, scenario, case, step, tool)
        if seconds is None or peak is None:
            return ""
        return f"{seconds:.2f} s, {peak / MEGABYTE:.0f} MB"

    rows = tuple(
        (step, *(cost(step, tool) for tool in tools)) for step in summary.steps(scenario, case)
    )
    return Table(title=title, header=("step", *tools), rows=rows)


def _counts(results: Results) -> Table:
    tools = [name for name in results.tools if any(c.tool == name for c in results.counts)]
    names = unique(f"{count.case}: {count.name}" for count in results.counts)
    last = {(f"{c.case}: {c.name}", c.tool): _shown_count(c) for c in results.counts}
    rows = tuple((name, *(last.get((name, tool), "") for tool in tools)) for name in names)
    return Table(title="Counted", header=("what", *tools), rows=rows)


def _shown_count(count: Count) -> str:
    return shown_bytes(count.value) if count.unit == "bytes" else f"{count.value:,.0f} {count.unit}"


def _goals(summary: Summary) -> Table:
    rows = tuple((v.goal, v.measured, v.outcome) for v in judge(summary))
    title = f"Goals of {SUBJECT}"
    if summary.results.settings.get("files", 0) < FULL_FILES:
        title += " (set for --scale 1: on less data, starting up weighs more)"
    return Table(title=title, header=("goal", "measured", ""), rows=rows)


def _failures(results: Results) -> list[str]:
    return [
        f"FAILED: {o.scenario} ({o.case}), {o.tool}, round {o.round + 1}, {o.step}: {o.reason}"
        for o in results.omissions
        if o.is_failure
    ]


def _plain(table: Table) -> str:
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    drawn = [_aligned(line, widths) for line in lines]
    return "\n".join([table.title, drawn[0], "-" * len(drawn[0]), *drawn[1:]])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = [
        cell.ljust(width) if number == 0 else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join([first, *others])


def _markdown(table: Table) -> str:
    rule = ["---", *("--:" for _ in table.header[1:])]
    lines = [table.header, rule, *table.rows]
    return "\n".join([f"### {table.title}", "", *(f"| {' | '.join(line)} |" for line in lines)])
