"""The command line of the runner: which tools, which scenarios, which sizes, where to."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.ballast import Ballast
from benchmarks.bench import Bench, say
from benchmarks.machine import describe_machine
from benchmarks.model import Results, read_results, write_results
from benchmarks.report import render
from benchmarks.scenarios import many_files
from benchmarks.scenarios.registry import SCENARIOS
from benchmarks.scenarios.settings import Settings
from benchmarks.scratch import NoRoom, Scratch
from benchmarks.tools.registry import NAMES, find_tools
from benchmarks.tools.tool import Tool

RESULTS = Path(__file__).resolve().parent / "results"
DEFAULT_SCALE = 0.1
QUICK_SCALE = 0.002
GIGABYTE = 1_000_000_000


def main(argv: Sequence[str]) -> int:
    """Run the benchmarks; 1 when a tool failed at something, whatever the times."""
    options = _parser().parse_args(argv)
    if options.list:
        print("\n".join(f"{scenario.name:<12} {scenario.summary}" for scenario in SCENARIOS))
        return 0
    if options.render:
        print(render(read_results(options.render), as_markdown=options.markdown), end="")
        return 0
    results = _run(options)
    print(render(results, as_markdown=options.markdown), end="")
    return 1 if results.has_failures else 0


def _run(options: argparse.Namespace) -> Results:
    settings = _settings(options)
    programs = dict(options.peer)
    tools, missing = find_tools(options.tools, programs)
    results = Results(settings=dataclasses.asdict(settings))
    results.notes.extend(f"{name} is not installed" for name in missing)
    base = options.scratch or Path(tempfile.gettempdir())
    scratch = Scratch(
        base.resolve() / f"assay-bench-{os.getpid()}", int(options.disk_gb * GIGABYTE)
    )
    results.machine = {
        **describe_machine(scratch.root),
        "free_memory_filled": options.fill_memory,
    }
    bench = Bench(
        tools=tools,
        scratch=scratch,
        results=results,
        timeout_seconds=options.step_timeout,
        ballast=Ballast(scratch.root / "ballast") if options.fill_memory else None,
        first_on_path=[p.parent for name, p in programs.items() if name in {"git", "git-lfs"}],
    )
    target = options.json or RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    try:
        _run_scenarios(bench, settings, options.scenario)
    finally:
        if scratch.deletions:
            results.notes.append(
                f"old trees were deleted {scratch.deletions} times between turns for want of space"
            )
        write_results(results, target)
        say(f"results are in {target}; deleting {scratch.root}")
        scratch.delete()
    return results


def _run_scenarios(bench: Bench, settings: Settings, names: Sequence[str]) -> None:
    results = bench.results
    bench.tools = [tool for tool in bench.tools if _works(bench, tool)]
    results.tools = {tool.name: tool.version() for tool in bench.tools}
    for scenario in SCENARIOS:
        if scenario.name in names:
            try:
                scenario.run(bench, settings)
            except NoRoom as error:
                results.notes.append(f"the rest of {scenario.name} was left out: {error}")


def _works(bench: Bench, tool: Tool) -> bool:
    """Let ``tool`` walk once through all steps on ten files, unrecorded: that loads its program
    into the page cache, lets Python compile it, and shows early what is broken."""
    trial = Bench(
        tools=[tool],
        scratch=bench.scratch,
        results=Results(),
        timeout_seconds=bench.timeout_seconds,
        first_on_path=bench.first_on_path,
    )
    many_files.run(trial, Settings(files=10, folders=2, rounds=1, status_repeats=1))
    failures = [omission for omission in trial.results.omissions if omission.is_failure]
    bench.results.omissions.extend(failures)
    return not failures


def _settings(options: argparse.Namespace) -> Settings:
    scale = QUICK_SCALE if options.quick else options.scale
    settings = Settings().scaled(scale)
    if options.quick:
        settings = dataclasses.replace(settings, rounds=1, startup_repeats=3, status_repeats=1)
    given = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(Settings)
        if getattr(options, field.name) is not None
    }
    return dataclasses.replace(settings, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure assay beside its peers, in alternation, on data made for it.",
    )
    add = parser.add_argument
    add("--list", action="store_true", help="list the scenarios")
    add("--render", type=Path, metavar="JSON", help="show the report of an earlier run again")
    add("--scenario", type=_names(s.name for s in SCENARIOS), help="only these, with commas")
    add("--tools", type=_names(NAMES), help="only these, with commas (default: all installed)")
    add("--peer", type=_peer, action="append", default=[], metavar="NAME=PATH",
        help="where the program of a tool is, if not on PATH")  # fmt: skip
    add("--scale", type=float, default=DEFAULT_SCALE,
        help="1 for the full amounts of data (default %(default)s)")  # fmt: skip
    add("--quick", action="store_true", help="one round on next to nothing: does it run at all?")
    add("--scratch", type=Path, help="folder to work in (default: the temporary folder)")
    add("--disk-gb", type=float, default=40, help="delete old trees above this (default 40)")
    add("--fill-memory", action="store_true",
        help="keep free memory in use as page cache; see docs/benchmarks.md")  # fmt: skip
    add("--step-timeout", type=float, default=3600, metavar="SECONDS")
    add("--json", type=Path, help="where the results go (default: benchmarks/results/DATE.json)")
    add("--markdown", action="store_true", help="print the report in Markdown")
    _add_settings(parser)
    parser.set_defaults(scenario=[s.name for s in SCENARIOS], tools=list(NAMES))
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("amounts, each in place of what --scale gives")
    for field in dataclasses.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        kind: Callable[[str], object] = _sizes if field.name == "scaling" else int
        group.add_argument(flag, type=kind, help=f"at full scale {_shown(field.default)}")


def _shown(default: object) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    allowed = list(known)

    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(allowed)}")
        return chosen

    return parse


def _peer(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    program = shutil.which(path) if path else None
    if name not in NAMES or program is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=PATH with a name of {', '.join(NAMES)} and a program's path"
        )
    return name, Path(program).absolute()
