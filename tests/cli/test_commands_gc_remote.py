"""`assay gc --cloud`: a remote gives up what no commit needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from projects import LARGE, Project, clone, new_project

KEPT, LOST = b"kept" * LARGE, b"lost" * LARGE


@pytest.fixture
def pushed(tmp_path: Path) -> Project:
    """Two versions in history and one that was pushed but never committed."""
    project = new_project(tmp_path / "project", remote=tmp_path / "remote")
    project.write({"data/a": KEPT, "data/b": "one"})
    project.save("first")
    project.write({"data/b": "two"})
    project.save("second")
    project.assay("push", "--all-commits")
    project.write({"data/a": LOST, "data/b": "three"})
    project.assay("add", "data")
    project.assay("push")
    project.git("checkout", "-q", "--", ".")
    project.assay("checkout")
    return project


def held(project: Project, content: bytes) -> bool:
    """Whether the remote has a large file of this content."""
    name = blake3(content).hexdigest()
    return (project.root.parent / "remote" / "objects" / name[:2] / name[2:]).exists()


def forget_pins(project: Project) -> None:
    """Let every push be long over, as it is when its pin has expired."""
    for pin in (project.root.parent / "remote" / "pins").iterdir():
        pin.unlink()


def test_without_force_it_only_tells(pushed: Project) -> None:
    forget_pins(pushed)
    told = pushed.assay("gc", "--cloud", "--purge", "--json").json()
    assert told["objects"] > 0
    assert not told["applied"]
    assert held(pushed, LOST)


def test_what_a_push_has_pinned_stays(pushed: Project) -> None:
    pushed.assay("gc", "--cloud", "--force", "--purge")
    assert held(pushed, LOST)


def test_what_is_condemned_waits_for_the_grace_period(pushed: Project) -> None:
    forget_pins(pushed)
    told = pushed.assay("gc", "--cloud", "--force", "--json").json()
    assert told["applied"]
    assert told["objects"] > 0
    assert told["freed"] == 0
    assert held(pushed, LOST)


def test_purged_it_still_gives_every_commit_its_bytes(pushed: Project, tmp_path: Path) -> None:
    forget_pins(pushed)
    pushed.assay("gc", "--cloud", "--force", "--purge")
    assert not held(pushed, LOST)
    assert held(pushed, KEPT)
    other = clone(pushed, tmp_path / "other")
    for rev, content in (("HEAD", b"two"), ("HEAD~1", b"one")):
        other.git("checkout", "-q", rev)
        other.assay("pull")
        assert other.read("data/b") == content
        assert other.read("data/a") == KEPT
    assert pushed.assay("verify", "--remote", "--json").json()["clean"]


def test_a_clone_that_lacks_commits_of_others_is_refused(pushed: Project, tmp_path: Path) -> None:
    hub = tmp_path / "hub.git"
    pushed.git("clone", "-q", "--bare", ".", str(hub))
    pushed.git("remote", "add", "origin", str(hub))
    pushed.git("fetch", "-q", "origin")
    other = clone(pushed, tmp_path / "other")
    other.git("remote", "set-url", "origin", str(hub))
    other.write({"data/c": b"more" * LARGE})
    other.save("a third version")
    other.assay("push")
    other.git("push", "-q", "origin", "HEAD:refs/heads/theirs")
    forget_pins(pushed)
    refused = pushed.assay("gc", "--cloud", "--force", "--json", exit_code=4).json()
    assert refused["error"]["code"] == "gc-behind"
    pushed.git("fetch", "-q", "--all")
    pushed.assay("gc", "--cloud", "--force", "--purge")
    assert held(pushed, b"more" * LARGE)


def test_a_plain_remote_is_refused(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project", remote=tmp_path / "remote")
    project.assay("remote", "modify", "store", "layout", "plain")
    project.write({"data/a": "1"})
    project.save()
    project.assay("push")
    refused = project.assay("gc", "--cloud", "--json", exit_code=2).json()
    assert refused["error"]["code"] == "remote-not-collectable"


def test_a_remote_that_holds_nothing_is_named(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project", remote=tmp_path / "remote")
    (tmp_path / "remote").mkdir()
    refused = project.assay("gc", "--cloud", "--json", exit_code=3).json()
    assert refused["error"]["code"] == "remote-empty"
