"""The demo tells its whole story on real data; after the first time it needs no network."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.demo.wheels import RELEASES, obtain
from conftest import AssayCli
from isolation import isolate

NO_NETWORK = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
# What a terminal shows and what `--json` prints, of one run.
SCRIPT = """
import json, sys
from pathlib import Path
from assay.cli.console import Console
from assay.demo.run import run_demo
report = run_demo(Console(sys.stdout, sys.stderr), "a story")
Path("report.json").write_text(json.dumps(report.as_dict()))
"""
SETTINGS = "[cache]\ndir = '/nowhere/shared'\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One run of the demo, in a folder with a blank in its name."""

    base: Path

    @property
    def folder(self) -> Path:
        return self.base / "a story"

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def report(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.base / "report.json").read_text())
        return value

    @property
    def lines(self) -> list[str]:
        return (self.base / "stdout").read_text(encoding="utf-8").splitlines()

    @property
    def commands(self) -> list[str]:
        steps = [step for chapter in self.report["chapters"] for step in chapter["steps"]]
        return [step["command"] for step in steps if "command" in step]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The only run of it: whichever process comes first makes it, the others wait."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "told.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = Told(base=shared / "told")
        if not told.base.exists():
            with pytest.MonkeyPatch.context() as patch:
                told.home.mkdir(parents=True)
                isolate(told.home, patch)
                tell(told)
    return told


def tell(told: Told) -> None:
    """Run the demo without a network, for somebody who has settings."""
    for release in RELEASES:
        obtain(release, told.home / "cache/assay/demo")
    (told.home / "config/assay").mkdir(parents=True)
    (told.home / "config/assay/config.toml").write_text(SETTINGS)
    before = [str(path) for path in sorted(told.home.rglob("*"))]
    (told.base / "before.json").write_text(json.dumps(before))
    with (told.base / "stdout").open("wb") as stdout, (told.base / "stderr").open("wb") as stderr:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=told.base,
            env={**os.environ, **NO_NETWORK},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            timeout=280,
            check=False,
        )
    assert done.returncode == 0, (told.base / "stderr").read_text()


@pytest.mark.slow
def test_the_whole_story_is_told_without_a_network(told: Told) -> None:
    assert told.report["offline"] is True
    assert told.report["checks_passed"] >= 30
    assert told.report["folder"] == str(told.folder)
    data = ("init", "add data", "status", "diff", "push", "pull", "checkout", "verify --cache")
    spine = ("repro", "policy init", "release create", "gate run", "promote", "quarantine")
    for verb in (*data, *spine, "rollback", "trace predictions.jsonl:17", "trace forged.jsonl:17"):
        assert any(command.startswith(f"assay {verb}") for command in told.commands), verb


@pytest.mark.slow
def test_refusals_end_with_the_documented_exit_codes(told: Told) -> None:
    steps = [step for chapter in told.report["chapters"] for step in chapter["steps"]]
    ended = [(step.get("command", ""), step["exit_code"]) for step in steps if step["exit_code"]]
    assert [(" ".join(command.split()[:3]), code) for command, code in ended] == [
        ("assay verify --cache", 5),
        ("assay checkout", 5),
        ("assay promote intent-bot@1.0.0", 10),
        ("assay gate run", 7),
        ("assay promote intent-bot@1.1.0", 7),
        ("python classify.py --repo", 11),
        ("assay trace forged.jsonl:17", 5),
    ]


@pytest.mark.slow
def test_it_is_readable_where_there_is_no_terminal(told: Told) -> None:
    assert max(len(line) for line in told.lines if str(told.folder) not in line) <= 100
    assert not any(sign in line for line in told.lines for sign in ("\x1b", "\r"))
    assert any(re.search(r"\d+ claims were checked, and all of them hold", x) for x in told.lines)
    assert (told.base / "stderr").read_text() == ""
    table = told.lines[told.lines.index("  What it took") :]
    assert len(table) < len(told.report["chapters"]) + 12


@pytest.mark.slow
def test_every_command_is_one_that_anybody_can_type(told: Told) -> None:
    programs = {command.split()[0] for command in told.commands}
    assert programs == {"assay", "git", "python", "sed", "cat", "mkdir", "mv"}
    assert not [command for command in told.commands if "--color" in command]


@pytest.mark.slow
def test_what_the_user_has_is_neither_used_nor_changed(told: Told) -> None:
    before = json.loads((told.base / "before.json").read_text())
    assert [str(path) for path in sorted(told.home.rglob("*"))] == before
    assert (told.home / "config/assay/config.toml").read_text() == SETTINGS


@pytest.mark.slow
def test_the_data_is_the_same_on_every_machine(told: Told) -> None:
    count = 0
    for path in told.folder.glob("intents/data/sentences/*/*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert set(row) == {"sentence", "intent", "template", "slots"}
            assert row["intent"] == path.stem
            assert not set("{}<>[]|") & set(row["sentence"])
            count += 1
    assert count > 50_000
    pointer = (told.folder / "intents/data.assay").read_text()
    assert "6b8458446fe7f893d8ae79782def11a451c643fe14ce68d573ee56304bc40a1b.dir" in pointer


@pytest.mark.slow
def test_the_answers_can_be_traced_by_anybody_afterwards(told: Told, assay_cli: AssayCli) -> None:
    production = told.folder / "production"
    options = ("--repo", "../hub.git", "--json")
    good = assay_cli("trace", "predictions.jsonl:17", *options, cwd=production)
    assert good.json()["verified"] is True
    forged = assay_cli("trace", "forged.jsonl:17", *options, cwd=production, exit_code=5)
    assert forged.json()["verified"] is False


def test_without_the_extra_it_says_how_to_install_it() -> None:
    hidden = "import sys; sys.modules['hassil'] = None; from assay.cli.main import main"
    done = subprocess.run(
        [sys.executable, "-c", f"{hidden}; sys.exit(main(['demo', '--json']))"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 9
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "extra-missing"
    assert "pip install 'assay[demo]'" in error["fix"]


def test_without_data_and_network_it_can_be_tried_again(
    assay_cli: AssayCli, tmp_path: Path, home: Path
) -> None:
    kept = home / "cache" / "assay" / "demo" / RELEASES[0].file_name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"cut short")  # not good, so not used
    done = assay_cli("demo", "--json", "new", exit_code=75, env=NO_NETWORK)
    assert done.json()["error"]["code"] == "demo-data-unreachable"
    assert str(kept.parent) in done.json()["error"]["fix"]
    assert not (tmp_path / "new").exists()


def test_another_wheel_under_the_right_name_is_refused(
    assay_cli: AssayCli, tmp_path: Path, home: Path
) -> None:
    write_wheel(tmp_path / "index" / RELEASES[0].file_name, RELEASES[0].version)
    served = NO_NETWORK | {"PIP_FIND_LINKS": str(tmp_path / "index")}
    done = assay_cli("demo", "--json", "new", exit_code=5, env=served)
    assert done.json()["error"]["code"] == "demo-data-wrong"
    assert os.listdir(home / "cache" / "assay" / "demo") == []


def write_wheel(path: Path, version: str) -> None:
    """A wheel that pip takes for the release's."""
    folder = f"home_assistant_intents-{version}.dist-info"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: home-assistant-intents\nVersion: {version}\n"
        archive.writestr(f"{folder}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{folder}/WHEEL", tags)
        archive.writestr(f"{folder}/RECORD", "")
