"""Runs of jobs: outputs that appear whole, with a record of every one of them, or not at all."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

import assay as api
from assay.api.releases.jobs import TakenRelease
from assay.audit.chain import read, verify
from assay.errors import AssayError, Conflict, InvalidInput
from assay.jobs.shelf import BESIDE
from assay.jobs.stamp import KEY, leaf_of
from bots import Bots, payload_of
from projects import read_tree


@pytest.fixture
def bot(released: Bots) -> TakenRelease:
    """The release that prod serves, taken from the hub."""
    return api.release("bot", channel="prod", repo=released.hub.path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def record_of(path: Path, run: str) -> dict[str, Any]:
    """What the record beside an output says."""
    said: dict[str, Any] = payload_of((path.parent / BESIDE / f"{run}.json").read_bytes())
    return said["predicate"]


def logs() -> list[Path]:
    folder = Path(os.environ["XDG_STATE_HOME"]) / "assay" / "runs"
    return sorted(folder.glob("*.jsonl"))


# -- a run that ends well -----------------------------------------------------------------


def test_every_output_is_stamped_and_bound(bot: TakenRelease, tmp_path: Path) -> None:
    out = tmp_path / "out" / "predictions.jsonl"
    with bot.run("nightly", output=out) as run:
        first = run.record({"intent": "timer"}, id="a", input="set a timer")
        run.record("just text", id=7, input={"text": "x"}, rows=["data/rows.jsonl:2"])
        assert not out.exists()
    rows = lines(out)
    assert rows[0] == first
    assert rows[0]["id"] == "a"
    assert rows[0][KEY] == {
        "release": "bot@1.0.0",
        "digest": bot.digest,
        "run": run.id,
        "seq": 0,
        "id": "a",
        "input": f"blake3:{blake3(b'set a timer').hexdigest()}",
    }
    assert (rows[1]["output"], rows[1][KEY]["rows"]) == ("just text", ["data/rows.jsonl:2"])
    said = record_of(out, run.id)
    leaves = (out.parent / BESIDE / f"{run.id}.leaves").read_bytes()
    assert leaves == b"".join(leaf_of(row) for row in rows)
    assert said["outputs"] == {"count": 2, "leaves": blake3(leaves).hexdigest()}
    assert said["files"] == {"predictions.jsonl": blake3(out.read_bytes()).hexdigest()}
    assert (said["outcome"], said["job"]) == ("ok", "nightly")
    assert said["release"]["digest"] == bot.digest
    assert said["channel"] == {"name": "prod", "sequence": 1}
    assert run.record_path == str(out.parent / BESIDE / f"{run.id}.json")


def test_a_record_is_signed_by_who_may_sign_runs(
    bot: TakenRelease, released: Bots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, signed in (("ci", True), ("eve", False)):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", str(released.key_path(name)))
        with bot.run("nightly", output=tmp_path / "o.jsonl") as run:
            run.record(1, id=1)
        envelope = json.loads(Path(run.record_path).read_bytes())
        assert bool(envelope["signatures"]) == signed
        if signed:
            assert envelope["signatures"][0]["keyid"] == released.key(name).key.fingerprint
    monkeypatch.delenv("ASSAY_SIGNING_KEY")
    with bot.run("nightly") as run:
        run.record(1, id=1)
    assert json.loads(Path(run.record_path).read_bytes())["signatures"] == []


def test_a_run_without_outputs_leaves_an_empty_file_and_a_record(
    bot: TakenRelease, tmp_path: Path
) -> None:
    out = tmp_path / "o.jsonl"
    with bot.run("nightly", output=out) as run:
        pass
    assert out.read_bytes() == b""
    assert record_of(out, run.id)["outputs"]["count"] == 0


def test_a_run_without_a_file_stamps_all_the_same(bot: TakenRelease, tmp_path: Path) -> None:
    with bot.run("server") as run:
        stamped = run.record({"a": 1}, id="x")
    assert stamped[KEY]["run"] == run.id
    assert Path(run.record_path).is_file()
    assert list(tmp_path.iterdir()) == [tmp_path / "bots"]


def test_inputs_are_bound_by_their_digests(bot: TakenRelease, tmp_path: Path) -> None:
    batch = tmp_path / "batch.txt"
    batch.write_bytes(b"one\ntwo\n")
    with bot.run("nightly", output=tmp_path / "o.jsonl", inputs=[batch]) as run:
        row = run.record(1, id=1)
    digest = blake3(b"one\ntwo\n").hexdigest()
    assert record_of(tmp_path / "o.jsonl", run.id)["inputs"] == {str(batch): digest}
    assert row[KEY]["input"] == f"blake3:{digest}"
    with pytest.raises(InvalidInput) as caught:
        bot.run("nightly", inputs=[tmp_path / "absent"])
    assert caught.value.code == "input-missing"


def test_an_earlier_output_is_replaced_when_the_run_ends_well(
    bot: TakenRelease, tmp_path: Path
) -> None:
    out = tmp_path / "o.jsonl"
    for n in range(2):
        with bot.run("nightly", output=out) as run:
            run.record(n, id=n)
    assert [row["output"] for row in lines(out)] == [1]
    assert len(list((tmp_path / BESIDE).glob("*.json"))) == 2
    assert record_of(out, run.id)["outputs"]["count"] == 1


def test_lines_end_as_they_were_hashed(bot: TakenRelease, tmp_path: Path) -> None:
    out = tmp_path / "o.jsonl"
    texts = ["a\nb", "a\r\nb", "\u2028", "\ud800", "ü", "\x00", "\x85"]
    with bot.run("nightly", output=out) as run:
        for text in texts:
            run.record(text, id=text)
    data = out.read_bytes()
    assert data.count(b"\n") == len(texts)
    assert b"\r" not in data
    assert [json.loads(line)["output"] for line in data.splitlines(keepends=False)] == texts
    said = record_of(out, run.id)
    assert said["files"]["o.jsonl"] == blake3(data).hexdigest()


# -- a run that does not ------------------------------------------------------------------


def test_a_run_that_fails_leaves_what_it_wrote_beside_and_no_output(
    bot: TakenRelease, tmp_path: Path
) -> None:
    out = tmp_path / "o.jsonl"
    out.write_text("what was there before\n")
    run = bot.run("nightly", output=out)

    def fail() -> None:
        with run:
            run.record({"a": 1}, id="x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert out.read_text() == "what was there before\n"
    partial = tmp_path / "o.jsonl.partial"
    assert [row["a"] for row in lines(partial)] == [1]
    said = record_of(out, run.id)
    assert (said["outcome"], list(said["files"])) == ("failed", ["o.jsonl.partial"])
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".o.jsonl")]


def test_after_its_end_a_run_records_nothing(bot: TakenRelease) -> None:
    with bot.run("nightly") as run:
        run.record(1, id=1)
    with pytest.raises(Conflict) as caught:
        run.record(2, id=2)
    assert caught.value.code == "run-ended"
    run.close()
    assert run.count == 1


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), {"a": [float("inf")]}, object(), b"x"])
def test_what_is_not_json_is_refused_and_the_run_goes_on(
    bot: TakenRelease, tmp_path: Path, value: object
) -> None:
    out = tmp_path / "o.jsonl"
    with bot.run("nightly", output=out) as run:
        run.record(1, id=1)
        with pytest.raises(InvalidInput) as caught:
            run.record(value, id=2)
        assert caught.value.code == "output-not-json"
        run.record(3, id=3)
    assert [(row["output"], row[KEY]["seq"]) for row in lines(out)] == [(1, 0), (3, 1)]


ROWS = ["data/absent.jsonl", "other.txt:1", "data/rows.jsonl:0", "data/rows.jsonl:-1", ":1", "x"]
ROWS += ["data/rows.jsonl:x", "datax/rows.jsonl:1", "../data/rows.jsonl:1", "data/rows.jsonl:٣"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_the_release_does_not_bind_is_refused(bot: TakenRelease, row: str) -> None:
    with bot.run("nightly") as run:
        with pytest.raises(InvalidInput) as caught:
            run.record(1, id=1, rows=[row])
        assert caught.value.code == "row-invalid"
        assert run.count == 0


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "\0"])
def test_a_name_that_cannot_name_a_job_is_refused(bot: TakenRelease, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bot.run(name)
    assert caught.value.code == "job-name-invalid"


def test_a_stamp_cannot_be_brought_along(bot: TakenRelease, tmp_path: Path) -> None:
    with bot.run("nightly", output=tmp_path / "o.jsonl") as run:
        row = run.record({KEY: {"release": "other@1.0.0"}, "a": 1}, id="x")
    assert row[KEY]["release"] == "bot@1.0.0"
    assert lines(tmp_path / "o.jsonl") == [row]


def test_a_folder_is_no_place_for_outputs(bot: TakenRelease, tmp_path: Path) -> None:
    with pytest.raises(Conflict) as caught:
        bot.run("nightly", output=tmp_path)
    assert caught.value.code == "target-exists"


def test_a_key_that_cannot_be_used_is_told_before_the_work_begins(
    bot: TakenRelease, released: Bots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(tmp_path / "absent"))
    with pytest.raises(AssayError) as caught:
        bot.run("nightly", output=tmp_path / "o.jsonl")
    assert caught.value.code == "signing-key-missing"


def test_without_its_record_an_output_does_not_appear(
    bot: TakenRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the agent that holds the key has gone, or the disk is full."""
    out = tmp_path / "o.jsonl"
    run = bot.run("nightly", output=out)
    run.record(1, id=1)
    monkeypatch.setattr(run, "_seal", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        run.close()
    assert not out.exists()
    assert len(lines(tmp_path / "o.jsonl.partial")) == 1
    assert not (tmp_path / BESIDE).exists()


# -- many ---------------------------------------------------------------------------------

SCRIPT = """\
import assay, sys
bot = assay.release("bot", channel="prod", repo="hub.git")
with bot.run("nightly", output=sys.argv[1]) as run:
    for n in range(int(sys.argv[2])):
        run.record({"n": n}, id=n)
    %s
"""


def start(bots: Bots, out: str, count: int, then: str = "pass") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SCRIPT % then, out, str(count)]
    return subprocess.Popen(command, cwd=bots.base, stderr=subprocess.DEVNULL)


def test_runs_at_once_each_have_their_own_record_in_one_sound_log(released: Bots) -> None:
    running = [start(released, f"out{n}.jsonl", 200) for n in range(4)]
    running += [start(released, "same.jsonl", 200) for _ in range(2)]
    assert [process.wait(120) for process in running] == [0] * 6
    assert {len(lines(released.base / f"out{n}.jsonl")) for n in range(4)} == {200}
    same = lines(released.base / "same.jsonl")
    assert len({row[KEY]["run"] for row in same}) == 1  # one of the two, whole
    (log,) = logs()
    assert verify(str(log)).is_sound
    assert len({entry.body["id"] for entry in read(str(log))}) == 6


def test_a_killed_run_leaves_no_output_and_no_record(released: Bots) -> None:
    then = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert start(released, "out.jsonl", 50, then).wait(120) == -9
    assert not (released.base / "out.jsonl").exists()
    assert not (released.base / BESIDE).exists()
    assert logs() == []
    assert start(released, "out.jsonl", 50).wait(120) == 0
    assert len(lines(released.base / "out.jsonl")) == 50


def test_the_log_shows_an_edit(bot: TakenRelease) -> None:
    for n in range(3):
        with bot.run("nightly") as run:
            run.record(n, id=n)
    (log,) = logs()
    assert [entry.body["outputs"] for entry in read(str(log))] == [1, 1, 1]
    assert read(str(log))[-1].body["id"] == run.id
    log.write_bytes(log.read_bytes().replace(b'"outputs":1', b'"outputs":2', 1))
    assert not verify(str(log)).is_sound


@pytest.mark.slow
def test_a_hundred_thousand_outputs_take_seconds_and_little_memory(
    bot: TakenRelease, tmp_path: Path
) -> None:
    out = tmp_path / "o.jsonl"
    with bot.run("warm", output=out) as run:
        run.record({"intent": "timer"}, id=0)
    before, began = _peak(), time.perf_counter()
    with bot.run("nightly", output=out) as run:
        for n in range(100_000):
            run.record({"intent": "timer", "score": n / 7}, id=n, input=f"line {n}")
    assert time.perf_counter() - began < 30
    assert _peak() - before < 64 << 20
    with out.open("rb") as file:
        assert sum(1 for _ in file) == 100_000
    assert record_of(out, run.id)["outputs"]["count"] == 100_000


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_records_are_named_after_their_runs_alone(bot: TakenRelease, tmp_path: Path) -> None:
    with bot.run("../../x/$(touch y)", output=tmp_path / "o.jsonl") as run:
        run.record(1, id="../../z")
    assert sorted(read_tree(tmp_path / BESIDE)) == [
        f"{run.id}.json".encode(),
        f"{run.id}.leaves".encode(),
    ]
