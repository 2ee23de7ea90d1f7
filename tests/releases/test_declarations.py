"""The `releases:` section: what it declares, and every mistake by file, line and key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.yaml_reader import read_mapping
from assay.errors import InvalidInput
from assay.releases.declared import Declaration
from assay.releases.files import read_declarations
from bots import Bots
from projects import Project, new_project

TEXT = """\
releases:
  bot:
    desc: answers
    artifacts:
      data: data
      prompts: [a.txt, b.txt]
    gates:
      integrity: {}
      good: {metric: "m.json:acc", at_least: 0.9}
      rows: {contract: rows, on: data}
      works: {command: "true", timeout: 5}
    channels:
      staging: {requires: [integrity], protected: false}
      prod: {}
"""


def read(text: str, path: bytes = b"assay.yaml") -> dict[str, Declaration]:
    data = text.encode()
    return read_declarations(read_mapping(data).get("releases"), path=path, data=data)


def test_it_declares_artifacts_gates_and_channels() -> None:
    bot = read(TEXT)["bot"]
    assert [(a.role, a.path) for a in bot.artifacts] == [
        ("data", b"data"),
        ("prompts", b"a.txt"),
        ("prompts", b"b.txt"),
    ]
    assert {name: gate.kind for name, gate in bot.gates.items()} == {
        "integrity": "integrity",
        "good": "metric",
        "rows": "contract",
        "works": "command",
    }
    assert not bot.channels["staging"].is_protected
    assert bot.channels["staging"].requires == ("integrity",)


def test_a_channel_is_protected_and_demands_everything_unless_it_says_otherwise() -> None:
    prod = read(TEXT)["bot"].channels["prod"]
    assert prod.is_protected
    assert prod.requires == ("integrity", "good", "rows", "works")


def test_paths_count_from_the_folder_of_the_file() -> None:
    bot = read(TEXT, path=b"teams/one/assay.yaml")["bot"]
    assert bot.artifacts[0].path == b"teams/one/data"
    above = read(TEXT.replace("data: data", "data: ../shared"), path=b"teams/one/assay.yaml")
    assert above["bot"].artifacts[0].path == b"teams/shared"


def test_a_gate_is_another_when_its_question_is() -> None:
    def digest(old: str = "", new: str = "") -> str:
        return read(TEXT.replace(old, new))["bot"].gates["good"].digest

    assert digest() == digest("answers", "replies")
    assert digest() == digest("good: {metric", "good: {desc: what, metric")
    others = {
        digest("0.9", "0.8"),
        digest("m.json:acc", "m.json:f1"),
        digest("at_least", "at_most"),
    }
    assert digest() not in others
    assert len(others) == 3


def replaced(old: str, new: str) -> str:
    assert old in TEXT, old
    return TEXT.replace(old, new, 1)


MISTAKES = [
    ("releases: [1]\n", "1: releases: `releases` is not a mapping"),
    ("releases:\n  bot: 1\n", "2: releases.bot: a release is a mapping"),
    (replaced("  bot:", "  b.t:"), "2: releases.b.t: a release's name"),
    (replaced("  bot:", "  ../bot:"), "2: releases.../bot: a release's name"),
    (replaced("desc:", "dsc:"), "3: releases.bot.dsc: the key 'dsc' is not known"),
    ("releases:\n  bot: {}\n", "2: releases.bot.artifacts: `artifacts` is ROLE"),
    ("releases:\n  bot:\n    artifacts: {}\n", "3: releases.bot.artifacts: `artifacts` is"),
    ("releases:\n  bot:\n    artifacts: {data: []}\n", "3: releases.bot.artifacts"),
    (
        replaced("data: data", "da-ta: data"),
        "5: releases.bot.artifacts.da-ta: 'da-ta' is not a role",
    ),
    (
        replaced("data: data", "data: /data"),
        "5: releases.bot.artifacts.data: '/data' is not a path",
    ),
    (replaced("data: data", "data: ../data"), "5: releases.bot.artifacts.data: '../data' is not"),
    (replaced("data: data", "data: .git/config"), "5: releases.bot.artifacts.data"),
    (replaced("data: data", "data: .assay"), "5: releases.bot.artifacts.data"),
    (replaced("data: data", "data: .assay-release/x"), "5: releases.bot.artifacts.data"),
    (replaced("data: data", "data: ''"), "5: releases.bot.artifacts.data"),
    (replaced("data: data", "data: ."), "5: releases.bot.artifacts.data"),
    (replaced("data: data", "data: 5"), "5: releases.bot.artifacts.data"),
    (replaced("[a.txt, b.txt]", "[[a.txt]]"), "6: releases.bot.artifacts.prompts"),
    (replaced("[a.txt, b.txt]", "[data/x]"), "4: releases.bot.artifacts: data/x stands twice"),
    (replaced("[a.txt, b.txt]", "[a.txt, a.txt]"), "4: releases.bot.artifacts: a.txt stands twice"),
    (replaced("    gates:\n", "    gates: 1\n    x-gates:\n"), "7: releases.bot.gates"),
    (replaced("good:", "go/od:"), "9: releases.bot.gates.go/od: a gate's name"),
    (replaced("good:", "'../good':"), "9: releases.bot.gates.../good: a gate's name"),
    (
        replaced('{metric: "m.json:acc", at_least: 0.9}', "x"),
        "9: releases.bot.gates.good: a gate is",
    ),
    (replaced("{metric:", "{mteric:"), "9: releases.bot.gates.good: a gate has exactly one of"),
    (
        replaced("{metric:", "{command: x, metric:"),
        "9: releases.bot.gates.good: a gate has exactly",
    ),
    (replaced("at_least: 0.9", "at_lest: 0.9"), "9: releases.bot.gates.good.at_lest: the key"),
    (replaced("at_least: 0.9", "unit: x"), "9: releases.bot.gates.good: a metric needs"),
    (replaced("at_least: 0.9", "at_least: high"), "9: releases.bot.gates.good.at_least"),
    (replaced("at_least: 0.9", "at_least: true"), "9: releases.bot.gates.good.at_least"),
    (replaced("at_least: 0.9", "at_least: ~"), "9: releases.bot.gates.good.at_least"),
    (replaced("at_least: 0.9", "at_least: .nan"), "9: releases.bot.gates.good.at_least"),
    (replaced("at_least: 0.9", "at_most: .inf"), "9: releases.bot.gates.good.at_most"),
    (replaced("m.json:acc", "m.json"), "9: releases.bot.gates.good.metric: `metric` is FILE:KEY"),
    (replaced("m.json:acc", ":acc"), "9: releases.bot.gates.good.metric: `metric` is FILE:KEY"),
    (replaced("rows, on: data", "rows"), "10: releases.bot.gates.rows: a contract needs `on`"),
    (replaced("rows, on: data", "rows, on: 5"), "10: releases.bot.gates.rows.on"),
    (replaced('command: "true"', "command: 5"), "11: releases.bot.gates.works.command"),
    (replaced('command: "true"', 'command: " "'), "11: releases.bot.gates.works.command"),
    (replaced("timeout: 5", "timeout: 0"), "11: releases.bot.gates.works.timeout"),
    (replaced("timeout: 5", "timeout: -1"), "11: releases.bot.gates.works.timeout"),
    (replaced("timeout: 5", "timeout: .inf"), "11: releases.bot.gates.works.timeout"),
    (replaced("timeout: 5", "timeout: soon"), "11: releases.bot.gates.works.timeout"),
    (replaced("{}\n      good", "{integrity: 2024-01-01}\n      good"), "8: releases.bot.gates"),
    (replaced("{}\n      good", "{at_least: 1}\n      good"), "8: releases.bot.gates.integrity"),
    (replaced("  prod: {}", "  1.0.0: {}"), "14: releases.bot.channels.1.0.0: a channel's name"),
    (replaced("  prod: {}", "  pr/od: {}"), "14: releases.bot.channels.pr/od: a channel's name"),
    (
        replaced("  prod: {}", "  prod: {require: []}"),
        "14: releases.bot.channels.prod: a channel is",
    ),
    (replaced("  prod: {}", "  prod: {protected: 1}"), "14: releases.bot.channels.prod.protected"),
    (replaced("  prod: {}", "  prod: {requires: good}"), "14: releases.bot.channels.prod.requires"),
    (
        replaced("  prod: {}", "  prod: {requires: [god]}"),
        "14: releases.bot.channels.prod.requires",
    ),
    (replaced("  prod: {}", "  prod: {requires: [{a: 1}]}"), "14: releases.bot.channels.prod"),
    (replaced("  prod: {}", "  prod: {requires: [[good]]}"), "14: releases.bot.channels.prod"),
    (replaced("channels:\n", "channels: []\n    x-channels:\n"), "12: releases.bot.channels"),
]


@pytest.mark.parametrize(("text", "place"), MISTAKES)
def test_a_mistake_is_named_by_file_line_and_key(text: str, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.code == "releases-invalid"
    assert f"assay.yaml:{place}" in caught.value.what


WORDS = st.sampled_from(
    [
        "bot",
        "artifacts",
        "data",
        "gates",
        "integrity",
        "metric",
        "command",
        "at_least",
        "timeout",
        "channels",
        "prod",
        "requires",
        "protected",
        "on",
        "contract",
        "desc",
        "x-y",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.floats()
    | st.dates()
    | WORDS
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=14,
)
RELEASES = st.dictionaries(
    WORDS,
    VALUES
    | st.fixed_dictionaries(
        {"artifacts": st.just({"data": "data"})},
        optional={
            "gates": st.dictionaries(WORDS, st.dictionaries(WORDS, VALUES, max_size=3)),
            "channels": st.dictionaries(WORDS, VALUES),
        },
    ),
    max_size=2,
)


@given(RELEASES)
def test_anything_that_is_read_can_be_recorded(section: Mapping[str, Any]) -> None:
    try:
        found = read_declarations(section, path=b"assay.yaml", data=b"releases: {}\n")
    except InvalidInput:
        return
    for declaration in found.values():
        assert declaration.artifacts
        for gate in declaration.gates.values():
            assert len(gate.digest) == 64
            # What a record holds is JSON, which has no dates and no endless numbers.
            json.dumps(dict(gate.fields), allow_nan=False)


# -- from the command line ----------------------------------------------------------------


def test_a_mistake_stops_release_create(declared: Bots) -> None:
    path = declared.project.root / "assay.yaml"
    path.write_text(path.read_text().replace("at_least: 0.9", "at_lest: 0.9"))
    declared.project.commit()
    done = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=2)
    error = done.json()["error"]
    assert error["code"] == "releases-invalid"
    assert "assay.yaml:18: releases.bot.gates.quality" in error["what"]
    assert declared.hub.refs("refs/assay/releases") == {}


def test_one_name_is_declared_once(declared: Bots) -> None:
    text = "releases:\n  bot:\n    artifacts: {code: app.py}\n"
    declared.project.write({"code/assay.yaml": text})
    declared.commit()
    done = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=4)
    error = done.json()["error"]
    assert error["code"] == "release-declared-twice"
    assert "assay.yaml" in error["what"]
    assert "code/assay.yaml" in error["what"]


@pytest.fixture
def project(tmp_path: Any) -> Project:
    return new_project(tmp_path / "project", remote=tmp_path / "remote")


def test_there_is_a_hint_where_nothing_is_declared(project: Project) -> None:
    done = project.assay("release", "create", "bot", "1.0.0", "--json", exit_code=3)
    assert done.json()["error"]["code"] == "release-undeclared"
