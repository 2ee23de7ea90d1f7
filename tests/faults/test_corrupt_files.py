"""Corrupt, truncated or future files of ours are named, and nothing is changed."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from projects import LARGE, Project, clone, flip, overwrite

Change = Callable[[bytes], bytes]


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


@pytest.fixture
def saved(project: Project) -> Project:
    project.write({"data/a": "a" * 100, "data/b": "b" * 100, "big": b"b" * LARGE})
    project.save("v1", "data", "big")
    project.assay("push")
    return project


def workspace_of(project: Project) -> dict[bytes, bytes | str | None]:
    """Everything but the caches and the bookkeeping."""
    return {k: v for k, v in project.tree(".").items() if not k.startswith((b".assay/", b".git/"))}


CONFIGS = {
    "text": ("[core\nremote", 2),
    "unterminated": ('[core]\nremote = "x\n', 2),
    "binary": ("\x00\x01", 2),
    "kind": ("[core]\nautostage = 'perhaps'\n", 2),
    "array": ("[[core]]\n", 2),
    "value": ("[cache]\ntype = 'teleport'\n", 2),
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("file", ["config.toml", "config.local.toml"])
def test_a_config_that_is_none_is_named_with_its_line(saved: Project, name: str, file: str) -> None:
    text, exit_code = CONFIGS[name]
    (saved.root / ".assay" / file).write_text(text)
    before = workspace_of(saved)
    for words in (["status"], ["add", "data"], ["checkout"], ["push"], ["gc", "--force"]):
        outcome = saved.assay(*words, exit_code=exit_code)
        assert file in outcome.stderr, words
        if name in ("text", "unterminated"):
            assert f"{file}, line " in outcome.stderr
    assert workspace_of(saved) == before


FORMATS: dict[str, tuple[Change, int]] = {
    "empty": (lambda _: b"", 5),
    "text": (lambda _: b"format 1", 5),
    "list": (lambda _: b"[]", 5),
    "newer": (lambda data: data.replace(b"1", b"99", 1), 5),
    "words": (lambda data: data.replace(b"1", b'"one"', 1), 5),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_cache_of_another_format_is_left_alone(saved: Project, name: str) -> None:
    change, exit_code = FORMATS[name]
    path = saved.cache_folder / "format.json"
    path.write_bytes(change(path.read_bytes()))
    saved.write({"data/a": "changed"})
    before, cached = workspace_of(saved), saved.tree(".assay/cache")
    for words in (["add", "data"], ["gc", "--force"], ["verify", "--repair"]):
        outcome = saved.assay(*words, exit_code=exit_code)
        assert "format.json" in outcome.stderr, words
    assert workspace_of(saved) == before
    assert saved.tree(".assay/cache") == cached


@pytest.mark.parametrize("name", FORMATS)
def test_a_remote_of_another_format_is_left_alone(
    saved: Project, tmp_path: Path, name: str
) -> None:
    change, exit_code = FORMATS[name]
    path = tmp_path / "remote" / "format.json"
    overwrite(path, change)
    other = clone(saved, tmp_path / "other")
    before = sorted(os.walk(tmp_path / "remote"))
    saved.write({"data/a": "changed"})
    saved.assay("add", "data")
    for project, words in ((saved, ["push"]), (other, ["pull"]), (saved, ["status", "-c"])):
        outcome = project.assay(*words, exit_code=exit_code)
        assert "format.json" in outcome.stderr, words
    assert sorted(os.walk(tmp_path / "remote")) == before
    assert not (other.root / "data").exists()


def version_at(offset: int) -> Change:
    return lambda data: data[:offset] + struct.pack("<I", 99) + data[offset + 4 :]


STORE: dict[str, Change] = {
    "empty": lambda _: b"",
    "head": lambda data: flip(data, 0),
    "newer": version_at(8),
    "middle": lambda data: flip(data, len(data) // 2),
    "end": lambda data: flip(data, len(data) - 4),
    "cut": lambda data: data[:-10],
    "short": lambda data: data[:30],
    "longer": lambda data: data + b"more",
}


@pytest.mark.parametrize("name", STORE)
def test_a_corrupt_index_segment_is_named_and_rebuilt(saved: Project, name: str) -> None:
    segment = min((saved.cache_folder / "index").glob("*.seg"))
    overwrite(segment, STORE[name])
    before = workspace_of(saved)
    found = saved.assay("verify", "--cache", exit_code=5)
    assert segment.name in found.text
    saved.remove("data")
    saved.assay("checkout", exit_code=None)
    seen = workspace_of(saved)
    assert {k: before[k] for k in seen if not k.endswith(b"data")} == {
        k: v for k, v in seen.items() if not k.endswith(b"data")
    }
    if name == "newer":
        assert "newer" in saved.assay("verify", "--repair", exit_code=5).stderr
        return
    saved.assay("verify", "--repair")
    saved.assay("remote", "remove", "store")
    saved.assay("checkout")
    assert {k: v for k, v in workspace_of(saved).items() if k in before} == before
    assert saved.assay("verify", "--json").json()["clean"]


@pytest.mark.parametrize("name", STORE)
def test_a_corrupt_pack_is_named_and_healed(saved: Project, name: str) -> None:
    pack = max(saved.cache_folder.glob("packs/*/*.pack"), key=lambda p: p.stat().st_size)
    overwrite(pack, STORE[name])
    before = workspace_of(saved)
    found = saved.assay("verify", "--cache", exit_code=5)
    assert pack.name in found.text
    saved.remove("data")
    saved.assay("pull")
    assert workspace_of(saved) == before
    if name == "newer":
        assert "newer" in saved.assay("verify", "--repair", exit_code=5).stderr
        return
    saved.assay("verify", "--repair")
    saved.assay("remote", "remove", "store")
    saved.remove("data")
    saved.assay("checkout")
    assert workspace_of(saved).keys() == before.keys()
    assert saved.assay("verify", "--json").json()["clean"]


@pytest.mark.parametrize("name", STORE)
def test_a_corrupt_segment_of_a_remote_brings_nothing_bad(
    saved: Project, tmp_path: Path, name: str
) -> None:
    for segment in (tmp_path / "remote" / "index").glob("*.seg"):
        overwrite(segment, STORE[name])
    other = clone(saved, tmp_path / "other")
    outcome = other.assay("pull", exit_code=None)
    assert outcome.exit_code in (3, 5), outcome.text
    assert "bug" not in outcome.stderr
    left = other.tree(".")
    for path, content in left.items():
        if path.startswith((b"data/", b"big")):
            assert content == saved.read(path), path
    assert other.assay("verify", "--cache", "--json", exit_code=None).json()["damaged"] == {}


@pytest.mark.parametrize("name", STORE)
def test_a_corrupt_pack_of_a_remote_brings_nothing_bad(
    saved: Project, tmp_path: Path, name: str
) -> None:
    for pack in (tmp_path / "remote").rglob("*.pack"):
        overwrite(pack, STORE[name])
    other = clone(saved, tmp_path / "other")
    outcome = other.assay("pull", exit_code=None)
    assert outcome.exit_code in (0, 3, 5), outcome.text
    assert "bug" not in outcome.stderr
    if outcome.exit_code == 0:
        assert other.tree() == saved.tree()
    for path, content in other.tree(".").items():
        if path.startswith((b"data/", b"big")):
            assert content == saved.read(path), path
    assert other.assay("verify", "--cache", "--json", exit_code=None).json()["damaged"] == {}


@pytest.mark.parametrize("where", ["middle", "start", "end", "all", "cut", "empty"])
def test_a_remote_that_serves_wrong_bytes_of_a_large_file(
    saved: Project, tmp_path: Path, where: str
) -> None:
    changes: dict[str, Change] = {
        "middle": lambda data: flip(data, len(data) // 2),
        "start": lambda data: flip(data, 0),
        "end": lambda data: flip(data, -1),
        "all": lambda data: b"x" * len(data),
        "cut": lambda data: data[:-1],
        "empty": lambda _: b"",
    }
    (found,) = [p for p in (tmp_path / "remote/objects").rglob("*") if p.is_file()]
    overwrite(found, changes[where])
    other = clone(saved, tmp_path / "other")
    outcome = other.assay("pull", exit_code=5)
    assert "big" in outcome.stderr
    assert not (other.root / "big").exists()
    assert other.tree() == saved.tree(), "the good part was not checked out"
    assert other.assay("verify", "--cache", "--json", exit_code=5).json()["damaged"] == {}
    # The remote is mended from a clone that has the data, and then all is well.
    saved.assay("verify", "--remote", exit_code=5)
    saved.assay("verify", "--remote", "--repair")
    other.assay("pull")
    assert other.read("big") == saved.read("big")


def test_a_remote_whose_small_files_are_wrong(saved: Project, tmp_path: Path) -> None:
    content = b"a" * 100
    for pack in (tmp_path / "remote").rglob("*.pack"):
        overwrite(pack, lambda data: data.replace(content, b"evil" + content[4:]))
    other = clone(saved, tmp_path / "other")
    outcome = other.assay("pull", exit_code=5)
    assert "data" in outcome.stderr
    assert not (other.root / "data/a").exists()
    assert other.assay("get", f"file://{saved.root}", "data", "-o", "x", exit_code=5).exit_code
    saved.assay("verify", "--remote", "--repair")
    other.assay("pull")
    assert other.tree() == saved.tree()


def test_a_plain_remote_that_serves_wrong_bytes(project: Project, tmp_path: Path) -> None:
    project.assay("remote", "modify", "store", "layout", "plain")
    project.write({"data/a": "a" * 100, "data/b": "b" * 100})
    project.save()
    project.assay("push")
    damaged = 0
    for found in (tmp_path / "remote").rglob("*"):
        if found.is_file() and found.read_bytes() == b"a" * 100:
            overwrite(found, lambda _: b"evil" * 25)
            damaged += 1
    assert damaged == 1
    other = clone(project, tmp_path / "other")
    outcome = other.assay("pull", exit_code=5)
    assert "data" in outcome.stderr
    assert not (other.root / "data/a").exists()
    assert other.assay("verify", "--cache", "--json", exit_code=None).json()["damaged"] == {}


def test_errors_as_json_carry_code_paths_and_exit_code(saved: Project) -> None:
    (saved.root / "data.assay").write_text("outs: 3\n")
    error = saved.assay("status", "--json", exit_code=2).json()["error"]
    assert error["code"] == "pointer-invalid"
    assert error["paths"] == ["data.assay"]
    assert error["exit_code"] == 2
    assert json.dumps(error)
