"""The demo tells its whole story on real data; after the first time it needs no network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from assay.demo.wheels import RELEASES
from conftest import AssayCli, Completed

NO_NETWORK = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}


def checked_rows(folder: Path) -> int:
    """How many rows of sentences there are, each one complete."""
    count = 0
    for path in folder.glob("intents/data/sentences/*/*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert set(row) == {"sentence", "intent", "template", "slots"}
            assert row["intent"] == path.stem
            assert not set("{}<>[]|") & set(row["sentence"])
            count += 1
    return count


@pytest.mark.slow
def test_the_whole_story_is_told_with_and_without_a_network(
    assay_cli: AssayCli, tmp_path: Path, home: Path
) -> None:
    first = assay_cli("demo", "--json", "first", timeout_seconds=200)
    told = first.json()
    assert told["offline"] is False
    assert told["checks_passed"] >= 15
    assert told["folder"] == str(tmp_path / "first")
    commands = [step.get("command", "") for c in told["chapters"] for step in c["steps"]]
    for verb in ("init", "add", "status", "diff", "push", "pull", "checkout", "verify"):
        assert any(command.startswith(f"assay {verb}") for command in commands), verb
    assert checked_rows(tmp_path / "first") > 50_000

    # What the user has set up must neither be used nor damaged.
    settings = home / "config" / "assay" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[cache]\ndir = "{home / "shared"}"\n')
    second = assay_cli("demo", "second", env=NO_NETWORK, timeout_seconds=200)
    assert "no network used" in second.stdout
    assert not (home / "shared").exists()
    assert_readable(second, tmp_path)
    names = ("first", "second")
    manifests = [(tmp_path / name / "intents/data.assay").read_bytes() for name in names]
    assert manifests[0] == manifests[1]


def assert_readable(done: Completed, folder: Path) -> None:
    """Narrow, without colour or cursor movements where there is no terminal."""
    lines = done.stdout.replace(str(folder), "").splitlines()
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert re.search(r"\d+ claims were checked, and all of them hold", done.stdout)
    assert done.stderr == ""


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


def test_a_folder_that_holds_anything_is_left_alone(assay_cli: AssayCli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("draft")
    done = assay_cli("demo", "--json", "mine", exit_code=4)
    assert done.json()["error"]["code"] == "demo-folder-in-use"
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


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
