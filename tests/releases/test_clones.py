"""Releases in clones, below other folders, beside collection, and as other tools see them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bots import PIPELINE, POLICY, Bots, Hub, release_ref
from git_repositories import git_in
from projects import Project, assay


def test_a_fresh_clone_sees_every_release(served: Bots) -> None:
    other = served.clone()
    assert other.git("for-each-ref", "refs/assay") == b""
    rows = other.assay("release", "list", "--json").json()
    assert [(row["release"], row["served_by"]) for row in rows] == [
        ("bot@1.0.0", []),
        ("bot@1.1.0", ["prod"]),
    ]
    assert other.assay("release", "show", "bot@prod", "--json").json()["version"] == "1.1.0"
    assert other.assay("policy", "show", "--json").json()["root"]


def test_a_clone_of_one_branch_without_tags_does_as_well(served: Bots) -> None:
    """As continuous integration makes them."""
    git = git_in(served.base)
    words = ("-q", "--depth=1", "--no-tags", "--single-branch", "--template=")
    git("clone", *words, served.hub.path.as_uri(), "shallow")
    other = Project(served.base / "shallow")
    assert len(other.assay("release", "list", "--json").json()) == 2
    done = other.assay("gate", "run", "bot@1.0.0", "--json").json()
    assert done["verdict"] == "pass"


def test_a_repository_of_sha256_is_like_any_other(
    served: Bots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "other"
    base.mkdir()
    shutil.copytree(served.base / "keys", base / "keys")
    bots = Bots(base)
    git_in(base)("init", "-q", "--bare", "-b", "main", "--object-format=sha256", "hub.git")
    bots.project.root.mkdir()
    bots.project.git("init", "-q", "-b", "main", "--object-format=sha256")
    bots.project.git("remote", "add", "origin", "../hub.git")
    bots.assay("init", "-q")
    bots.assay("remote", "add", "-q", "-d", "store", "../store")
    lines = {name: bots.key(name).key.line for name in ("ana", "ben", "ci")}
    bots.project.write(
        {
            ".assay/policy.yaml": POLICY.format(**lines),
            "data/rows.jsonl": "{}\n",
            "params.yaml": "alpha: 1\n",
            "prompts/reply.txt": "hi\n",
        }
    )
    bots.assay("add", "-q", "data")
    bots.project.write({"assay.yaml": PIPELINE})
    bots.commit()
    bots.assay("policy", "init")
    bots.release("1.0.0", channel="prod")
    assert len(bots.get("bot@prod", "--json").json()["commit"]) == 64
    assert (base / "app/data/rows.jsonl").read_text() == "{}\n"


# -- collection ---------------------------------------------------------------------------


def test_a_release_keeps_its_data_though_every_branch_has_forgotten_it(served: Bots) -> None:
    first = served.project.git("rev-parse", "main~2").decode()
    served.project.git("checkout", "-q", "-b", "other", first)
    served.project.git("branch", "-q", "-D", "main")
    served.project.git("push", "-q", "--force", "origin", "other:main")
    tags = served.project.git("tag").decode().split()
    served.project.git("tag", "-d", *tags)
    served.hub.delete(*(f"refs/tags/{tag}" for tag in tags))
    served.project.git("reflog", "expire", "--expire=now", "--all")
    served.project.git("gc", "-q", "--prune=now")
    served.hub.git("gc", "-q", "--prune=now")
    served.assay("checkout", "-q", "--force")
    served.assay("gc", "--force", "--purge")
    served.assay("gc", "--cloud", "--force")
    for what in ("bot@1.0.0", "bot@prod"):
        served.get(what, "--force")
        served.assay("release", "verify", what)
    other = served.clone()
    said = other.assay("gate", "run", "bot@1.1.0", "integrity", "--json").json()
    assert said["verdict"] == "pass"


# -- below other folders ------------------------------------------------------------------


@pytest.fixture
def monorepo(declared: Bots) -> Bots:
    """One project at the top; a team's pipeline declares a release of its own below it."""
    pipeline = PIPELINE.replace("  bot:", "  teams/two/bot:").replace(
        "prompts: prompts", "code: run.py"
    )
    pipeline = pipeline.replace("data: data\n", "data: ../../data/rows.jsonl\n")
    pipeline = pipeline.replace("cat data/rows.jsonl", "cat ../../data/rows.jsonl")
    pipeline = pipeline.replace("deps: [data]", "deps: [../../data]")
    declared.project.write(
        {
            "teams/two/assay.yaml": pipeline,
            "teams/two/params.yaml": "alpha: 2\n",
            "teams/two/run.py": "print()\n",
        }
    )
    declared.assay("repro", "-q", "teams/two/assay.yaml")
    declared.commit("two")
    return declared


def test_a_pipeline_below_a_folder_releases_what_lies_below_it(monorepo: Bots) -> None:
    name = "teams/two/bot"
    folder = monorepo.project.root / "teams" / "two"
    said = assay(folder, "release", "create", name, "1.0.0", "--json").json()
    assert sorted(a["path"] for a in said["artifacts"]) == [
        "data/rows.jsonl",
        "teams/two/model.bin",
        "teams/two/params.yaml",
        "teams/two/run.py",
    ]
    assay(folder, "gate", "run", f"{name}@1.0.0")
    assay(folder, "promote", f"{name}@1.0.0", "prod")
    refs = monorepo.hub.refs()
    assert release_ref("1.0.0", "teams=two=bot") in refs
    assert "refs/tags/teams=two=bot@v1.0.0" in refs
    assert "refs/tags/teams=two=bot#prod#1" in refs
    monorepo.get(f"{name}@prod")
    assert (monorepo.base / "app/teams/two/model.bin").is_file()
    monorepo.refused("bot@prod", "channel-empty", 3)
    # The other release of the same repository goes its own way.
    monorepo.release("1.0.0", channel="prod")
    assert monorepo.get("bot@prod", "--json", to="other").json()["release"] == "bot@1.0.0"


def test_a_project_below_the_top_of_its_git_repository(served: Bots, tmp_path: Path) -> None:
    """A project of its own in a sub-folder: its paths count from there."""
    base = tmp_path / "mono"
    base.mkdir()
    shutil.copytree(served.base / "keys", base / "keys")
    bots = Bots(base)
    git_in(base)("init", "-q", "--bare", "-b", "main", "hub.git")
    top = bots.project.root
    top.mkdir()
    bots.project.git("init", "-q", "-b", "main")
    bots.project.git("remote", "add", "origin", "../hub.git")
    bots.project.write({"README": "the top\n"})
    below = Project(top / "services" / "bot")
    below.root.mkdir(parents=True)
    below.assay("init", "-q", "--subdir")
    below.assay("remote", "add", "-q", "-d", "store", "../../../store")
    lines = {name: bots.key(name).key.line for name in ("ana", "ben", "ci")}
    below.write(
        {
            ".assay/policy.yaml": POLICY.format(**lines),
            "data/rows.jsonl": "{}\n",
            "params.yaml": "alpha: 1\n",
            "prompts/reply.txt": "hi\n",
        }
    )
    below.assay("add", "-q", "data")
    below.write({"assay.yaml": PIPELINE})
    below.assay("repro", "-q")
    below.commit()
    below.assay("push", "-q")
    below.git("push", "-q", "origin", "HEAD")
    below.assay("policy", "init")
    below.commit("policy")
    below.git("push", "-q", "origin", "HEAD")
    below.assay("release", "create", "bot", "1.0.0")
    below.assay("gate", "run", "bot@1.0.0")
    below.assay("promote", "bot@1.0.0", "prod")
    below.assay("release", "get", "bot@prod", "-o", str(base / "app"))
    assert (base / "app/data/rows.jsonl").read_text() == "{}\n"
    below.assay("release", "get", "bot@prod", "-o", str(base / "code"), "--with-code")
    assert (base / "code/assay.yaml").is_file()
    assert not (base / "code/README").exists()
    # From its own folder it can be named; the hub cannot yet say which of its folders is meant.
    assay(base, "release", "get", "bot@prod", "--repo", str(below.root), "-o", "again")
    error = assay(
        base, "release", "get", "bot@prod", "--repo", "hub.git", "-o", "x", "--json", exit_code=3
    ).json()["error"]
    assert error["code"] == "repository-missing"


# -- hosts that cannot keep releases ------------------------------------------------------


def test_a_host_that_takes_no_records_is_named_and_nothing_is_left(declared: Bots) -> None:
    hook = declared.hub.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\ncase "$1" in refs/assay/*) echo "no such refs" >&2; exit 1;; esac\n'
    )
    hook.chmod(0o755)
    before = declared.project.git("for-each-ref")
    done = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=6)
    error = done.json()["error"]
    assert error["code"] == "git-refused"
    assert "no such refs" in error["why"]
    assert "refs/tags/bot@v1.0.0" not in declared.hub.refs()
    assert declared.project.git("for-each-ref") == before


def test_a_host_without_atomic_pushes_is_refused(declared: Bots) -> None:
    declared.hub.git("config", "receive.advertiseAtomic", "false")
    done = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=6)
    assert done.json()["error"]["code"] == "git-not-atomic"
    assert release_ref("1.0.0") not in declared.hub.refs()


def test_without_a_git_remote_releases_are_this_clones_own(declared: Bots) -> None:
    declared.project.git("remote", "remove", "origin")
    declared.assay("release", "create", "bot", "1.0.0")
    declared.assay("gate", "run", "bot@1.0.0")
    declared.assay("promote", "bot@1.0.0", "prod")
    assert release_ref("1.0.0") in Hub(declared.project.root).refs()
    assert release_ref("1.0.0") not in declared.hub.refs()
    declared.assay("release", "get", "bot@prod", "-o", "../app")
    assay(declared.base, "release", "get", "bot@prod", "--repo", "bots", "-o", "app2")


def test_of_several_git_remotes_one_must_be_named(declared: Bots) -> None:
    declared.project.git("remote", "rename", "origin", "one")
    declared.project.git("remote", "add", "two", "../hub.git")
    done = declared.assay("release", "create", "bot", "1.0.0", "--json", exit_code=2)
    assert done.json()["error"]["code"] == "git-remote-ambiguous"
    declared.assay("config", "release.git_remote", "absent")
    done = declared.assay("release", "list", "--json", exit_code=3)
    assert done.json()["error"]["code"] == "git-remote-unknown"
    declared.assay("config", "release.git_remote", "two")
    declared.project.commit("the remote to publish to")
    declared.assay("release", "create", "bot", "1.0.0", "--dry-run")


# -- as GTO sees them ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def gto(pytestconfig: pytest.Config) -> Path:
    """The real `gto` in an environment of its own, kept for the next run of the tests."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("gto") / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    program = folder / "bin" / "gto"
    import fcntl

    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            for words in (
                [sys.executable, "-m", "venv", os.fspath(folder)],
                [f"{folder}/bin/python", "-m", "pip", "install", "-q", "gto>=1.7"],
            ):
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr[-2000:]
    return program


@pytest.mark.slow
def test_gto_shows_the_versions_and_stages_that_assay_does(served: Bots, gto: Path) -> None:
    served.project.write({"params.yaml": "alpha: 0.8\n"})
    served.commit()  # to GTO one commit is one version
    served.release("1.2.0-rc.1", channel="staging")
    served.assay("rollback", "bot@prod")

    def ask(*words: str) -> dict[str, dict[str, object]]:
        done = subprocess.run(
            [gto, "show", "--json", *words],
            cwd=served.project.root,
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, dict[str, object]] = json.loads(done.stdout)
        return found

    rows = served.assay("release", "list", "--json").json()
    serving = {channel: f"v{row['version']}" for row in rows for channel in row["served_by"]}
    said = ask()["bot"]
    assert said["version"] == "v1.2.0-rc.1"
    stages = said["stage"]
    assert isinstance(stages, dict)
    assert (
        {
            name: stage["version"] if isinstance(stage, dict) else stage
            for name, stage in stages.items()
        }
        == serving
        == {"prod": "v1.0.0", "staging": "v1.2.0-rc.1"}
    )
    served.assay("quarantine", "bot@1.1.0", "-m", "wrong")
    history = subprocess.run(
        [gto, "history", "bot", "--json"],
        cwd=served.project.root,
        capture_output=True,
        text=True,
        check=True,
    )
    events = [(row["event"], row["version"]) for row in json.loads(history.stdout)]
    assert ("registration", "v1.0.0") in events
    assert any("deregistration" in event and version == "v1.1.0" for event, version in events)
