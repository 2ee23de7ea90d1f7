"""The law of repro: changing one input runs exactly what descends from it, in order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.pipelines.graph import build
from assay.pipelines.model import Dependency, Stage, StageOutput
from projects import Project, new_project

Edges = list[list[int]]


@st.composite
def graphs(draw: st.DrawFn, most: int) -> Edges:
    """For each stage the earlier stages that it reads from."""
    count = draw(st.integers(1, most))
    return [
        draw(st.lists(st.integers(0, at - 1), unique=True, max_size=3)) if at else []
        for at in range(count)
    ]


def descendants(edges: Edges, start: int) -> set[int]:
    reached = {start}
    for at, before in enumerate(edges):
        if reached.intersection(before):
            reached.add(at)
    return reached


def stage(at: int, before: list[int]) -> Stage:
    return Stage(
        name=f"s{at}",
        pipeline_path=b"assay.yaml",
        folder=b"",
        command="true",
        deps=tuple(Dependency(name=f"o{b}", path=b"o%d" % b) for b in before),
        outs=(StageOutput(name=f"o{at}", path=b"o%d" % at),),
    )


@given(edges=graphs(12), seed=st.randoms())
def test_the_order_has_each_stage_after_what_it_reads(edges: Edges, seed: object) -> None:
    stages = [stage(at, before) for at, before in enumerate(edges)]
    seed.shuffle(stages)  # type: ignore[attr-defined]
    graph = build(stages)
    order = list(graph.stages)
    assert sorted(order) == sorted(s.address for s in stages)
    for address, before in graph.before.items():
        assert all(order.index(other) < order.index(address) for other in before)
    for at in range(len(edges)):
        wanted = {f"s{d}" for d in descendants(edges, at)}
        assert {f"s{at}", *graph.downstream(f"s{at}")} == wanted


@settings(max_examples=8)
@given(edges=graphs(6), data=st.data())
def test_changing_one_input_runs_exactly_its_descendants(edges: Edges, data: st.DataObject) -> None:
    changed = data.draw(st.integers(0, len(edges) - 1))
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(Path(folder) / "project")
        _write(project, edges)
        project.assay("repro", "-q")
        project.write({f"in{changed}": "new\n"})
        answer = project.assay("repro", "--json").json()
        ran = {stage["stage"] for stage in answer["stages"] if stage["outcome"] == "ran"}
        assert ran == {f"s{at}" for at in descendants(edges, changed)}
        assert project.assay("status", "--json").json() == {}


def _write(project: Project, edges: Edges) -> None:
    lines = ["stages:"]
    for at, before in enumerate(edges):
        deps = ", ".join([f"in{at}", *(f"o{b}" for b in before)])
        files = deps.replace(",", "")
        lines += [f"  s{at}:", f"    cmd: cat {files} > o{at}"]
        lines += [f"    deps: [{deps}]", f"    outs: [o{at}]"]
        project.write({f"in{at}": f"{at}\n"})
    project.write({"assay.yaml": "\n".join(lines) + "\n"})
