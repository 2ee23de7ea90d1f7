"""A run record says what ran, on what, and what came of it; an edited log is refused."""

from __future__ import annotations

import re

from projects import Project


def test_a_record_has_commit_digests_parameters_times_and_surroundings(piped: Project) -> None:
    piped.assay("repro")
    record = piped.assay("runs", "show", "train", "--json").json()
    assert record["commit"] == piped.git("rev-parse", "HEAD").decode().strip()
    assert record["clean"] is True
    assert record["params"] == {"params.yaml": {"lr": 0.1}}
    assert set(record["deps"]) == {"prep.txt"}
    assert set(record["outs"]) == {"model.bin", "metrics.json"}
    assert record["exit_code"] == 0
    assert record["outcome"] == "ok"
    assert record["started"] <= record["ended"]
    assert record["started"].endswith("Z")
    assert re.fullmatch(r"3\.\d+\.\d+.*", record["python"])
    assert bytes.fromhex(record["packages"]) in piped.cached()
    assert record["seq"] == 1
    assert piped.assay("runs", "show", record["id"]).stdout


def test_records_are_this_machine_s_and_not_git_s(piped: Project) -> None:
    piped.assay("repro")
    assert b"runs" not in piped.git("status", "--short", "--untracked-files=all")


def test_a_run_on_uncommitted_changes_says_so(piped: Project) -> None:
    piped.write({"raw.txt": "other\n"})
    piped.assay("repro")
    assert piped.assay("runs", "show", "prep", "--json").json()["clean"] is False


def test_packages_survive_a_collection(piped: Project) -> None:
    piped.assay("repro")
    packages = piped.assay("runs", "show", "train", "--json").json()["packages"]
    piped.assay("gc", "--force", "--purge")
    assert bytes.fromhex(packages) in piped.cached()


def test_an_edited_log_is_refused(piped: Project) -> None:
    piped.assay("repro")
    [log] = (piped.root / ".assay" / "runs").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b'"lr":0.1', b'"lr":0.9'))
    outcome = piped.assay("runs", "list", exit_code=5)
    assert "audit-log-damaged" in outcome.stderr
    assert "line 2" in outcome.stderr
