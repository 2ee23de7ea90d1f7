"""Checks stop what comes after them unless they pass; a verdict is about exact bytes."""

from __future__ import annotations

import pytest

from assay.pipelines.checks import read_answer
from assay.pipelines.model import Check
from projects import Project

PIPELINE = """\
stages:
  make:
    cmd: cat in.txt > out.txt && echo ran >> log.txt
    deps: [in.txt]
    outs: [out.txt]
    checks:
    - name: sane
      on: {on}
      command: {command}
      timeout: 1
  use:
    cmd: cat out.txt > use.txt
    deps: [out.txt]
    outs: [use.txt]
"""


def write(project: Project, command: str, on: str = "out.txt") -> None:
    project.write({"in.txt": "good\n", "assay.yaml": PIPELINE.format(on=on, command=command)})


@pytest.mark.parametrize(
    ("command", "exit_code", "code"),
    [
        ("exit 1", 7, "check-failed"),
        ("exit 2", 10, "check-inconclusive"),
        ("kill -9 $$", 10, "check-inconclusive"),
        ("sleep 60", 10, "check-inconclusive"),
        ("no-such-program-at-all", 10, "check-inconclusive"),
    ],
)
def test_all_but_a_pass_stops_the_stages_after_it(
    project: Project, command: str, exit_code: int, code: str
) -> None:
    write(project, command)
    assert code in project.assay("repro", exit_code=exit_code).stderr
    assert not (project.root / "use.txt").exists()
    assert project.assay("runs", "show", "make", "--json").json()["checks"][0]["verdict"] != "pass"


def test_a_check_of_an_input_comes_before_the_command(project: Project) -> None:
    write(project, "grep -q good in.txt", on="in.txt")
    project.write({"in.txt": "bad\n"})
    assert "check-failed" in project.assay("repro", exit_code=7).stderr
    assert not (project.root / "log.txt").exists()


def test_a_mended_check_does_not_run_the_command_again(project: Project) -> None:
    write(project, "exit 1")
    project.assay("repro", exit_code=7)
    write(project, "exit 0")
    outcome = project.assay("repro")
    assert "Check 'sane': pass" in outcome.stdout
    assert project.read("log.txt") == b"ran\n"
    assert project.read("use.txt") == b"good\n"
    assert "Check" not in project.assay("repro").stdout


def test_a_changed_check_is_asked_again(project: Project) -> None:
    write(project, "exit 0")
    project.assay("repro")
    write(project, "exit 1")
    assert "check-failed" in project.assay("repro", exit_code=7).stderr


@pytest.mark.parametrize(
    ("code", "answer", "verdict"),
    [
        (0, b"", "pass"),
        (1, b"", "fail"),
        (2, b"", "inconclusive"),
        (-9, b"", "inconclusive"),
        (0, b'{"verdict": "fail", "value": 0.4, "limit": 0.5}', "fail"),
        (0, b'noise\n{"verdict": "pass", "value": NaN}\n', "pass"),
        (1, b'{"verdict": "pass"}', "inconclusive"),
        (3, b'{"verdict": "pass"}', "inconclusive"),
        (0, b'{"verdict": "splendid"}', "pass"),
    ],
)
def test_an_answer_is_read_with_suspicion(code: int, answer: bytes, verdict: str) -> None:
    assert read_answer(Check(name="c", command="x"), code, answer).verdict == verdict


def test_what_a_check_measured_is_told(project: Project) -> None:
    write(project, """'echo "{\\"verdict\\": \\"fail\\", \\"value\\": 3, \\"limit\\": 5}"'""")
    assert "the value is 3, the limit is 5" in project.assay("repro", exit_code=7).stderr


def test_a_contract_judges_what_a_stage_reads(project: Project) -> None:
    project.write(
        {
            "in.csv": "n\n1\n2\n",
            "contracts/numbers.yaml": "format: 1\ncolumns: {n: {type: integer, max: 5}}\n",
            "assay.yaml": "stages:\n  a:\n    cmd: cat in.csv > out\n    deps: [in.csv]\n"
            "    outs: [out]\n    checks:\n    - {name: schema, on: in.csv, contract: numbers}\n",
        }
    )
    project.assay("repro")
    project.write({"in.csv": "n\n1\n9\n"})
    assert "check-failed" in project.assay("repro", exit_code=7).stderr
    project.remove("contracts/numbers.yaml")
    assert "contract-missing" in project.assay("repro", exit_code=3).stderr
