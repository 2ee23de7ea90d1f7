"""A damaged cache object is found before it reaches the workspace, named, and healed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from blake3 import blake3

from damage import DAMAGES
from projects import LARGE, Project, clone, overwrite

SMALL_FILE, LARGE_FILE = "data/small.bin", "data/large.bin"
CONTENT = {
    SMALL_FILE: b"small" * 100,
    LARGE_FILE: b"large" * LARGE,
    "data/sub/other.txt": "other",
    "data/empty": None,
}
CASES = [
    pytest.param(name, damage, id=f"{damage}-{'packed' if name == SMALL_FILE else 'loose'}")
    for name in (SMALL_FILE, LARGE_FILE)
    for damage in DAMAGES
]


def digest_of(name: str) -> bytes:
    content = CONTENT[name]
    assert isinstance(content, bytes)
    return blake3(content).digest()


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with data added and committed, in the cache only."""
    project.write(CONTENT)
    project.save()
    return project


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_checkout_heals_from_the_remote(saved: Project, name: str, damage: str) -> None:
    before = saved.tree()
    saved.assay("push")
    DAMAGES[damage](saved.cache_folder, digest_of(name))
    saved.remove("data")
    outcome = saved.assay("checkout")
    assert saved.tree() == before
    assert "healed" in outcome.text
    assert digest_of(name).hex() in outcome.text
    assert saved.assay("verify", "--json").json()["clean"]
    assert saved.status() == {}


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_pull_heals_from_the_remote(saved: Project, name: str, damage: str) -> None:
    before = saved.tree()
    saved.assay("push")
    DAMAGES[damage](saved.cache_folder, digest_of(name))
    saved.remove("data")
    saved.assay("pull")
    assert saved.tree() == before
    assert saved.assay("verify", "--json").json()["clean"]


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_without_a_good_copy_only_the_damaged_file_is_left_out_and_named(
    saved: Project, name: str, damage: str
) -> None:
    before = saved.tree()
    DAMAGES[damage](saved.cache_folder, digest_of(name))
    saved.remove("data")
    outcome = saved.assay("checkout", exit_code=None)
    assert outcome.exit_code == (3 if damage == "missing" else 5), outcome.text
    assert name in outcome.stderr
    after = saved.tree()
    inside = name.removeprefix("data/").encode()
    assert inside not in after
    assert {key: before.get(key) for key in after} == after, "wrong bytes in the workspace"
    if damage in ("flipped", "swapped") or name == LARGE_FILE:
        expected = {key: value for key, value in before.items() if key != inside}
        assert after == expected, "files that are not damaged were not written"


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_verify_finds_names_and_repairs_from_the_workspace(
    saved: Project, name: str, damage: str
) -> None:
    DAMAGES[damage](saved.cache_folder, digest_of(name))
    found = saved.assay("verify", "--json", exit_code=5)
    report = found.json()
    assert not report["clean"]
    is_named = digest_of(name).hex() in {**report["damaged"], **report["missing"]}
    assert is_named or report["problems"], "neither the object nor its file is named"
    saved.assay("verify", "--repair")
    assert saved.assay("verify", "--json").json()["clean"]
    before = saved.tree()
    saved.remove("data")
    saved.assay("checkout")
    assert saved.tree() == before


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_verify_repairs_from_the_remote(saved: Project, name: str, damage: str) -> None:
    before = saved.tree()
    saved.assay("push")
    DAMAGES[damage](saved.cache_folder, digest_of(name))
    saved.remove("data")
    saved.assay("verify", "--cache", exit_code=5)
    saved.assay("verify", "--cache", "--repair")
    saved.assay("remote", "remove", "store")
    saved.assay("checkout")
    assert saved.tree() == before


def test_verify_without_a_good_copy_keeps_saying_so(saved: Project) -> None:
    DAMAGES["flipped"](saved.cache_folder, digest_of(LARGE_FILE))
    saved.remove("data")
    for _ in range(2):
        outcome = saved.assay("verify", "--repair", exit_code=5)
        assert digest_of(LARGE_FILE).hex() in outcome.stdout


@pytest.mark.parametrize("damage", sorted(DAMAGES))
@pytest.mark.parametrize("command", ["checkout", "pull"])
def test_a_damaged_manifest_heals_from_the_remote(
    saved: Project, damage: str, command: str
) -> None:
    before = saved.tree()
    saved.assay("push")
    root = bytes.fromhex(saved.pointer().split("blake3: ")[1][:64])
    DAMAGES[damage](saved.cache_folder, root)
    saved.remove("data", ".assay/index.db")
    saved.assay(command)
    assert saved.tree() == before
    assert saved.assay("verify", "--json").json()["clean"]


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_manifest_without_a_good_copy_stops_only_its_own_path(
    saved: Project, damage: str
) -> None:
    saved.write({"alone.txt": "alone" * 100})
    saved.save("another", "alone.txt")
    root = bytes.fromhex(saved.pointer().split("blake3: ")[1][:64])
    DAMAGES[damage](saved.cache_folder, root)
    saved.remove("data", "alone.txt")
    outcome = saved.assay("checkout", exit_code=None)
    assert outcome.exit_code in (3, 5)
    assert "data" in outcome.stderr
    assert not (saved.root / "data").exists()
    assert saved.read("alone.txt") == b"alone" * 100


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_manifest_is_repaired_from_the_workspace(saved: Project, damage: str) -> None:
    before = saved.tree()
    root = bytes.fromhex(saved.pointer().split("blake3: ")[1][:64])
    DAMAGES[damage](saved.cache_folder, root)
    saved.assay("verify", exit_code=5)
    saved.assay("verify", "--repair")
    saved.remove("data")
    saved.assay("checkout")
    assert saved.tree() == before


def test_a_damaged_manifest_of_an_old_revision_is_repaired_from_the_remote(saved: Project) -> None:
    before = saved.tree()
    saved.assay("push")
    root = bytes.fromhex(saved.pointer().split("blake3: ")[1][:64])
    saved.git("tag", "old")
    saved.write({SMALL_FILE: "changed"})
    saved.save()
    saved.assay("push")
    DAMAGES["flipped"](saved.cache_folder, root)
    saved.assay("verify", exit_code=5)
    saved.assay("verify", "--repair")
    saved.assay("verify")
    saved.assay("remote", "remove", "store")
    saved.git("stash", "-q")
    saved.switch("old")
    assert saved.tree() == before


def test_a_good_workspace_file_is_not_displaced_while_its_cached_copy_is_damaged(
    saved: Project,
) -> None:
    """The workspace then holds the last good copy."""
    saved.git("tag", "old")
    saved.write({SMALL_FILE: "new", LARGE_FILE: b"new" * LARGE})
    saved.save()
    saved.switch("old")
    for name in (SMALL_FILE, LARGE_FILE):
        DAMAGES["flipped"](saved.cache_folder, digest_of(name))
    saved.git("checkout", "-q", "main")
    refused = saved.assay("checkout", exit_code=4)
    assert SMALL_FILE in refused.stderr
    assert LARGE_FILE in refused.stderr
    assert saved.read(SMALL_FILE) == CONTENT[SMALL_FILE]
    saved.assay("checkout", "--force")
    assert saved.read(SMALL_FILE) == b"new"
    saved.assay("undo")
    assert saved.read(LARGE_FILE) == CONTENT[LARGE_FILE]


def test_push_refuses_to_send_damaged_bytes(saved: Project, tmp_path: Path) -> None:
    for name in (SMALL_FILE, LARGE_FILE):
        DAMAGES["flipped"](saved.cache_folder, digest_of(name))
    saved.assay("push", exit_code=5)
    other = clone(saved, tmp_path / "clone")
    other.assay("pull", exit_code=None)
    assert not (other.root / "data" / "small.bin").exists()


def test_writing_through_a_hard_link_never_reaches_another_version(
    project: Project, tmp_path: Path
) -> None:
    """A program that runs as root writes through the link into the cache."""
    project.assay("config", "cache.type", "hardlink")
    project.write(CONTENT)
    project.save()
    project.assay("push")
    assert (project.root / LARGE_FILE).stat().st_nlink == 2
    overwrite(project.root / LARGE_FILE, lambda data: b"poison" + data[6:])
    assert project.status() == {"data": "modified"}
    assert not project.assay("verify", "--json", exit_code=5).json()["clean"]
    refused = project.assay("checkout", exit_code=4)
    assert LARGE_FILE in refused.stderr
    project.assay("checkout", "--force")
    assert project.read(LARGE_FILE) == CONTENT[LARGE_FILE]
    project.assay("verify")
    project.assay("undo")
    assert project.read(LARGE_FILE).startswith(b"poison")
    # Recorded as a version of its own, it does not pass for the first one.
    project.save("poisoned")
    project.git("checkout", "-q", "HEAD~1")
    project.assay("checkout")
    assert project.read(LARGE_FILE) == CONTENT[LARGE_FILE]


def test_written_through_a_hard_link_without_a_remote_nothing_wrong_is_checked_out(
    lone: Project,
) -> None:
    lone.assay("config", "cache.type", "hardlink")
    lone.write(CONTENT)
    lone.save()
    overwrite(lone.root / LARGE_FILE, lambda data: b"poison" + data[6:])
    shutil.rmtree(lone.root / "data")
    outcome = lone.assay("checkout", exit_code=5)
    assert LARGE_FILE in outcome.stderr
    assert not (lone.root / LARGE_FILE).exists()
    assert lone.read(SMALL_FILE) == CONTENT[SMALL_FILE]


WASTE = b"waste" * 10_000


@pytest.fixture
def mended(project: Project) -> Project:
    """The pack of a mended object still holds its damaged bytes, and is worth writing anew."""
    project.write({**CONTENT, "data/waste.bin": WASTE})
    project.save()
    DAMAGES["flipped"](project.cache_folder, digest_of(SMALL_FILE))
    project.assay("verify", "--repair")
    project.remove("data/waste.bin")
    project.assay("add", "data")
    project.git("commit", "-q", "--amend", "-am", "without waste")
    return project


def test_what_was_mended_is_collected_around(mended: Project) -> None:
    before = mended.tree()
    mended.assay("gc", "--force", "--purge")
    assert blake3(WASTE).digest() not in mended.cached()
    assert mended.assay("verify", "--json").json()["clean"]
    mended.remove("data")
    mended.assay("checkout")
    assert mended.tree() == before


def test_an_undone_collection_does_not_bring_damage_back(mended: Project) -> None:
    mended.assay("gc", "--force")
    mended.assay("undo")
    assert blake3(WASTE).digest() in mended.cached()
    assert mended.assay("verify", "--cache", "--json").json()["clean"]
