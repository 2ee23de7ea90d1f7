"""From a pipeline to a release that a job takes: what each step adds to the work itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.aside import in_own_process
from benchmarks.bench import Bench, Case, Turn
from benchmarks.inputs import make_large_file
from benchmarks.measure import Command
from benchmarks.scenarios.settings import Settings
from benchmarks.site import Site
from benchmarks.tools.registry import SUBJECT
from benchmarks.tools.tool import Commands, Tool

SUMMARY = "repro with nothing to do; a cached release taken again; a trace"
NAME = "release"

REPRO = "repro, nothing to do"
GET = "release get, cached"
GET_TRUSTING = "release get, cached, --trust-local"
TRACE = "trace of one output"

_PIPELINE = """\
stages:
  measure:
    cmd: cp data/weights.bin model.bin && echo '{"accuracy":0.95}' > metrics.json
    deps: [data]
    params: [alpha]
    outs: [model.bin]
    metrics:
    - metrics.json: {cache: false}
"""
_RELEASE = """\
releases:
  bot:
    artifacts: {data: data, parameters: params.yaml}
    gates:
      integrity: {}
      metric: {metric: "metrics.json:accuracy", at_least: 0.9}
    channels:
      prod: {}
"""
_JOB = """\
import assay
bot = assay.release("bot@prod", repo="origin.git")
with bot.run("nightly", output="out/predictions.jsonl") as run:
    for number in range(1000):
        run.record({"intent": "on", "score": 0.5}, id=number, input=str(number))
"""
_OUTPUT_LINE = 17


def run(bench: Bench, settings: Settings) -> None:
    """Once with next to no data, once with a large file; DVC has the first step only."""
    tools = [tool for tool in bench.tools if tool.name in (SUBJECT, "dvc")]
    for size_bytes in (1 << 10, settings.release_bytes):
        _one_size(bench, settings, tools, size_bytes)


def _one_size(bench: Bench, settings: Settings, tools: Sequence[Tool], size_bytes: int) -> None:
    case = Case(
        scenario=NAME,
        label=label(size_bytes),
        disk_bytes=6 * size_bytes + 50_000_000,
        is_quickly_deleted=True,
    )
    bench.alternate(
        case, settings.rounds, lambda turn: walk(turn, size_bytes, settings), tools=tools
    )


def label(size_bytes: int) -> str:
    """How the case is called in the report."""
    return f"a release of {size_bytes >> 20:,} MiB"


def walk(turn: Turn, size_bytes: int, settings: Settings) -> None:
    """A pipeline; for assay also a release, a job that takes it, and a trace."""
    site, repeats = turn.site, settings.status_repeats
    _make_project(turn, size_bytes, settings.seed)
    turn.step(REPRO, lambda site: (turn.tool.run(site, "repro"),), repeats=repeats)
    if turn.tool.name != SUBJECT:
        return
    _make_release(turn)
    turn.step(GET, lambda site: _get(turn, site), repeats=repeats)
    turn.step(GET_TRUSTING, lambda site: _get(turn, site, "--trust-local"), repeats=repeats)
    site.quiet(sys.executable, "-c", _JOB, cwd=site.root)
    turn.step(TRACE, lambda site: (_trace(turn, site),), repeats=repeats)


def _make_project(turn: Turn, size_bytes: int, seed: int) -> None:
    site, tool = turn.site, turn.tool
    site.data.mkdir()
    in_own_process(make_large_file, site.data / "weights.bin", size_bytes, seed)
    name = "assay.yaml" if tool.name == SUBJECT else f"{tool.name}.yaml"
    text = _PIPELINE + (_RELEASE if tool.name == SUBJECT else "")
    (site.work / name).write_text(text, encoding="utf-8")
    (site.work / "params.yaml").write_text("alpha: 0.5\n", encoding="utf-8")
    for command in tool.add(site):
        site.quiet(*command.argv)
    turn.save()
    site.quiet(tool.program, "repro")
    turn.save()


def _make_release(turn: Turn) -> None:
    site, program = turn.site, turn.tool.program
    for command in turn.tool.push(site):
        site.quiet(*command.argv)
    site.quiet(program, "policy", "init", "--name", "benchmark")
    turn.save()
    site.quiet(program, "release", "create", "bot@1.0.0")
    site.quiet(program, "gate", "run", "bot@1.0.0")
    site.quiet(program, "promote", "bot@1.0.0", "prod")
    for command in _get(turn, site):
        site.quiet(*command.argv, cwd=Path(command.cwd))


def _get(turn: Turn, site: Site, *flags: str) -> Commands:
    argv = ("release", "get", "bot@prod", "--repo", "origin.git", "-o", "app", *flags)
    return (turn.tool.run(site, *argv, cwd=site.root),)


def _trace(turn: Turn, site: Site) -> Command:
    target = f"out/predictions.jsonl:{_OUTPUT_LINE}"
    return turn.tool.run(site, "trace", target, "--repo", "origin.git", cwd=site.root)
