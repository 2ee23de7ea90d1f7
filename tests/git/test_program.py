"""Git is started without a shell, without prompts, and speaks through our errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import InvalidInput, NotFound, RemoteRefused, Temporary
from assay.git.program import (
    child_environment,
    failure,
    find_worktree,
    require_revision,
    run_git,
)


def test_output_comes_back_as_bytes(root: Path) -> None:
    assert run_git(["rev-parse", "--is-inside-work-tree"], cwd=root) == b"true\n"


def test_input_reaches_git(root: Path) -> None:
    oid = run_git(["hash-object", "--stdin"], cwd=root, input=b"hello\n")
    assert oid == b"ce013625030ba8dba906f756967f9e9ca394464a\n"


def test_a_failure_carries_gits_own_words(root: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        run_git(["cat-file", "blob", "no-such-thing"], cwd=root)
    assert caught.value.code == "git-failed"
    assert "no-such-thing" in caught.value.why


def test_accepted_statuses_and_unchecked_runs_do_not_raise(root: Path) -> None:
    assert run_git(["rev-parse", "-q", "--verify", "HEAD"], cwd=root, accept=(0, 1)) == b""
    assert run_git(["rev-parse", "-q", "--verify", "HEAD"], cwd=root, check=False) == b""


def test_outside_a_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        run_git(["status"], cwd=tmp_path)
    assert caught.value.code == "git-repository-missing"


def test_a_missing_git_program_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(NotFound) as caught:
        run_git(["status"], cwd=root)
    assert caught.value.code == "git-missing"


def test_a_missing_folder_is_not_mistaken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        run_git(["status"], cwd=tmp_path / "gone")
    assert caught.value.code == "path-missing"


@pytest.mark.parametrize(
    ("stderr", "kind", "code"),
    [
        (b"fatal: Unable to create '/r/.git/index.lock': File exists.", Temporary, "git-locked"),
        (b"fatal: could not read Username for 'https://x'", RemoteRefused, "git-refused"),
        (b"ssh: x: Permission denied (publickey).", RemoteRefused, "git-refused"),
        (b"fatal: repository '/x' does not exist", NotFound, "git-repository-missing"),
        (b"fatal: Could not resolve host: x", Temporary, "git-unreachable"),
        (b"something else", InvalidInput, "git-failed"),
    ],
)
def test_the_error_class_says_how_to_react(stderr: bytes, kind: type, code: str) -> None:
    error = failure(["fetch"], 128, stderr)
    assert (type(error), error.code) == (kind, code)
    assert stderr.decode() in error.why


def test_an_error_names_the_command_and_not_a_setting_before_it() -> None:
    error = failure(["-c", "gc.auto=0", "--git-dir=/x", "clone", "--bare", "/y"], 128, b"")
    assert error.what == "`git clone` failed."


def test_a_foreign_repository_does_not_inherit_redirections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    environ = child_environment(foreign=True)
    assert not {n for n in environ if n.startswith("GIT_CONFIG_KEY")}
    assert not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"} & set(environ)
    assert environ["GIT_TERMINAL_PROMPT"] == "0"
    assert child_environment(foreign=False)["GIT_INDEX_FILE"] == "/elsewhere"


def test_a_hooks_relative_git_dir_holds_in_sub_folders(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "sub").mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_DIR", ".git")
    assert run_git(["rev-parse", "--show-prefix"], cwd=root / "sub") == b"sub/\n"


def test_a_deliberate_pair_of_git_dir_and_work_tree_is_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "sub").mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_WORK_TREE", ".")
    assert run_git(["rev-parse", "--show-prefix"], cwd=root / "sub") == b"sub/\n"


def test_a_foreign_repositorys_monitor_is_not_started(root: Path) -> None:
    ran = root / "ran"
    monitor = root / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    monitor.chmod(0o755)
    run_git(["config", "core.fsmonitor", str(monitor)], cwd=root)
    (root / "file").write_text("x")
    run_git(["ls-files", "--others"], cwd=root, foreign=True)
    run_git(["status", "--porcelain"], cwd=root, foreign=True)
    assert not ran.exists()


def test_the_work_tree_is_found_from_inside(root: Path, tmp_path: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    assert find_worktree(root / "a" / "b") == root
    assert find_worktree(root) == root
    assert find_worktree(tmp_path) is None


@pytest.mark.parametrize("rev", ["", "-x", "--output=/tmp/x", "a\nb", "a\0b"])
def test_a_revision_is_never_an_option_nor_two_requests(rev: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_revision(rev)
    assert caught.value.code == "revision-invalid"
