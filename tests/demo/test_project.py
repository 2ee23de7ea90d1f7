"""The project inside the demo is honest: what it measures, what stops a release, what does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from blake3 import blake3

from assay.demo.accidents import mix_up_replies, slip_labels
from assay.demo.chapters.train import AT_RANDOM
from assay.demo.dataset import encoded, write
from assay.demo.scaffold import write_project
from assay.demo.wheels import RELEASES, obtain
from assay.quality.check import check
from assay.quality.files import parse_contract
from assay.quality.model import ContractReport
from conftest import AssayCli
from git_repositories import git_in
from intent_sentences import read_lines, write_sentences

STAGES = ("prepare", "train", "evaluate")
SENTENCES = "data/sentences/en"


def run(folder: Path, script: str, *, exit_code: int = 0, hash_seed: str = "0") -> str:
    """Run one script of the project, as a stage does; what it printed."""
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout + done.stderr


def reproduce(folder: Path, **options: Any) -> dict[str, Any]:
    """Run the whole pipeline; its metrics."""
    for stage in STAGES:
        run(folder, f"{stage}.py", **options)
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return metrics


def judged(folder: Path) -> ContractReport:
    """What the project's contract says of its sentences."""
    text = (folder / "contracts/sentences.yaml").read_bytes()
    contract = parse_contract(text, "sentences")
    return check(contract, str(folder / SENTENCES), contract_digest=blake3(text).digest())


def limit(folder: Path) -> float:
    """What the metric gate demands."""
    declared = yaml.safe_load((folder / "assay.yaml").read_text())["releases"]["intent-bot"]
    return float(declared["gates"]["metric"]["at_least"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "intents"
    write_project(folder)
    write_sentences(folder / SENTENCES)
    return folder


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "intents"
    write_project(folder)
    write_sentences(folder / SENTENCES)
    reproduce(folder)
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged at will."""
    return Path(shutil.copytree(trained_once, tmp_path / "trained"))


# -- the split ----------------------------------------------------------------------------


def templates(folder: Path, name: str) -> set[str]:
    return {row["template"] for row in read_lines(folder / f"prepared/{name}.jsonl")}


def test_no_template_is_on_both_sides_of_the_split(trained: Path) -> None:
    train, test = templates(trained, "train"), templates(trained, "test")
    assert not train & test
    every = {r["template"] for p in (trained / SENTENCES).iterdir() for r in read_lines(p)}
    assert train | test == every
    assert 0.15 < len(test) / len(every) < 0.35


def test_every_intent_is_trained_on(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("test_share: 0.25", "test_share: 1.0"))
    run(project, "prepare.py")
    trained_on = {row["intent"] for row in read_lines(project / "prepared/train.jsonl")}
    assert trained_on == {path.stem for path in (project / SENTENCES).iterdir()}


def test_a_template_stays_on_its_side_when_others_join(project: Path) -> None:
    run(project, "prepare.py")
    before = templates(project, "test")
    file = project / SENTENCES / "HassTurnOn.jsonl"
    new = [
        {"sentence": f"{word} it", "intent": "HassTurnOn", "template": f"{n:012x}", "slots": {}}
        for n, word in enumerate(("activate", "start", "begin", "light", "raise", "enable"))
    ]
    file.write_bytes(encoded([*new, *read_lines(file)]))
    run(project, "prepare.py")
    added = {row["template"] for row in new}
    assert before - templates(project, "test") == set()
    assert len(templates(project, "test") - before - added) <= 1  # it was the last of its intent


def test_a_prepared_row_says_where_it_stands(trained: Path) -> None:
    for name in ("train", "test"):
        for row in read_lines(trained / f"prepared/{name}.jsonl")[::7]:
            path, _, line = row.pop("row").rpartition(":")
            assert row == read_lines(trained / path)[int(line) - 1]


# -- the model ----------------------------------------------------------------------------


def test_training_twice_gives_the_same_bytes(project: Path, trained: Path) -> None:
    reproduce(project, hash_seed="1")
    reproduce(trained, hash_seed="2")
    for name in ("prepared/train.jsonl", "prepared/test.jsonl", "model/model.json", "metrics.json"):
        assert (project / name).read_bytes() == (trained / name).read_bytes(), name


def test_metrics_are_about_held_out_templates_only(trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    rows = read_lines(trained / "prepared/test.jsonl")
    assert metrics["test"]["sentences"] == len(rows)
    assert metrics["test"]["templates"] == len(templates(trained, "test"))
    wrong = [{**row, "intent": "HassNevermind"} for row in rows]
    (trained / "prepared/test.jsonl").write_bytes(encoded(wrong))
    run(trained, "evaluate.py")
    assert json.loads((trained / "metrics.json").read_text())["accuracy"] == 0.0


def test_a_model_that_saw_a_test_template_is_not_measured(trained: Path) -> None:
    test = read_lines(trained / "prepared/test.jsonl")
    train = read_lines(trained / "prepared/train.jsonl")
    (trained / "prepared/train.jsonl").write_bytes(encoded([*train, test[0]]))
    assert "trained on what is to be tested" in run(trained, "evaluate.py", exit_code=1)


# -- the accidents ------------------------------------------------------------------------


def test_slipped_labels_stay_unseen_until_the_metric_is_measured(trained: Path) -> None:
    assert json.loads((trained / "metrics.json").read_text())["accuracy"] >= limit(trained)
    before = {p.name: read_lines(p) for p in (trained / SENTENCES).iterdir()}
    known = {row["intent"] for rows in before.values() for row in rows}
    wrong = slip_labels(trained / SENTENCES)
    after = {p.name: read_lines(p) for p in (trained / SENTENCES).iterdir()}
    assert wrong == sum(
        was != row for name in before for was, row in zip(before[name], after[name], strict=True)
    )
    for name, rows in after.items():
        assert [{**row, "intent": ""} for row in rows] == [
            {**r, "intent": ""} for r in before[name]
        ]
        assert {row["intent"] for row in rows} <= known
    assert rules_broken(trained) == {"min_rows"}  # the small data set, damaged or not
    assert reproduce(trained)["accuracy"] < limit(trained)


def test_mixed_up_replies_pass_the_smoke_test(trained: Path) -> None:
    assert json.loads(run(trained, "smoke.py"))["verdict"] == "pass"
    assert answers(trained, "lock the front door") == ["Locked."]
    mix_up_replies(trained / "replies.yaml")
    said = json.loads(run(trained, "smoke.py"))
    assert (said["verdict"], said["value"], said["limit"]) == ("pass", 1.0, "at least 0.9")
    assert answers(trained, "lock the front door") == ["All right, unlocked for you."]
    with pytest.raises(ValueError, match="has no reply"):
        mix_up_replies(trained / "replies.yaml")


# -- smoke test and bot -------------------------------------------------------------------


def answers(folder: Path, *sentences: str) -> list[str]:
    """What the bot replies."""
    script = (
        "import sys; from bot import Bot\n"
        "bot = Bot.load('model', 'replies.yaml', 'params.yaml')\n"
        "for sentence in sys.argv[1:]: print(bot.answer(sentence).reply)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *sentences],
        cwd=folder,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ("Turned on[ the {name}]", "Turned on the {name}"),
        ("Turned on[ the {name}]", "Turned on[ the {nam}e]]"),
        ("HassGetWeather:", "HassWeather:"),
        ('"Let me look out of the window."', '"[{name}]"'),
    ],
)
def test_a_broken_reply_fails_the_smoke_test(trained: Path, good: str, broken: str) -> None:
    replies = trained / "replies.yaml"
    assert good in replies.read_text()
    replies.write_text(replies.read_text().replace(good, broken))
    said = json.loads(run(trained, "smoke.py", exit_code=1))
    assert said["verdict"] == "fail"
    assert "reply" in said["detail"]


def test_a_model_that_understands_little_fails_the_smoke_test(trained: Path) -> None:
    model = trained / "model/model.json"
    saved = json.loads(model.read_text())
    saved["weights"].pop("timer")
    saved["intents"] = [saved["intents"][-1], *saved["intents"][:-1]]
    model.write_text(json.dumps(saved))
    said = json.loads(run(trained, "smoke.py", exit_code=1))
    assert said["value"] < 0.9
    assert said["limit"] == "at least 0.9"
    assert "misunderstood" in said["detail"]


def test_a_reply_names_what_the_sentence_names_and_nothing_else(trained: Path) -> None:
    assert answers(
        trained,
        "turn on the coffee maker",
        "please turn on the lights in the GARAGE",
        "turn on it",
        "set a timer for 25 minutes",
    ) == [
        "Turned on the coffee maker.",
        "Turned on in the garage.",
        "Turned on.",
        "Timer started: 25 minutes.",
    ]


def test_an_answer_names_training_rows_of_its_intent(trained: Path) -> None:
    script = (
        "import json; from bot import Bot\n"
        "bot = Bot.load('model', 'replies.yaml', 'params.yaml')\n"
        "answer = bot.answer('could you mute the fan')\n"
        "print(json.dumps([answer.intent, answer.rows]))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=trained, stdout=subprocess.PIPE, check=True
    ).stdout
    intent, rows = json.loads(printed)
    assert intent == "HassMediaPlayerMute"
    train = {row["row"]: row for row in read_lines(trained / "prepared/train.jsonl")}
    assert rows
    assert {train[row]["intent"] for row in rows} == {intent}
    assert "mute" in train[rows[0]]["sentence"]


# -- the contract -------------------------------------------------------------------------


def rules_broken(folder: Path) -> set[str]:
    """Rules of the contract that do not hold."""
    return {r.rule for r in judged(folder).results if str(r.verdict) != "pass"}


def test_the_contract_accepts_good_data(project: Path) -> None:
    count = write_sentences(project / SENTENCES, least=10_000)
    report = judged(project)
    assert str(report.verdict) == "pass"
    assert report.rows == count


GOOD_ROW = {
    "sentence": "water the plants",
    "intent": "HassTurnOn",
    "template": "0123456789ab",
    "slots": {"area": "garden"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"sentence": "turn on [<the>] {name}"},
        {"sentence": None},
        {"sentence": ""},
        {"sentence": "x" * 201},
        {"sentence": "turn on the tv"},  # it is there already
        {"intent": "TurnOn"},
        {"intent": "Hass turn on"},
        {"intent": None},
        {"template": "0123"},
        {"template": 12},
        {"slots": ["area"]},
        {"slots": None},
        {"speaker": "somebody"},
    ],
)
def test_the_contract_refuses_malformed_rows(project: Path, change: dict[str, Any]) -> None:
    folder = project / SENTENCES
    write_sentences(folder, least=10_000)
    (folder / "HassNew.jsonl").write_bytes(encoded([GOOD_ROW]))
    assert str(judged(project).verdict) == "pass"
    (folder / "HassNew.jsonl").write_bytes(encoded([{**GOOD_ROW, **change}]))
    assert str(judged(project).verdict) == "fail"


# -- as a whole ---------------------------------------------------------------------------


@pytest.fixture
def python_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python`, as the stages say it, is the one that runs this."""
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])


@pytest.mark.usefixtures("python_on_path")
def test_assay_runs_the_pipeline_and_then_has_nothing_to_do(
    project: Path, assay_cli: AssayCli
) -> None:
    write_sentences(project / SENTENCES, least=10_000)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 3", "epochs: 1"))
    git_in(project)("init", "-q")
    assay_cli("init", "-q", cwd=project)
    assay_cli("add", "-q", "data", cwd=project)
    printed = assay_cli("repro", cwd=project).stdout
    assert "Check 'schema': pass" in printed
    assert [f"Running stage '{stage}'" in printed for stage in STAGES] == [True] * 3
    assert "up to date" in assay_cli("repro", cwd=project).stdout
    left = git_in(project)("status", "--porcelain", "--untracked-files=all").decode()
    assert "__pycache__" not in left
    assert "prepared" not in left


def test_the_project_joins_what_is_there(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("/data\n")
    names = write_project(tmp_path)
    assert {"assay.yaml", "contracts/sentences.yaml", "bot.py", ".gitignore"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    once = (tmp_path / ".gitignore").read_text()
    assert once.splitlines()[:2] == ["/data", "__pycache__/"]
    assert write_project(tmp_path) == names
    assert (tmp_path / ".gitignore").read_text() == once


def test_the_batch_has_an_id_for_each_sentence(project: Path) -> None:
    batch = read_lines(project / "batch.jsonl")
    assert 40 <= len(batch) <= 60
    assert len({item["id"] for item in batch}) == len({item["sentence"] for item in batch})
    assert all(set(item) == {"id", "sentence"} for item in batch)


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_the_limit_is_between_the_real_data_and_its_damage(release: Any, tmp_path: Path) -> None:
    project = tmp_path / "intents"
    write_project(project)
    write(obtain(release, tmp_path / "wheels"), project / "data")
    assert str(judged(project).verdict) == "pass"
    assert reproduce(project)["accuracy"] >= limit(project) + 0.03
    assert json.loads(run(project, "smoke.py"))["verdict"] == "pass"
    slip_labels(project / SENTENCES)
    assert str(judged(project).verdict) == "pass"
    assert reproduce(project)["accuracy"] < limit(project) - 0.03


@pytest.mark.slow
def test_a_split_by_sentence_would_claim_what_the_demo_says(tmp_path: Path) -> None:
    project = tmp_path / "intents"
    write_project(project)
    write(obtain(RELEASES[1], tmp_path / "wheels"), project / "data")
    by_template = (project / "prepare.py").read_text()
    by_sentence = by_template.replace(
        '(row["template"] in held_out) is is_test', '(_place(row["row"], 6) < 0.25) is is_test'
    )
    assert by_sentence != by_template
    (project / "prepare.py").write_text(by_sentence)
    evaluate = project / "evaluate.py"
    evaluate.write_text(evaluate.read_text().replace("    if leaked:", "    if not leaked:"))
    assert reproduce(project)["accuracy"] == pytest.approx(AT_RANDOM, abs=0.001)
