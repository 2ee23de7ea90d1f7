"""`config`, `remote`, `cache dir`, `root`, `check-ignore` and `completion`, as people type them."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

Cli = Callable[..., SimpleNamespace]


@pytest.fixture
def run(cli: Cli, project: Path) -> Cli:
    """Runs a command in the project."""

    def in_project(*words: str, cwd: Path = project) -> SimpleNamespace:
        return cli(*words, cwd=cwd)

    return in_project


def config(project: Path, name: str = "config.toml") -> str:
    return (project / ".assay" / name).read_text()


# root


def test_root_is_relative_to_where_you_are(run: Cli, project: Path) -> None:
    (project / "a" / "b").mkdir(parents=True)
    assert run("root").out == ".\n"
    assert run("root", cwd=project / "a" / "b").out == f"..{os.sep}..\n"
    assert run("root", "--json", cwd=project / "a").json() == {"root": str(project)}


def test_outside_a_project_root_is_not_found(cli: Cli, tmp_path: Path) -> None:
    done = cli("root")
    assert done.code == 3
    assert "[project-missing]" in done.err
    assert "assay init" in done.err


# config


def test_an_option_is_set_shown_and_unset(run: Cli, project: Path) -> None:
    assert run("config", "core.autostage", "yes").code == 0
    assert config(project) == "[core]\nautostage = true\n"
    assert run("config", "core.autostage").out == "true\n"
    assert run("config", "--unset", "core.autostage").code == 0
    done = run("config", "core.autostage")
    assert done.code == 3
    assert "[option-unset]" in done.err


def test_levels_override_each_other(run: Cli, project: Path, home: Path) -> None:
    for level in ("system", "global", "project", "local"):
        assert run("config", f"--{level}", "core.remote", level).code == 0
        assert run("config", "core.remote").out == f"{level}\n"
    assert run("config", "--global", "core.remote").out == "global\n"
    assert 'remote = "local"' in config(project, "config.local.toml")
    assert (home / "config" / "assay" / "config.toml").is_file()
    assert run("config", "--unset", "--local", "core.remote").code == 0
    assert run("config", "core.remote").out == "project\n"


def test_the_users_own_options_need_no_project(cli: Cli, tmp_path: Path) -> None:
    assert cli("config", "--global", "core.checksum_jobs", "2").code == 0
    assert cli("config", "--list").out == "core.checksum_jobs=2\n"
    done = cli("config", "core.checksum_jobs", "3")
    assert done.code == 3
    assert "[project-missing]" in done.err


def test_the_list_can_show_where_values_are_from(run: Cli, home: Path) -> None:
    run("config", "--global", "core.remote", "g")
    run("config", "core.remote", "p")
    run("config", "cache.type", "hardlink,copy")
    assert run("config", "--list").out == "cache.type=hardlink,copy\ncore.remote=p\n"
    assert run("config", "-l", "--show-origin").out == (
        f"{home}/config/assay/config.toml\tcore.remote=g\n"
        ".assay/config.toml\tcache.type=hardlink,copy\n"
        ".assay/config.toml\tcore.remote=p\n"
    )
    assert run("config", "--show-origin", "core.remote").out == ".assay/config.toml\tp\n"
    assert run("config", "-l", "--global").out == "core.remote=g\n"
    [first, _] = run("config", "-l", "--json").json()
    assert (first["name"], first["value"], first["level"]) == (
        "cache.type",
        "hardlink,copy",
        "project",
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["core.remot", "x"], "option-unknown", "Did you mean core.remote?"),
        (["core.remot"], "option-unknown", "Did you mean core.remote?"),
        (["remote.s.urll", "x"], "option-unknown", "Did you mean remote.s.url?"),
        (["nonsense.at.all", "x"], "option-unknown", "Options: core.remote"),
        (["core.autostage", "maybe"], "option-invalid", "true or false"),
        (["core.checksum_jobs", "0"], "option-invalid", "at least 1"),
        (["cache.type", "teleport"], "option-invalid", "reflink, hardlink"),
        ([], "usage-invalid", "a name is needed"),
        (["-l", "core.remote"], "usage-invalid", "without a name"),
        (["-u", "core.remote", "x"], "usage-invalid", "without a value"),
        (["--local", "--global", "core.remote"], "usage-invalid", "not allowed with"),
    ],
)
def test_what_cannot_be_set_is_explained(
    words: list[str], code: str, said: str, run: Cli, project: Path
) -> None:
    done = run("config", *words)
    assert done.code == 2
    assert f"[{code}]" in done.err
    assert said.lower() in done.err.lower()
    assert not (project / ".assay" / "config.toml").exists()


def test_a_wrong_file_is_named_with_its_line(run: Cli, project: Path) -> None:
    (project / ".assay" / "config.toml").write_text("[core]\nautostage = 3\n")
    done = run("config", "-l")
    assert done.code == 2
    assert "config.toml, line 2: core.autostage is not valid. [config-invalid]" in done.err


# remote


def test_a_remote_is_added_with_its_path_as_seen_from_the_file(run: Cli, project: Path) -> None:
    (project / "deep").mkdir()
    done = run("remote", "add", "-d", "store", "../../nas", cwd=project / "deep")
    assert (done.code, done.out) == (0, "Setting 'store' as a default remote.\n")
    assert config(project) == '[core]\nremote = "store"\n\n[remote.store]\nurl = "../../nas"\n'
    run("remote", "add", "cloud", "s3://bucket/prefix")
    assert [line.split() for line in run("remote", "list").out.splitlines()] == [
        ["cloud", "s3://bucket/prefix"],
        ["store", str(project.parent / "nas"), "(default)"],
    ]
    assert run("remote", "list", "--json").json()[1] == {
        "name": "store",
        "url": str(project.parent / "nas"),
        "is_default": True,
    }


def test_a_remote_is_not_replaced_unless_forced(run: Cli, project: Path) -> None:
    run("remote", "add", "s", "/one")
    run("remote", "modify", "s", "jobs", "3")
    done = run("remote", "add", "s", "/two")
    assert done.code == 4
    assert "[remote-exists]" in done.err
    assert run("remote", "add", "-f", "s", "/two").code == 0
    assert config(project) == '[remote.s]\nurl = "/two"\n'


@pytest.mark.parametrize("name", ["", "a/b", "a'b", "a]b", "a\nb", "--", "a\x1bb"])
def test_some_names_are_not_for_remotes(name: str, run: Cli, project: Path) -> None:
    assert run("remote", "add", "--", name, "/x").code == 2
    assert not (project / ".assay" / "config.toml").exists()


def test_options_of_a_remote_are_changed_and_unset(run: Cli, project: Path) -> None:
    run("remote", "add", "s", "/one")
    assert run("remote", "modify", "s", "verify", "off").code == 0
    assert run("remote", "modify", "--local", "s", "url", "../here").code == 0
    assert run("config", "remote.s.verify").out == "false\n"
    assert 'url = "../../here"' in config(project, "config.local.toml")
    assert run("remote", "modify", "-u", "s", "verify").code == 0
    assert run("remote", "modify", "-u", "s", "verify").code == 3
    assert run("remote", "modify", "s", "verify").code == 2
    assert run("remote", "modify", "s", "verifi", "x").code == 2
    assert "Known here: s." in run("remote", "modify", "x", "url", "/x").err


def test_the_default_remote_is_shown_set_and_unset(run: Cli) -> None:
    run("remote", "add", "s", "/one")
    assert run("remote", "default").out == "No default remote set\n"
    assert run("remote", "default", "nope").code == 3
    assert run("remote", "default", "s").code == 0
    assert run("remote", "default").out == "s\n"
    assert run("remote", "default", "--json").json() == {"default": "s"}
    assert run("remote", "default", "--unset").code == 0
    assert run("remote", "default", "--json").json() == {"default": None}
    assert run("remote", "default", "-u", "s").code == 2


def test_a_remote_is_renamed_where_it_is_named(run: Cli, project: Path) -> None:
    run("remote", "add", "-d", "old", "../nas")
    run("remote", "modify", "old", "jobs", "3")
    run("config", "--local", "core.remote", "old")
    assert run("remote", "rename", "old", "new").code == 0
    assert run("config", "-l", "--project").out == (
        "core.remote=new\nremote.new.jobs=3\nremote.new.url=../../nas\n"
    )
    assert run("config", "--local", "core.remote").out == "new\n"
    assert run("remote", "rename", "old", "other").code == 3
    assert run("remote", "rename", "new", "new").code == 4


def test_a_removed_remote_is_no_ones_default(run: Cli, project: Path) -> None:
    run("remote", "add", "-d", "s", "/one")
    run("remote", "add", "t", "/two")
    assert run("remote", "remove", "s").code == 0
    assert run("config", "-l").out == "remote.t.url=/two\n"
    assert run("remote", "remove", "s").code == 3


# cache dir


def test_the_cache_folder_is_shown_set_and_unset(run: Cli, project: Path) -> None:
    assert run("cache", "dir").out == f"{project}/.assay/cache\n"
    assert run("cache", "dir", "../cache").code == 0
    assert run("cache", "dir").out == f"{project.parent}/cache\n"
    assert config(project) == '[cache]\ndir = "../../cache"\n'
    assert run("cache", "dir", "--json").json() == {"cache_dir": f"{project.parent}/cache"}
    assert run("cache", "dir", "--project").out == "../../cache\n"
    assert run("cache", "dir", "-u").code == 0
    assert run("cache", "dir").out == f"{project}/.assay/cache\n"


# check-ignore


def test_ignored_paths_are_printed(run: Cli, project: Path) -> None:
    (project / ".assayignore").write_text("*.log\ntmp/\n")
    (project / "tmp").mkdir()
    done = run("check-ignore", "a.log", "b", "tmp", "tmp/x", "gone/")
    assert (done.code, done.out) == (0, "a.log\ntmp\ntmp/x\n")
    done = run("check-ignore", "b")
    assert (done.code, done.out) == (1, "")


def test_the_deciding_line_is_shown(run: Cli, project: Path) -> None:
    (project / "d").mkdir()
    (project / ".assayignore").write_text("*.log\n")
    (project / "d" / ".assayignore").write_text("# c\n!keep.log\n")
    inside = project / "d"
    done = run("check-ignore", "-d", "x.log", "keep.log", "y", cwd=inside)
    assert done.code == 0
    assert done.out == ".assayignore:1:*.log\tx.log\nd/.assayignore:2:!keep.log\tkeep.log\n"
    done = run("check-ignore", "-d", "-a", "-n", "keep.log", "y", cwd=inside)
    assert done.code == 1
    assert done.out == (
        ".assayignore:1:*.log\tkeep.log\nd/.assayignore:2:!keep.log\tkeep.log\n::\ty\n"
    )


def test_paths_can_come_from_standard_input(
    run: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".assayignore").write_bytes(b"*.log\n")
    paths = io.TextIOWrapper(io.BytesIO(b"a.log\nb\n\xff.log\n"), errors="surrogateescape")
    monkeypatch.setattr("sys.stdin", paths)
    done = run("check-ignore", "--stdin", "--json")
    assert done.code == 0
    assert [(v["path"], v["ignored"]) for v in done.json()] == [
        ("a.log", True),
        ("b", False),
        ("\udcff.log", True),
    ]


@pytest.mark.parametrize("words", [[], ["-n", "x"], ["-a", "x"], ["--stdin", "x"]])
def test_wrong_usage_of_check_ignore_is_explained(words: list[str], run: Cli) -> None:
    assert run("check-ignore", *words).code == 2


def test_paths_outside_the_project_are_refused(run: Cli) -> None:
    done = run("check-ignore", "../x")
    assert done.code == 2
    assert "[path-outside]" in done.err


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_a_completion_script_knows_the_commands(shell: str, cli: Cli) -> None:
    done = cli("completion", "-s", shell)
    assert done.code == 0
    for word in ("checkout", "check-ignore", "granular"):
        assert word in done.out


def test_the_completion_script_is_valid_bash(cli: Cli) -> None:
    script = cli("completion").out
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
