"""Tracing releases and files: what made them, what came of them, and whether it is still so."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import assay as api
from bots import Bots, forged, release_ref, set_field
from projects import assay

ONE = release_ref("1.0.0")


def graph(bots: Bots, *words: str, exit_code: int = 0) -> dict[str, Any]:
    """A trace in the maintainer's clone."""
    found: dict[str, Any] = bots.assay("trace", *words, "--json", exit_code=exit_code).json()
    assert found["verified"] == (exit_code == 0)
    return found


def reasons(found: dict[str, Any]) -> list[str]:
    parts = [*found["nodes"], *found["links"]]
    return [part["because"] for part in parts if part["finding"] == "broken"]


def titles(found: dict[str, Any], kind: str) -> list[str]:
    return [node["title"] for node in found["nodes"] if node["kind"] == kind]


def node(found: dict[str, Any], title: str) -> dict[str, Any]:
    (one,) = [node for node in found["nodes"] if node["title"] == title]
    return dict(one)


# -- upwards from a release ---------------------------------------------------------------


def test_a_release_leads_to_all_that_made_it(served: Bots) -> None:
    found = graph(served, "bot@prod")
    assert {part["finding"] for part in [*found["nodes"], *found["links"]]} == {"verified"}
    assert titles(found, "release") == ["bot@1.1.0"]
    assert titles(found, "channel") == ["bot@prod"]
    assert titles(found, "run") == ["stage train"]
    assert "params.yaml" in titles(found, "parameters")
    assert graph(served, "bot@1.0.0")


def test_a_release_traces_the_same_from_elsewhere(served: Bots) -> None:
    words = ("trace", "bot@1.1.0", "--repo", "hub.git", "--json")
    there = assay(served.base, *words).json()
    here = graph(served, "bot@1.1.0")
    assert there == here


def test_a_gate_that_never_ran_is_told_and_no_lie(declared: Bots) -> None:
    declared.release("1.0.0", gates=False)
    found = graph(declared, "bot@1.0.0")
    assert {node(found, f"{gate}: never run")["finding"] for gate in ("integrity", "smoke")} == {
        "unrecorded"
    }


def test_an_unsigned_release_is_told_as_such(plain: Bots) -> None:
    plain.release("1.0.0")
    found = graph(plain, "bot@1.0.0")
    assert node(found, "bot@1.0.0")["finding"] == "unsigned"


def test_a_result_that_is_about_something_else_breaks_the_trace(served: Bots) -> None:
    other = served.hub.files(release_ref("1.1.0"))["gates/smoke/000001.json"]
    served.hub.edit(ONE, {"gates/smoke/000002.json": other})
    assert any("other bytes" in why for why in reasons(graph(served, "bot@1.0.0", exit_code=5)))


def test_a_run_record_that_is_not_the_bound_one_breaks_the_trace(served: Bots) -> None:
    record = served.hub.files(ONE)["runs/001.json"]
    for data in (record.replace(b"0.5", b"0.6"), b"x", None):
        served.hub.edit(ONE, {"runs/001.json": data})
        assert any(
            "record of train" in why for why in reasons(graph(served, "bot@1.0.0", exit_code=5))
        )


def test_other_data_under_the_same_names_breaks_the_trace(served: Bots) -> None:
    """A commit that is not the one that was released, though somebody signed that it was."""
    commit = served.hub.git("rev-parse", "main").decode()
    mine = served.hub.files(ONE)["release.json"]
    change = set_field("predicate", "commit", to=commit)
    served.hub.delete("refs/tags/bot@v1.0.0")
    served.project.git("tag", "-d", "bot@v1.0.0")
    served.hub.edit(ONE, {"release.json": forged(mine, change, served.key("ana"))})
    found = graph(served, "bot@1.0.0", exit_code=5)
    assert any("something else at this path" in why for why in reasons(found))


@pytest.mark.parametrize(
    ("what", "code", "exit_code"),
    [
        ("bot@9.9.9", "release-unknown", 3),
        ("bot@staging", "channel-empty", 3),
        ("absent.txt", "trace-target-unknown", 3),
        ("../outside", "path-outside", 2),
    ],
)
def test_what_cannot_be_traced_is_called_so(
    served: Bots, what: str, code: str, exit_code: int
) -> None:
    done = served.assay("trace", what, "--json", exit_code=exit_code)
    assert done.json()["error"]["code"] == code


# -- upwards from a file ------------------------------------------------------------------


@pytest.mark.parametrize("path", ["data", "data/rows.jsonl", "model.bin", "params.yaml"])
def test_a_file_as_it_was_recorded_verifies(served: Bots, path: str) -> None:
    found = graph(served, path)
    assert titles(found, "run") == (["stage train"] if path == "model.bin" else [])


@pytest.mark.parametrize("path", ["data", "data/rows.jsonl", "model.bin"])
def test_a_file_that_was_changed_since_does_not(served: Bots, path: str) -> None:
    name = "data/rows.jsonl" if path == "data" else path
    served.project.write({name: "edited\n"})
    assert reasons(graph(served, path, exit_code=5))
    if path == "data/rows.jsonl":
        graph(served, "data/more/odd name.txt")


def test_what_was_made_of_changed_data_does_not_verify(served: Bots) -> None:
    served.project.write({"data/rows.jsonl": "edited\n"})
    found = graph(served, "model.bin", exit_code=5)
    assert any("not what the run read" in why for why in reasons(found))


def test_a_file_within_that_is_gone_or_was_added_does_not_verify(served: Bots) -> None:
    served.project.remove("data/rows.jsonl")
    graph(served, "data", exit_code=5)
    served.project.write({"data/new.txt": "new\n"})
    assert reasons(graph(served, "data/new.txt", exit_code=5))


# -- downwards ----------------------------------------------------------------------------


def test_data_leads_on_to_models_releases_channels_and_jobs(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path("ci")))
    bot = api.release("bot", channel="prod", repo=served.hub.path)
    with bot.run("nightly") as run:
        run.record(1, id=1)
    found = graph(served, "data", "--down")
    assert found["direction"] == "down"
    assert {"bot@1.0.0", "bot@1.1.0"} <= set(titles(found, "release"))
    assert "model.bin" in [n["title"] for n in found["nodes"]]
    (job,) = [n for n in found["nodes"] if n["kind"] == "job run"]
    assert (job["facts"]["run"], job["finding"]) == (run.id, "verified")
    assert titles(graph(served, "bot@1.1.0", "--down"), "job run") == ["nightly"]
    assert titles(graph(served, "bot@1.0.0", "--down"), "job run") == []


def test_a_forged_record_is_not_called_verified(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path("ci")))
    bot = api.release("bot", channel="prod", repo=served.hub.path)
    with bot.run("nightly") as run:
        run.record(1, id=1)
    record = Path(run.record_path)
    good = record.read_bytes()
    value = json.loads(good)
    value["signatures"][0]["sig"] = "A" * 86 + "=="
    for data in (
        json.dumps(value).encode(),
        forged(good, set_field("predicate", "job", to="other"), served.key("eve")),
    ):
        record.write_bytes(data)
        found = graph(served, "bot@1.1.0", "--down", exit_code=5)
        (job,) = [n for n in found["nodes"] if n["kind"] == "job run"]
        assert job["finding"] == "broken"


def test_a_record_that_cannot_be_read_hides_none_of_the_others(
    served: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(served.key_path("ci")))
    bot = api.release("bot", channel="prod", repo=served.hub.path)
    with bot.run("nightly") as run:
        run.record(1, id=1)
    folder = Path(os.environ["XDG_STATE_HOME"]) / "assay" / "runs"
    (folder / "20200101T000000-0123456789abcdef.json").write_bytes(b"torn")
    (folder / "notes.json").write_bytes(b"x")
    assert titles(graph(served, "bot@1.1.0", "--down"), "job run") == ["nightly"]


def test_a_channel_that_moved_on_is_told_as_history(served: Bots) -> None:
    found = graph(served, "bot@1.0.0", "--down")
    (channel,) = [n for n in found["nodes"] if n["kind"] == "channel"]
    assert channel["facts"]["serves it"] == "no longer"


# -- inside what a stage writes -----------------------------------------------------------

PREPARED = """\
stages:
  prepare:
    cmd: mkdir -p made && cp data/rows.jsonl made/train.jsonl && echo x > made/test.jsonl
    deps: [data]
    outs: [made]
  train:
    cmd: cp made/train.jsonl model.bin
    deps: [made/train.jsonl]
    outs: [model.bin]
releases:
  bot:
    artifacts: {data: data, model: model.bin}
    gates: {integrity: {}}
    channels: {prod: {}}
"""


def test_an_input_inside_an_output_leads_to_the_stage_that_wrote_it(plain: Bots) -> None:
    plain.project.write({"assay.yaml": PREPARED})
    plain.commit("prepare")
    plain.release("2.0.0")
    for target in ("bot@2.0.0", "model.bin", "made/train.jsonl"):
        found = graph(plain, target)
        assert "stage prepare" in titles(found, "run"), target
        assert "data" in [node["title"] for node in found["nodes"]], target
