"""Tracing an output of a job: to data and commit when it is genuine, and exit code 5 when not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import assay as api
from assay.jobs.shelf import BESIDE
from assay.jobs.stamp import KEY
from bots import Bots, edited, forged, release_ref, set_field, unsigned
from projects import Outcome, Project, assay

ONE = release_ref("1.0.0")


class Job:
    """A job's folder on another machine, with outputs of a signed run of the bot in it."""

    def __init__(self, bots: Bots, folder: Path) -> None:
        self.bots = bots
        self.folder = folder
        self.out = folder / "out.jsonl"
        bot = api.release("bot", channel="prod", repo=bots.hub.path)
        with bot.run("nightly", output=self.out) as run:
            for n in range(1, 6):
                run.record({"n": n}, id=f"id{n}", input=f"in {n}", rows=[f"data/rows.jsonl:{n}"])
        self.run = run.id

    @property
    def record(self) -> Path:
        return self.folder / BESIDE / f"{self.run}.json"

    @property
    def leaves(self) -> Path:
        return self.folder / BESIDE / f"{self.run}.leaves"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.out.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def forget(self) -> None:
        """Only what lies beside the output is known."""
        shutil.rmtree(Path(os.environ["XDG_STATE_HOME"]) / "assay")

    def trace(self, line: int = 2, *words: str, exit_code: int | None = 0) -> Outcome:
        target = f"{self.out}:{line}"
        given = ("trace", target, "--repo", str(self.bots.hub.path), *words)
        return assay(self.folder, *given, exit_code=exit_code)

    def graph(self, line: int = 2, exit_code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.trace(line, "--json", exit_code=exit_code).json()
        assert found["verified"] == (exit_code == 0)
        return found

    def broken(self, line: int = 2) -> list[str]:
        """Why a trace does not verify: one reason for each node or link."""
        found = self.graph(line, exit_code=5)
        parts = [*found["nodes"], *found["links"]]
        reasons = [part["because"] for part in parts if part["finding"] == "broken"]
        assert reasons
        assert all(reasons)
        return reasons


@pytest.fixture
def job(released: Bots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(released.key_path("ci")))
    folder = tmp_path / "job"
    folder.mkdir()
    return Job(released, folder)


def kinds(graph: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in graph["nodes"]:
        found.setdefault(node["kind"], []).append(node["title"])
    return found


# -- what is genuine ----------------------------------------------------------------------


def test_every_link_of_a_genuine_output_verifies(job: Job) -> None:
    found = job.graph(2)
    assert {part["finding"] for part in [*found["nodes"], *found["links"]]} == {"verified"}
    by = kinds(found)
    assert by["prediction"] == [f"{job.out}:2"]
    assert by["release"] == ["bot@1.0.0"]
    assert by["row"] == ["data/rows.jsonl:2"]
    assert by["job run"] == ["nightly"]
    assert sorted(title.split(":")[0] for title in by["gate"]) == ["integrity", "quality", "smoke"]
    assert {"model.bin", "data", "prompts"} <= {t for titles in by.values() for t in titles}
    assert len(by["commit"]) == 1
    assert by["run"] == ["stage train"]
    row = next(node for node in found["nodes"] if node["kind"] == "row")
    assert row["facts"] == {"x": "2", "y": "row 2"}


def test_a_line_is_found_wherever_it_was_moved(job: Job) -> None:
    rows = job.lines()
    job.write([rows[4], rows[0]])
    assert kinds(job.graph(1))["row"] == ["data/rows.jsonl:5"]
    job.graph(2)


def test_a_line_can_come_from_a_pipe(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    line = job.out.read_text().splitlines()[2]
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    words = ("trace", "-", "--repo", str(job.bots.hub.path), "--json")
    found = assay(job.folder, *words, "--runs", BESIDE).json()
    assert kinds(found)["row"] == ["data/rows.jsonl:3"]


def test_of_another_machine_only_the_folder_and_the_repository_are_needed(job: Job) -> None:
    job.forget()
    job.graph(2)
    moved = job.folder.rename(job.folder.with_name("moved"))
    words = ("trace", str(moved / "out.jsonl") + ":1", "--repo", str(job.bots.hub.path))
    assay(moved.parent, *words)


def test_a_record_that_lies_elsewhere_is_found_where_it_is_said_to_be(job: Job) -> None:
    job.forget()
    elsewhere = job.folder / "archive"
    (job.folder / BESIDE).rename(elsewhere)
    assert "no record of run" in " ".join(job.broken())
    job.trace(2, "--runs", str(elsewhere))


def test_where_it_was_taken_from_is_known_to_who_took_it(job: Job) -> None:
    assay(job.folder, "trace", f"{job.out}:2")
    job.forget()
    done = assay(job.folder, "trace", f"{job.out}:2", "--json", exit_code=3)
    assert done.json()["error"]["code"] == "repository-unknown"


def test_inside_another_project_the_release_is_looked_for_where_it_was_taken(
    job: Job, tmp_path: Path
) -> None:
    project = Project(tmp_path / "another")
    project.root.mkdir()
    project.git("init", "-q")
    project.assay("init", "-q")
    assert project.assay("trace", f"{job.out}:2", "--json").json()["verified"]
    project.assay("trace", f"{job.out}:2", "--repo", ".", exit_code=3)


def test_a_record_cannot_send_anybody_to_an_address(job: Job, tmp_path: Path) -> None:
    asked = tmp_path / "asked.git"
    change = set_field("predicate", "address", to=str(asked))
    record = forged(job.record.read_bytes(), change, job.bots.key("ci"))
    job.record.write_bytes(record)
    done = assay(job.folder, "trace", f"{job.out}:2", "--json", exit_code=3)
    assert done.json()["error"]["code"] == "repository-unknown"


def test_a_quarantined_release_can_still_be_traced_and_says_so(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(job.bots.key_path("ana")))
    job.bots.assay("quarantine", "bot@1.0.0", "-m", "lies about doors")
    found = job.graph(2)
    release = next(node for node in found["nodes"] if node["kind"] == "release")
    assert release["facts"]["QUARANTINED"] == "lies about doors"


def test_text_and_picture_say_the_same(job: Job) -> None:
    picture = job.folder / "trace.html"
    text = job.trace(2, "--html", str(picture)).stdout
    html = picture.read_text()
    for word in ("bot@1.0.0", "nightly", "model.bin", "data/rows.jsonl:2", "stage train"):
        assert word in text
        assert word in html
    assert html.startswith("<!DOCTYPE html>") or html.lower().startswith("<!doctype html>")
    for outside in ("http://", "https://", "src=", "@import", "<script src"):
        assert outside not in html.replace("http://www.w3.org", "")


def test_what_an_output_says_of_itself_is_text_in_the_picture(job: Job) -> None:
    bot = api.release("bot", channel="prod", repo=job.bots.hub.path)
    evil = "<script>alert(1)</script>\x1b[31m"
    with bot.run(evil.replace("\x1b", "ESC"), output=job.out) as run:
        run.record({"text": evil}, id=evil)
    picture = job.folder / "trace.html"
    text = job.trace(1, "--html", str(picture)).stdout
    assert "<script>alert" not in picture.read_text()
    assert "\x1b[31m" not in text


# -- what is not --------------------------------------------------------------------------

CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a value": set_field("n", to=99),
    "a value of another kind": set_field("n", to=2.0),
    "a field more": set_field("more", to=1),
    "the id": set_field("id", to="other"),
    "the id in the stamp": set_field(KEY, "id", to="other"),
    "the number": set_field(KEY, "seq", to=3),
    "a number beyond": set_field(KEY, "seq", to=10**9),
    "the input": set_field(KEY, "input", to="blake3:" + "0" * 64),
    "the rows": set_field(KEY, "rows", to=["data/rows.jsonl:7"]),
    "the digest": set_field(KEY, "digest", to="0" * 64),
    "a field more in the stamp": set_field(KEY, "more", to=1),
    "a field less": lambda row: row.pop("n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_line_or_stamp_does_not_verify(job: Job, change: str) -> None:
    rows = job.lines()
    CHANGES[change](rows[1])
    job.write(rows)
    assert any("was changed" in reason for reason in job.broken(2))
    job.graph(1)


def test_a_line_that_says_two_things_at_once_does_not_verify(job: Job) -> None:
    """A key that stands twice: readers differ about which one counts."""
    lines = job.out.read_text().splitlines()
    job.out.write_text(lines[0].replace('{"id"', '{"n":99,"id"', 1) + "\n")
    done = job.trace(1, "--json", exit_code=5)
    assert done.json()["error"]["code"] in ("stamp-invalid", "output-unstamped")


def test_a_line_that_was_added_does_not_verify(job: Job) -> None:
    rows = job.lines()
    stamp = {**rows[0][KEY], "seq": 5, "id": "new"}
    job.write([*rows, {"id": "new", "n": 6, KEY: stamp}])
    assert any("was changed" in reason for reason in job.broken(6))


@pytest.mark.parametrize("text", ["not json", '{"n": 1}', "[]", "", '{"_assay": 1}'])
def test_a_line_without_a_stamp_is_refused(job: Job, text: str) -> None:
    job.out.write_text(text + "\n")
    error = job.trace(1, "--json", exit_code=5).json()["error"]
    assert error["code"] in ("output-unstamped", "stamp-invalid")
    assert "out.jsonl:1" in error["what"]


def test_a_line_or_file_that_is_not_there_is_called_so(job: Job) -> None:
    assert job.trace(99, "--json", exit_code=3).json()["error"]["code"] == "line-missing"
    words = ("--repo", str(job.bots.hub.path), "--json")
    assay(job.folder, "trace", "absent.jsonl:1", *words, exit_code=None)


RELEASES = ["bot@9.9.9", "bat@1.0.0", "bot@prod", "bot", "", "../x@1.0.0", "bot@1.0.0\n", "x" * 999]


@pytest.mark.parametrize("name", RELEASES)
def test_a_stamp_that_names_another_release_does_not_verify(job: Job, name: str) -> None:
    rows = job.lines()
    rows[1][KEY]["release"] = name
    job.write(rows)
    error = job.trace(2, "--json", exit_code=None)
    assert error.exit_code in (3, 5)
    code = error.json()["error"]["code"]
    assert code in ("release-unknown", "stamp-invalid")


RUNS = ["../../etc/passwd", "/etc/passwd", "..", "", "x", "20260101T000000-0123456789abcdef"]
RUNS += ["20260101T000000-0123456789abcdeF", "a\0b", "x" * 5000]


@pytest.mark.parametrize("run", RUNS)
def test_a_run_that_climbs_out_of_its_folder_is_not_looked_for(job: Job, run: str) -> None:
    rows = job.lines()
    rows[1][KEY]["run"] = run
    job.write(rows)
    (job.folder / "x.json").write_bytes(job.record.read_bytes())
    assert any("no record of run" in reason for reason in job.broken(2))


def test_without_its_record_an_output_cannot_be_checked(job: Job) -> None:
    job.forget()
    job.record.unlink()
    assert any("no record of run" in reason for reason in job.broken())


def test_without_its_leaves_an_output_cannot_be_checked(job: Job) -> None:
    job.leaves.unlink()
    assert job.broken()


def test_leaves_that_were_added_or_cut_do_not_verify(job: Job) -> None:
    good = job.leaves.read_bytes()
    for data in (good + bytes(32), good[:-32], good[:40], good[32:64] + good[:32] + good[64:]):
        job.leaves.write_bytes(data)
        assert any("list of outputs" in reason for reason in job.broken(2))


def test_an_edited_record_does_not_verify(job: Job) -> None:
    good = job.record.read_bytes()
    for field, value in (("job", "other"), ("outcome", "failed"), ("started", "1999"), ("new", 1)):
        job.record.write_bytes(edited(good, set_field("predicate", field, to=value)))
        assert any("changed after" in reason for reason in job.broken(2))
    job.record.write_bytes(good)
    job.graph(2)


def test_a_record_for_another_release_does_not_verify(job: Job) -> None:
    good = job.record.read_bytes()
    change = set_field("predicate", "release", "digest", to="0" * 64)
    for signer in (job.bots.key("ci"), None):
        job.record.write_bytes(forged(good, change, signer))
        assert any("another release" in reason for reason in job.broken(2))


def test_a_record_by_somebody_who_may_not_sign_runs_does_not_verify(job: Job) -> None:
    good = job.record.read_bytes()
    for name in ("eve",):
        job.record.write_bytes(forged(good, lambda _: None, job.bots.key(name)))
        assert any("nobody's" in reason for reason in job.broken(2))


def test_a_record_by_a_key_that_was_revoked_since_does_not_verify(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    ci = job.bots.key("ci").key.fingerprint
    monkeypatch.setenv("ASSAY_SIGNING_KEY", str(job.bots.key_path("ana")))
    job.bots.change_policy(lambda text: text.replace("revoked: []", f"revoked: ['{ci}']"))
    assert any("revoked" in reason for reason in job.broken(2))


def test_a_record_without_a_signature_says_that_nobody_vouches(job: Job) -> None:
    job.record.write_bytes(unsigned(job.record.read_bytes()))
    found = job.graph(2)
    run = next(node for node in found["nodes"] if node["kind"] == "job run")
    assert (run["finding"], run["because"]) == ("unsigned", "nobody vouches for it")
    assert "nobody vouches" in job.trace(2).stdout or "nsigned" in job.trace(2).stdout


@pytest.mark.parametrize("data", [b"", b"{}", b"\0\xff", b"[" * 99999, b'{"payloadType": 1}'])
def test_a_record_that_cannot_be_read_is_refused(job: Job, data: bytes) -> None:
    job.record.write_bytes(data)
    error = job.trace(2, "--json", exit_code=5).json()["error"]
    assert error["code"] == "attestation-invalid"


def test_a_record_of_the_future_is_refused_as_such(job: Job) -> None:
    change = set_field("predicateType", to="urn:assay:job-run:2")
    job.record.write_bytes(forged(job.record.read_bytes(), change, job.bots.key("ci")))
    error = job.trace(2, "--json", exit_code=12).json()["error"]
    assert error["code"] == "attestation-newer-format"


def test_a_release_record_that_was_replaced_since_does_not_verify(job: Job) -> None:
    mine = job.bots.hub.files(ONE)["release.json"]
    other = forged(mine, set_field("predicate", "message", to="x"), job.bots.key("ana"))
    job.bots.hub.edit(ONE, {"release.json": other})
    assert any("another digest" in reason for reason in job.broken(2))


def test_a_moved_tag_shows(job: Job) -> None:
    job.bots.hub.git("tag", "-f", "bot@v1.0.0", "main~1")
    assert any("was moved" in reason for reason in job.broken(2))


def test_another_policy_than_the_one_that_was_seen_is_refused(job: Job) -> None:
    job.bots.hub.delete("refs/assay/policy")
    error = job.trace(2, "--json", exit_code=12).json()["error"]
    assert error["code"] == "policy-vanished"


def test_a_row_beyond_the_data_does_not_verify(job: Job) -> None:
    bot = api.release("bot", channel="prod", repo=job.bots.hub.path)
    with bot.run("nightly", output=job.out) as run:
        run.record(1, id=1, rows=["data/rows.jsonl:999", "data/absent.txt:1"])
    reasons = " ".join(job.broken(1))
    assert "no line 999" in reasons
    assert "no file data/absent.txt" in reasons


def test_an_output_has_nothing_below_it(job: Job) -> None:
    done = job.trace(1, "--down", "--json", exit_code=2)
    assert done.json()["error"]["code"] == "trace-down-output"
