"""The collector keeps whatever anything needs, changes nothing unasked, and can be undone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from blake3 import blake3

from projects import LARGE, Project, new_project


def digest(content: bytes | str) -> bytes:
    return blake3(content.encode() if isinstance(content, str) else content).digest()


def version(project: Project, content: str) -> str:
    """Commit a version of data; its commit."""
    project.write({"data/f": content, "data/same": "same"})
    return project.save(content)


@pytest.fixture
def history(lone: Project) -> Project:
    """A project with unneeded versions beside the one that is checked out."""
    version(lone, "current")
    return lone


def collected(project: Project) -> dict[str, object]:
    return project.assay("gc", "--force", "--json").json()


def keeps(project: Project, *contents: str) -> None:
    """A collection keeps these contents, and everything else of the same size goes."""
    collected(project)
    cached = project.cached()
    for content in contents:
        assert digest(content) in cached, content
    assert digest("unneeded") not in cached
    project.assay("verify")


@pytest.fixture
def with_waste(history: Project) -> Project:
    """There is one version that nothing refers to any more."""
    history.git("checkout", "-q", "-b", "doomed")
    version(history, "unneeded")
    history.git("checkout", "-q", "main")
    history.assay("checkout")
    history.git("branch", "-D", "doomed")
    assert digest("unneeded") in history.cached()
    return history


def test_nothing_changes_without_force(with_waste: Project) -> None:
    before = with_waste.tree(".assay/cache")
    for words in (["gc"], ["gc", "--force", "--dry-run"]):
        outcome = with_waste.assay(*words, "--json").json()
        assert not outcome["applied"]
        assert outcome["objects"] == 2, "a file and a manifest"
        assert with_waste.tree(".assay/cache") == before


def test_what_the_workspace_records_is_kept_before_it_is_committed(with_waste: Project) -> None:
    with_waste.write({"data/f": "uncommitted"})
    with_waste.assay("add", "data")
    keeps(with_waste, "uncommitted", "same")


def test_what_is_staged_is_kept(with_waste: Project) -> None:
    with_waste.write({"data/f": "staged"})
    with_waste.assay("add", "data")
    with_waste.git("add", "-A")
    with_waste.write({"data/f": "later"})
    with_waste.assay("add", "data")
    keeps(with_waste, "staged", "later", "current")


def test_branches_tags_and_the_remote_ones_are_kept(with_waste: Project) -> None:
    for name in ("branch", "light", "annotated", "remote", "detached", "other"):
        with_waste.git("checkout", "-q", "--detach", "main")
        commit = version(with_waste, name)
        command = {
            "branch": ["branch", "topic/x", commit],
            "light": ["tag", "light", commit],
            "annotated": ["tag", "-a", "-m", "x", "annotated", commit],
            "remote": ["update-ref", "refs/remotes/origin/x", commit],
            "other": ["update-ref", "refs/exps/ab/cd/x", commit],
            "detached": ["update-ref", "refs/assay/releases/x/1", commit],
        }[name]
        with_waste.git(*command)
    with_waste.git("checkout", "-q", "main")
    with_waste.assay("checkout")
    keeps(with_waste, "branch", "light", "annotated", "remote", "detached", "other", "current")


def test_a_detached_head_is_kept(with_waste: Project) -> None:
    with_waste.git("checkout", "-q", "--detach")
    version(with_waste, "detached")
    keeps(with_waste, "detached", "current")


def test_stashes_are_kept_the_older_ones_too(with_waste: Project) -> None:
    for name in ("stashed 1", "stashed 2"):
        with_waste.write({"data/f": name})
        with_waste.assay("add", "data")
        with_waste.git("stash", "-q")
        with_waste.assay("checkout")
    keeps(with_waste, "stashed 1", "stashed 2", "current")
    with_waste.git("stash", "pop", "-q")
    with_waste.assay("checkout")
    assert with_waste.read("data/f") == b"stashed 2"


def test_other_worktrees_are_kept_even_what_they_have_not_committed(
    with_waste: Project, tmp_path: Path
) -> None:
    with_waste.assay("config", "cache.dir", with_waste.root / ".assay/cache")
    with_waste.commit()
    with_waste.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    other = Project(tmp_path / "tree")
    version(other, "in another worktree")
    other.write({"data/f": "not committed there"})
    other.assay("add", "data")
    keeps(with_waste, "in another worktree", "not committed there", "current")


def test_more_is_kept_on_request(history: Project) -> None:
    for number in range(4):
        version(history, f"version {number}")
    sizes = {}
    for flags in ([], ["--num", "2"], ["--all-commits"], ["--rev", "HEAD~3"]):
        sizes[" ".join(flags)] = history.assay("gc", *flags, "--json").json()["objects"]
    assert sizes == {"": 8, "--num 2": 6, "--all-commits": 0, "--rev HEAD~3": 6}


@pytest.mark.parametrize("repeated", [False, True])
def test_projects_that_share_the_cache_are_kept_when_named(
    with_waste: Project, tmp_path: Path, repeated: bool
) -> None:
    words: list[str] = []
    for name in ("one", "two"):
        other = new_project(tmp_path / name)
        other.assay("config", "cache.dir", with_waste.cache_folder)
        other.commit()
        version(other, f"of project {name}")
        words += ["--projects"] if repeated or not words else []
        words.append(str(other.root))
    with_waste.assay("gc", "--force", *words)
    for name in ("one", "two"):
        assert digest(f"of project {name}") in with_waste.cached()
    assert digest("unneeded") not in with_waste.cached()


def test_without_git_what_is_tracked_now_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path / "plain")
    project.root.mkdir()
    project.assay("init", "--no-scm")
    for content in ("unneeded", "current"):
        project.write({"data/f": content})
        project.assay("add", "data")
    keeps(project, "current")


def test_before_the_first_commit_what_is_tracked_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path / "young")
    project.root.mkdir()
    project.git("init", "-q")
    project.assay("init")
    project.write({"data/f": "current"})
    project.assay("add", "data")
    collected(project)
    assert digest("current") in project.cached()


def test_a_collection_can_be_undone(with_waste: Project) -> None:
    with_waste.write({"big": b"b" * LARGE})
    with_waste.assay("add", "big")
    with_waste.remove("big", "big.assay")
    before = with_waste.cached()
    assert digest(b"b" * LARGE) in before
    first = collected(with_waste)
    assert with_waste.cached() < before
    assert first["objects"] == 3
    undone = with_waste.assay("undo", "--json").json()
    assert undone["what"] == "gc"
    assert undone["id"] == first["trash"]
    assert with_waste.cached() == before
    with_waste.assay("verify")


def test_the_newest_of_several_collections_is_undone_first(history: Project) -> None:
    removed = []
    for name in ("one", "two", "three"):
        history.write({"loose": name})
        history.assay("add", "loose")
        history.remove("loose", "loose.assay")
        collected(history)
        removed.append(digest(name))
    for gone in reversed(removed):
        assert gone not in history.cached()
        history.assay("undo")
        assert gone in history.cached()


def test_what_was_collected_can_be_added_again(with_waste: Project) -> None:
    for _ in range(3):
        collected(with_waste)
        version(with_waste, "unneeded")
        with_waste.git("reset", "-q", "--hard", "HEAD~1")
        with_waste.assay("checkout")
    version(with_waste, "unneeded")
    with_waste.remove("data")
    with_waste.assay("checkout")
    assert with_waste.read("data/f") == b"unneeded"


def test_packs_that_are_mostly_dead_are_written_anew(lone: Project) -> None:
    live, dead = os.urandom(1000), [os.urandom(100_000) for _ in range(5)]
    lone.write({"data/live": live, **{f"data/dead{n}": d for n, d in enumerate(dead)}})
    lone.assay("add", "data")
    lone.remove(*(f"data/dead{n}" for n in range(5)))
    lone.save()
    collected(lone)
    packs = list(lone.cache_folder.glob("packs/*/*.pack"))
    assert sum(pack.stat().st_size for pack in packs) < 50_000
    lone.assay("verify")
    lone.remove("data")
    lone.assay("checkout")
    assert lone.tree() == {b"live": live}
    lone.assay("undo")
    assert digest(dead[0]) in lone.cached()
    lone.assay("verify")


def test_collections_expire_after_their_grace_and_at_once_on_request(with_waste: Project) -> None:
    trash = with_waste.cache_folder / "trash"
    outcome = collected(with_waste)
    assert outcome["freed"] == 0
    collected(with_waste)
    assert [entry.name for entry in trash.iterdir()] == [outcome["trash"]]
    record = trash / str(outcome["trash"]) / "entry.json"
    content = json.loads(record.read_bytes())
    record.write_text(json.dumps({**content, "created_ns": 10**18}))
    assert collected(with_waste)["freed"] == content["size_bytes"]
    assert list(trash.iterdir()) == []
    version(with_waste, "unneeded")
    with_waste.git("reset", "-q", "--hard", "HEAD~1")
    with_waste.assay("checkout")
    with_waste.assay("gc", "--force", "--purge")
    assert list(trash.iterdir()) == []


def test_a_pointer_that_cannot_be_read_stops_the_collection(with_waste: Project) -> None:
    with_waste.git("checkout", "-q", "-b", "broken")
    (with_waste.root / "data.assay").write_text("<<<<<<< conflict\n")
    with_waste.commit("broken")
    with_waste.git("checkout", "-q", "main")
    before = with_waste.cached()
    outcome = with_waste.assay("gc", "--force", exit_code=2)
    assert "data.assay" in outcome.stderr
    assert with_waste.cached() == before


@pytest.mark.parametrize("damage", ["truncated", "text", "newer"])
def test_a_corrupt_record_of_a_collection_is_named(with_waste: Project, damage: str) -> None:
    name = str(collected(with_waste)["trash"])
    record = with_waste.cache_folder / "trash" / name / "entry.json"
    text = record.read_text()
    record.write_text(
        {
            "truncated": text[:20],
            "text": "nothing",
            "newer": text.replace('"format": 1', '"format": 9'),
        }[damage]
    )
    before = with_waste.cached()
    assert "entry.json" in with_waste.assay("undo", exit_code=5).stderr
    assert with_waste.cached() == before
    with_waste.assay("gc", "--force")


def test_packs_that_a_killed_command_left_unlisted_are_collected_or_adopted(
    with_waste: Project,
) -> None:
    """A pack is written before the index lists it."""
    version(with_waste, "only in a stray pack")
    index = with_waste.cache_folder / "index"
    before = with_waste.cached()
    for segment in index.glob("*.seg"):
        segment.unlink()
    assert digest("current") not in with_waste.cached()
    collected(with_waste)
    assert with_waste.cached() < before
    assert digest("only in a stray pack") in with_waste.cached()
    assert digest("unneeded") not in with_waste.cached()
    with_waste.remove("data")
    with_waste.assay("checkout")
    assert with_waste.read("data/f") == b"only in a stray pack"
