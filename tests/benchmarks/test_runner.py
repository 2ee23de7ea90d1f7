"""The benchmark runner: measures, checks and reports; how fast anything was decides nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    "--files=20",
    "--folders=2",
    "--file-bytes=64",
    "--large-bytes=3000000",
    "--flat-files=20",
    "--release-bytes=2000",
    "--scaling=10,20",
    "--rounds=2",
    "--startup-repeats=1",
    "--status-repeats=1",
]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="measures git")


def run_benchmarks(
    *arguments: str | Path, program: tuple[str, ...] = ("-m", "benchmarks"), cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def run_tiny(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    where = ("--scratch", scratch, "--json", tmp_path / "results.json")
    return run_benchmarks(*TINY, *where, *arguments)


def rows(results: dict[str, Any], scenario: str, tool: str) -> set[str]:
    return {
        row["step"]
        for row in results["measurements"]
        if (row["scenario"], row["tool"]) == (scenario, tool)
    }


@pytest.mark.slow
def test_every_scenario_yields_its_rows_and_nothing_is_left_on_the_disk(tmp_path: Path) -> None:
    done = run_tiny(tmp_path, "--tools=git,floor")

    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["omissions"] == [o for o in results["omissions"] if not o["is_failure"]]
    assert rows(results, "startup", "floor") == {"--version", "status, ten files"}
    assert rows(results, "many-files", "git") == {
        "first add",
        "git commit after it",
        "status right after",
        "status, nothing changed",
        "re-add after 10 changes",
        "re-add after 1 % changed",
        "switch, 1 % differs",
        "switch, 1 % differs, and back",
        "checkout into empty workspace",
        "push to local remote",
        "push again, nothing new",
        "pull into fresh clone",
    }
    assert rows(results, "large-file", "floor") >= {
        "add",
        "read and hash on one core",
        "copy and fsync",
    }
    assert "checkout into empty workspace" in rows(results, "flat-folder", "git")
    assert [c["name"] for c in results["counts"]] == ["metadata rewritten by 10 changes"] * 2
    for row in results["measurements"]:
        for command in row["commands"]:
            assert command["wall_seconds"] > 0
            assert command["peak_process_bytes"] > 0
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.slow
def test_tools_alternate_and_each_round_starts_with_another(tmp_path: Path) -> None:
    run_tiny(tmp_path, "--tools=git,floor", "--scenario=startup")

    results = json.loads((tmp_path / "results.json").read_text())
    turns = [(row["round"], row["tool"]) for row in results["measurements"]]
    assert list(dict.fromkeys(turns)) == [(0, "floor"), (0, "git"), (1, "git"), (1, "floor")]


@pytest.mark.slow
def test_the_report_can_be_shown_again_in_markdown(tmp_path: Path) -> None:
    first = run_tiny(tmp_path, "--tools=git", "--scenario=startup", "--markdown")
    again = run_benchmarks("--render", tmp_path / "results.json", "--markdown")

    assert "| step | git |" in first.stdout
    assert again.stdout == first.stdout


@pytest.mark.slow
def test_a_tool_that_fails_is_reported_and_leaves_the_others_in_the_race(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    broken.chmod(0o755)

    done = run_tiny(tmp_path, "--tools=git,dvc", f"--peer=dvc={broken}", "--scenario=startup")

    assert done.returncode == 1
    assert "out of order" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results["tools"]) == ["git"]
    assert rows(results, "startup", "git") == {"--version", "status, ten files"}


def test_the_script_starts_from_any_folder(tmp_path: Path) -> None:
    script = str(ROOT / "benchmarks" / "run.py")
    done = run_benchmarks("--list", program=(script,), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "startup"


def test_an_unknown_scenario_is_refused_before_any_work(tmp_path: Path) -> None:
    done = run_tiny(tmp_path, "--scenario=nonsense")

    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert not (tmp_path / "results.json").exists()
