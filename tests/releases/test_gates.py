"""Gates: what each kind passes, fails and cannot judge, on the release's bytes and no others."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from assay.core.digest import ObjectKind, object_digest
from bots import PIPELINE, Bots, forged, payload_of, release_ref
from damage import DAMAGES
from projects import overwrite

EXIT_CODES = {"pass": 0, "fail": 7, "inconclusive": 10}


def with_gates(bots: Bots, *gates: str, metrics: str | None = None) -> None:
    """Declare these gates instead, run the pipeline, and release."""
    begin = PIPELINE.split("    gates:\n", maxsplit=1)[0]
    text = begin + "    gates:\n" + "".join(f"      {gate}\n" for gate in gates)
    if metrics is not None:
        text = text.replace("""echo '{"accuracy":0.93}' > metrics.json""", "cp said metrics.json")
        bots.project.write({"said": metrics})
    bots.project.write({"assay.yaml": text + "    channels:\n      prod: {}\n"})
    bots.commit("gates")
    bots.assay("release", "create", "bot", "1.0.0")


def judged(bots: Bots, verdict: str, *gates: str) -> dict[str, Any]:
    """Run one gate, which must come to a verdict; its result, as it is recorded too."""
    done = bots.assay("gate", "run", "bot@1.0.0", *gates, "--json", exit_code=EXIT_CODES[verdict])
    said: dict[str, Any] = done.json()["results"][-1]
    assert said["verdict"] == verdict, said
    files = bots.hub.files(release_ref("1.0.0"))
    newest = max(name for name in files if name.startswith(f"gates/{said['gate']}/"))
    assert payload_of(files[newest])["predicate"]["verdict"] == verdict
    return said


# -- command ------------------------------------------------------------------------------

COMMANDS = [
    ("true", "pass", ""),
    ("exit 1", "fail", "exit code 1"),
    ("echo the reason; exit 1", "fail", "the reason"),
    ("exit 2", "inconclusive", "exit code 2"),
    ("kill -9 $$", "inconclusive", "signal 9"),
    ("no-such-program-at-all", "inconclusive", "exit code 127"),
    ("""echo '{"verdict": "pass", "value": 3}'""", "pass", ""),
    ("""echo '{"verdict": "fail", "detail": "too slow"}'""", "fail", "too slow"),
    ("""echo '{"verdict": "fail", "detail": "too slow"}'; exit 1""", "fail", "too slow"),
    ("""echo '{"verdict": "inconclusive", "detail": "no network"}'""", "inconclusive", "no net"),
    ("""echo '{"verdict": "pass"}'; exit 1""", "inconclusive", "said pass but ended with"),
    ("""echo '{"verdict": "pass"}'; exit 3""", "inconclusive", "said pass but ended with"),
    ("""echo '{"verdict": "pass"}'; kill -9 $$""", "inconclusive", "said pass but ended with"),
    ("""echo '{"verdict": "fail"}'; exit 3""", "inconclusive", "said fail but ended with"),
    ("""echo '{"verdict": "PASS"}'; exit 1""", "fail", ""),
    ("""echo '{"verdict": "fail"'; exit 0""", "pass", ""),
    ("""echo '{"verdict": "pass", "value": Infinity, "limit": NaN}'""", "pass", ""),
    ("head -c 3000000 /dev/zero; exit 1", "fail", "exit code 1"),
    ("printf '\\377\\376'; exit 1", "fail", "exit code 1"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "verdict", "detail"), COMMANDS)
def test_a_command_judges_by_its_answer_and_never_against_its_exit_code(
    declared: Bots, command: str, verdict: str, detail: str
) -> None:
    with_gates(declared, f"works: {{command: {json.dumps(command)}}}")
    said = judged(declared, verdict)
    assert detail in said["detail"]


@pytest.mark.parametrize(
    ("command", "most_seconds"),
    [
        ("sleep 60", 6),
        ("exec >&- 2>&-; sleep 60", 6),
        pytest.param("trap '' TERM INT; sleep 60; sleep 60", 25, marks=pytest.mark.slow),
    ],
    ids=["hangs", "hangs with its output closed", "hangs and ignores that it shall end"],
)
def test_a_command_that_hangs_is_ended_and_has_no_verdict(
    declared: Bots, command: str, most_seconds: float
) -> None:
    with_gates(declared, f"works: {{command: {json.dumps(command)}, timeout: 0.5}}")
    before = time.monotonic()
    said = judged(declared, "inconclusive")
    assert time.monotonic() - before < most_seconds
    assert "longer than 0.5 s" in said["detail"]


def test_a_command_that_leaves_a_process_running_is_judged_without_waiting(declared: Bots) -> None:
    with_gates(declared, 'works: {command: "(sleep 20) & exit 0", timeout: 30}')
    before = time.monotonic()
    judged(declared, "pass")
    assert time.monotonic() - before < 15


def test_a_command_sees_the_release_and_its_code_and_not_the_workspace(declared: Bots) -> None:
    seen = declared.base / "seen"
    look = "echo $ASSAY_RELEASE; pwd; cat model.bin code/app.py data/rows.jsonl; ls -A prompts"
    with_gates(declared, f"works: {{command: {json.dumps(f'({look}) > {seen}')}}}")
    model = declared.project.read("model.bin").decode()
    declared.project.write({"code/app.py": "edited\n", "data/rows.jsonl": "edited\n", "new": "x"})
    judged(declared, "pass")
    title, folder, *rest = seen.read_text().splitlines()
    assert title == "bot@1.0.0"
    assert not folder.startswith(str(declared.base))
    assert not Path(folder).exists()
    text = "\n".join(rest)
    assert text.startswith(model)
    assert "print('app')" in text
    assert "edited" not in text
    assert text.endswith("reply.txt\ntool.sh")


def test_what_a_command_writes_does_not_reach_the_workspace_or_the_cache(declared: Bots) -> None:
    write = "echo x > model.bin; echo x > code/app.py; rm -rf data; true"
    with_gates(declared, f"works: {{command: {json.dumps(write)}}}", "integrity: {}")
    judged(declared, "pass", "works")
    judged(declared, "pass", "integrity")
    assert declared.assay("status", "-q", exit_code=0)
    assert declared.project.git("status", "--porcelain") == b""


# -- metric -------------------------------------------------------------------------------

METRICS = [
    ('{"acc": 0.93}', "at_least: 0.9", "pass", 0.93),
    ('{"acc": 0.9}', "at_least: 0.9", "pass", 0.9),
    ('{"acc": 0.8999}', "at_least: 0.9", "fail", 0.8999),
    ('{"acc": 0.93}', "at_most: 0.9", "fail", 0.93),
    ('{"acc": 3}', "at_least: 1, at_most: 3", "pass", 3),
    ('{"acc": 4}', "at_least: 1, at_most: 3", "fail", 4),
    ('{"acc": "0.93"}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": true}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": null}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": NaN}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": Infinity}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": -Infinity}', "at_most: 0.9", "inconclusive", None),
    ('{"acc": 1e999}', "at_least: 0.9", "inconclusive", None),
    ('{"acc": [0.93]}', "at_least: 0.9", "inconclusive", None),
    ('{"other": 0.93}', "at_least: 0.9", "inconclusive", None),
    ("{", "at_least: 0.9", "inconclusive", None),
    ("[0.93]", "at_least: 0.9", "inconclusive", None),
    ("", "at_least: 0.9", "inconclusive", None),
]


@pytest.mark.parametrize(("metrics", "limits", "verdict", "value"), METRICS)
def test_a_metric_is_held_against_its_limits(
    declared: Bots, metrics: str, limits: str, verdict: str, value: object
) -> None:
    gate = f'good: {{metric: "metrics.json:acc", {limits}}}'
    with_gates(declared, gate, metrics=metrics)
    assert judged(declared, verdict)["value"] == value


def test_a_metric_that_was_edited_after_the_run_measures_nothing(declared: Bots) -> None:
    """No release can be made of one; whoever makes its record by hand fails at the gate."""
    declared.assay("release", "create", "bot", "1.0.0")
    declared.project.write({"metrics.json": '{"accuracy":0.99}\n'})
    declared.project.commit("better")
    declared.project.git("push", "-q", "origin", "HEAD")
    done = declared.assay("release", "create", "bot", "1.1.0", "--json", exit_code=4)
    assert done.json()["error"]["code"] == "release-stale"

    def by_hand(statement: dict[str, Any]) -> None:
        commit = declared.project.git("rev-parse", "HEAD").decode()
        statement["predicate"].update(version="1.1.0", commit=commit)

    record = declared.hub.files(release_ref("1.0.0"))["release.json"]
    made = forged(record, by_hand, declared.key("ana"))
    declared.hub.put(release_ref("1.1.0"), {"release.json": made})
    done = declared.assay("gate", "run", "bot@1.1.0", "quality", "--json", exit_code=10)
    assert "edited after the run" in done.json()["results"][0]["detail"]


def test_a_metric_of_a_file_that_nothing_measured_is_what_was_committed(declared: Bots) -> None:
    declared.project.write({"by-hand.yaml": "scores:\n  best: 7\n"})
    with_gates(declared, 'good: {metric: "by-hand.yaml:scores.best", at_least: 5}')
    assert judged(declared, "pass")["value"] == 7


@pytest.mark.parametrize("name", ["absent.json", "prompts", "metrics.txt", "data/rows.jsonl"])
def test_a_metric_of_a_file_that_is_none_has_no_verdict(declared: Bots, name: str) -> None:
    with_gates(declared, f'good: {{metric: "{name}:acc", at_least: 5}}')
    judged(declared, "inconclusive")


# -- contract -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [("min: 1", "pass"), ("min: 9", "fail"), ("max: 2", "fail"), ("min: x", "inconclusive")],
)
def test_a_contract_judges_the_data_of_the_release(declared: Bots, rows: str, verdict: str) -> None:
    contract = (
        f"format: 1\nrows: {{{rows}}}\ncolumns:\n  x: {{type: integer}}\n  y: {{type: string}}\n"
    )
    declared.project.write({"contracts/rows.yaml": contract})
    with_gates(declared, "rows: {contract: rows, on: data/rows.jsonl}")
    # What lies in the workspace now is another matter.
    declared.project.write({"data/rows.jsonl": "{}\n", "contracts/rows.yaml": "format: 1\n"})
    said = judged(declared, verdict)
    assert said["value"] == (None if verdict == "inconclusive" else 8)


@pytest.mark.parametrize(
    "gate",
    [
        "rows: {contract: absent, on: data/rows.jsonl}",
        "rows: {contract: rows, on: data/absent.jsonl}",
        "rows: {contract: rows, on: absent}",
        "rows: {contract: rows, on: ../outside}",
    ],
)
def test_a_contract_or_data_that_is_not_there_has_no_verdict(declared: Bots, gate: str) -> None:
    contract = "format: 1\ncolumns:\n  x: {type: integer}\n"
    declared.project.write({"contracts/rows.yaml": contract})
    with_gates(declared, gate)
    judged(declared, "inconclusive")


# -- integrity ----------------------------------------------------------------------------


def model(bots: Bots) -> bytes:
    """The digest of the model's bytes."""
    return object_digest(ObjectKind.BLOB, bots.project.read("model.bin"))


def cache(bots: Bots) -> Path:
    return bots.project.root / ".assay" / "cache"


def test_integrity_is_that_every_file_has_its_digest(declared: Bots) -> None:
    with_gates(declared, "integrity: {}")
    said = judged(declared, "pass")
    assert (said["value"], said["unit"]) == (6, "files verified")
    assert sorted(said["judged"]) == ["data", "model.bin", "params.yaml", "prompts"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_the_cache_is_healed_from_a_good_remote(declared: Bots, damage: str) -> None:
    with_gates(declared, "integrity: {}")
    DAMAGES[damage](cache(declared), model(declared))
    judged(declared, "pass")
    declared.assay("verify", "-q")


def test_damage_that_nothing_can_heal_fails(declared: Bots) -> None:
    before = set((declared.store / "packs").rglob("*"))
    declared.project.write({"params.yaml": "alpha: 0.9\n"})
    with_gates(declared, "integrity: {}")
    # The new model alone is in what was pushed last.
    (pack,) = (p for p in set((declared.store / "packs").rglob("*")) - before if p.is_file())
    overwrite(pack, lambda data: bytes(byte ^ 0x55 for byte in data))
    DAMAGES["swapped"](cache(declared), model(declared))
    said = judged(declared, "fail")
    assert "model.bin" in said["detail"]


def test_a_remote_that_lacks_a_part_of_the_release_fails(declared: Bots) -> None:
    with_gates(declared, "integrity: {}")
    for folder in ("packs", "index"):
        for path in (declared.store / folder).rglob("*"):
            if path.is_file():
                path.unlink()
    said = judged(declared, "fail")
    assert "remote lacks" in said["detail"]
    assert said["value"] > 0


# -- recording ----------------------------------------------------------------------------


def test_every_verdict_is_recorded_and_the_worst_is_the_exit_code(declared: Bots) -> None:
    gates = ['a: {command: "true"}', 'b: {command: "exit 2"}', 'c: {command: "exit 1"}']
    with_gates(declared, *gates)
    done = declared.assay("gate", "run", "bot@1.0.0", exit_code=7)
    words = [row.split()[0] for row in done.stdout.splitlines()]
    assert words[:3] == ["pass", "inconclusive", "fail"]
    declared.assay("gate", "run", "bot@1.0.0", "a", "b", exit_code=10)
    declared.assay("gate", "run", "bot@1.0.0", "a")
    names = sorted(n for n in declared.hub.files(release_ref("1.0.0")) if n.startswith("gates/"))
    assert names == [
        *("gates/a/000001.json", "gates/a/000002.json", "gates/a/000003.json"),
        *("gates/b/000001.json", "gates/b/000002.json"),
        "gates/c/000001.json",
    ]


def test_gates_of_a_fresh_clone_say_the_same(declared: Bots) -> None:
    with_gates(declared, "integrity: {}", 'works: {command: "test -s model.bin"}')
    other = declared.clone()
    done = other.assay("gate", "run", "bot@1.0.0", "--json")
    assert {r["gate"]: r["verdict"] for r in done.json()["results"]} == {
        "integrity": "pass",
        "works": "pass",
    }
    names = [n for n in declared.hub.files(release_ref("1.0.0")) if n.startswith("gates/")]
    assert len(names) == 2


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("bot@1.0.0", "absent"), "gate-unknown", 3),
        (("bot@2.0.0",), "release-unknown", 3),
        (("bot@prod",), "version-required", 2),
    ],
)
def test_what_cannot_be_judged_is_refused(
    released: Bots, words: tuple[str, ...], code: str, exit_code: int
) -> None:
    done = released.assay("gate", "run", *words, "--json", exit_code=exit_code)
    assert done.json()["error"]["code"] == code


def test_a_release_without_gates_has_none_to_run(declared: Bots) -> None:
    text = PIPELINE.split("    gates:\n", maxsplit=1)[0]
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.assay("release", "create", "bot", "1.0.0")
    done = declared.assay("gate", "run", "bot@1.0.0", "--json", exit_code=2)
    assert done.json()["error"]["code"] == "gate-none"


def test_a_quarantined_release_is_not_judged_again(released: Bots) -> None:
    released.assay("quarantine", "bot@1.0.0", "-m", "wrong")
    done = released.assay("gate", "run", "bot@1.0.0", "--json", exit_code=11)
    assert done.json()["error"]["code"] == "release-quarantined"


def test_a_result_is_signed_by_who_ran_the_gate(
    declared: Bots, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gates(declared, 'works: {command: "true"}')
    monkeypatch.setenv("ASSAY_SIGNING_KEY", os.fspath(declared.key_path("ci")))
    assert judged(declared, "pass")["signed_by"] == "ci"
    monkeypatch.setenv("ASSAY_SIGNING_KEY", os.fspath(declared.key_path("eve")))
    done = declared.assay("gate", "run", "bot@1.0.0", "--json", exit_code=12)
    assert done.json()["error"]["code"] == "not-allowed"


def test_gates_look_at_more_than_the_release_binds_in_a_fresh_clone_too(declared: Bots) -> None:
    """Metrics that the cache keeps, and data that a contract is about."""
    declared.project.write(
        {
            "contracts/rows.yaml": "format: 1\nrows: {min: 2}\ncolumns:\n  a: {type: integer}\n",
            "held/out.jsonl": '{"a": 1}\n{"a": 2}\n',
        }
    )
    declared.assay("add", "-q", "held")
    text = PIPELINE.replace("    - metrics.json: {cache: false}\n", "    - metrics.json\n")
    text = text.replace(
        "      smoke:", "      rows: {contract: rows, on: held/out.jsonl}\n      smoke:"
    )
    declared.project.git("rm", "-q", "--cached", "metrics.json")
    declared.project.write({"assay.yaml": text})
    declared.commit()
    declared.assay("release", "create", "bot", "1.0.0")
    done = declared.clone().assay("gate", "run", "bot@1.0.0", "--json").json()
    assert {r["gate"]: r["verdict"] for r in done["results"]} == dict.fromkeys(
        ("integrity", "quality", "rows", "smoke"), "pass"
    )
