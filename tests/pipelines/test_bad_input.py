"""Pipelines that cannot be: each a refusal that names file, line and key, before anything runs."""

from __future__ import annotations

import pytest

from projects import Project

STAGE = "stages:\n  a:\n    cmd: echo 1 > x\n    outs: [x]\n"

BAD = [
    ("stages: [1]\n", "pipeline-invalid", "assay.yaml:1: stages"),
    ("stagse: {}\n", "pipeline-invalid", "assay.yaml:1: stagse"),
    ("stages:\n  a:\n    outs: [x]\n", "pipeline-invalid", "assay.yaml:2: stages.a: it has no"),
    (STAGE + "    otus: [y]\n", "pipeline-invalid", "assay.yaml:5: stages.a.otus"),
    (STAGE + "    deps: x\n", "pipeline-invalid", "assay.yaml:5: stages.a.deps"),
    (STAGE + "    deps: [../y]\n", "pipeline-invalid", "assay.yaml:5: stages.a.deps.0"),
    (STAGE + "    deps: [x]\n", "pipeline-invalid", "both read and written"),
    (STAGE + "    metrics: [.git/config]\n", "pipeline-invalid", "stages.a.metrics.0"),
    (STAGE + "    metrics: [assay.lock]\n", "pipeline-invalid", "belongs to the repository"),
    (STAGE + "    frozen: 3\n", "pipeline-invalid", "assay.yaml:5: stages.a.frozen"),
    (STAGE + "    cmd: again\n", "pipeline-invalid", "assay.yaml:5: the key 'cmd' stands twice"),
    (STAGE + "    checks: [{name: c}]\n", "pipeline-invalid", "stages.a.checks.0"),
    (STAGE + "    checks: [{name: c, command: x, on: z}]\n", "pipeline-invalid", "'z' is neither"),
    ("stages:\n  a b:\n    cmd: x\n", "pipeline-invalid", "assay.yaml:2"),
    ("a: [\n", "pipeline-invalid", "assay.yaml:2"),
    (STAGE + "    matrix: {p: [1]}\n", "pipeline-not-yet", "assay.yaml:5: stages.a.matrix"),
    ("stages:\n  a:\n    foreach: [1]\n    do: {cmd: x}\n", "pipeline-not-yet", "a.foreach"),
    ("vars: [{x: 1}]\n", "pipeline-not-yet", "assay.yaml:1: vars"),
    ("stages:\n  a:\n    cmd: echo ${x}\n", "pipeline-not-yet", "assay.yaml:3: stages.a.cmd"),
    (STAGE + "    deps: ['s3://b/k']\n", "pipeline-not-yet", "stages.a.deps.0"),
]


@pytest.mark.parametrize(("text", "code", "place"), BAD)
def test_a_mistake_in_the_file_is_named_by_line_and_key(
    project: Project, text: str, code: str, place: str
) -> None:
    project.write({"assay.yaml": text})
    error = project.assay("repro", "--json", exit_code=2).json()["error"]
    assert error["code"] == code
    assert place in error["what"]


def test_a_cycle_is_refused(project: Project) -> None:
    project.write(
        {
            "assay.yaml": "stages:\n  a:\n    cmd: x\n    deps: [two]\n    outs: [one]\n"
            "  b:\n    cmd: x\n    deps: [one]\n    outs: [two]\n"
        }
    )
    assert "pipeline-cycle" in project.assay("repro", exit_code=2).stderr


@pytest.mark.parametrize("other", ["x", "x/y"])
def test_overlapping_outputs_are_refused(project: Project, other: str) -> None:
    project.write({"assay.yaml": STAGE + f"  b:\n    cmd: x\n    outs: [{other}]\n"})
    assert "stage-output-overlap" in project.assay("repro", exit_code=4).stderr


def test_an_output_that_is_tracked_otherwise_is_refused(project: Project) -> None:
    project.write({"x": "data"})
    project.assay("add", "x")
    project.write({"assay.yaml": STAGE})
    assert "x" in project.assay("repro", exit_code=4).stderr
    project.remove("x.assay", ".gitignore")
    project.git("add", "x")
    assert "stage-output-in-git" in project.assay("repro", exit_code=4).stderr
    assert project.read("x") == b"data"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("schema: '9.0'\nstages: {}\n", "lock-newer-format"),
        ("<<<<<<< HEAD\nschema: '2.0'\n", "lock-invalid"),
        ("schema: '2.0'\nstages:\n  a:\n    cmd: 3\n", "lock-invalid"),
        ("schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: 3\n", "lock-invalid"),
    ],
)
def test_a_damaged_lock_is_refused(project: Project, text: str, code: str) -> None:
    project.write({"assay.yaml": STAGE, "assay.lock": text})
    assert code in project.assay("repro", exit_code=2).stderr


def test_an_absent_parameter_is_named(project: Project) -> None:
    project.write({"assay.yaml": STAGE + "    params: [lr]\n", "params.yaml": "other: 1\n"})
    assert "param-missing" in project.assay("repro", exit_code=3).stderr
    project.write({"params.yaml": "a: [\n"})
    assert "params-invalid" in project.assay("repro", exit_code=2).stderr


def test_there_is_a_hint_where_no_pipeline_is(project: Project) -> None:
    assert "pipeline-missing" in project.assay("repro", exit_code=3).stderr
