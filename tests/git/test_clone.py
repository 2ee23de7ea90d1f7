"""Other people's repositories are copied without running anything of theirs."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from pathlib import Path

import pytest

from assay.core.progress import SILENT, Task
from assay.errors import AssayError, InvalidInput, NotFound
from assay.git.clone import checkout_less_clone, is_remote_url, local_folder, require_safe_url
from assay.git.objects import ObjectReader, head_commit
from git_repositories import Git, git_in


class Notes:
    """Keeps what is announced."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def task(self, label: str, *, items: int | None = None, size_bytes: int | None = None) -> Task:
        return SILENT.task(label)

    def note(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture
def source(root: Path, git: Git) -> Path:
    (root / "a.assay").write_text("one")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("tag", "v1")
    return root


def _read(mirror: Path, name: str) -> bytes | None:
    with ObjectReader(mirror, bare=True, foreign=True) as reader:
        return reader.read(name)


def test_branches_tags_and_our_refs_arrive(source: Path, git: Git, tmp_path: Path) -> None:
    git("update-ref", "refs/assay/releases/x", "HEAD")
    git("branch", "other")
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    for rev in ("HEAD", "main", "other", "v1", "refs/assay/releases/x"):
        assert _read(mirror, f"{rev}:a.assay") == b"one"


def test_a_second_use_brings_what_is_new_and_drops_what_is_gone(
    source: Path, git: Git, tmp_path: Path
) -> None:
    git("branch", "old")
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    (source / "a.assay").write_text("two")
    git("commit", "-qam", "two")
    git("branch", "-D", "old")
    assert checkout_less_clone(str(source), tmp_path / "cache") == mirror
    assert _read(mirror, "HEAD:a.assay") == b"two"
    assert _read(mirror, "old:a.assay") is None


def test_head_follows_what_the_source_has_checked_out(
    source: Path, git: Git, tmp_path: Path
) -> None:
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    git("checkout", "-q", "-b", "next")
    (source / "a.assay").write_text("next")
    git("commit", "-qam", "next")
    checkout_less_clone(str(source), tmp_path / "cache")
    assert _read(mirror, "HEAD:a.assay") == b"next"
    assert _read(mirror, "main:a.assay") == b"one"


def test_a_rewritten_branch_is_followed(source: Path, git: Git, tmp_path: Path) -> None:
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    (source / "a.assay").write_text("amended")
    git("commit", "-qa", "--amend", "-m", "x")
    checkout_less_clone(str(source), tmp_path / "cache")
    assert _read(mirror, "main:a.assay") == b"amended"


def test_a_known_commit_needs_no_source(source: Path, tmp_path: Path) -> None:
    commit = head_commit(source)
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    shutil.rmtree(source)
    assert checkout_less_clone(str(source), tmp_path / "cache", rev=commit) == mirror
    with pytest.raises(NotFound):
        checkout_less_clone(str(source), tmp_path / "cache", rev="main")


def test_an_unknown_commit_is_not_found(source: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        checkout_less_clone(str(source), tmp_path / "cache", rev="1" * 40)
    assert caught.value.code == "revision-missing"


def test_an_empty_source_is_an_empty_copy(root: Path, tmp_path: Path) -> None:
    mirror = checkout_less_clone(str(root), tmp_path / "cache")
    assert head_commit(mirror, foreign=True) is None
    assert checkout_less_clone(str(root), tmp_path / "cache") == mirror


def test_a_sha256_source_is_copied(tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.mkdir()
    git = git_in(long)
    git("init", "-q", "--object-format=sha256")
    git("commit", "-q", "--allow-empty", "-m", "x")
    mirror = checkout_less_clone(str(long), tmp_path / "cache")
    checkout_less_clone(str(long), tmp_path / "cache")
    assert head_commit(mirror, foreign=True) == head_commit(long)


def test_a_missing_source_is_not_found_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        checkout_less_clone(str(tmp_path / "gone"), tmp_path / "cache")
    assert caught.value.code == "git-repository-missing"
    assert [name for name in os.listdir(tmp_path / "cache") if not name.endswith(".lock")] == []


def test_a_copy_that_was_killed_is_made_again(source: Path, tmp_path: Path) -> None:
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    shutil.rmtree(mirror)
    mirror.with_suffix(".unfinished").mkdir()
    (mirror.with_suffix(".unfinished") / "HEAD").write_text("garbage")
    assert checkout_less_clone(str(source), tmp_path / "cache") == mirror
    assert not mirror.with_suffix(".unfinished").exists()
    assert _read(mirror, "v1:a.assay") == b"one"


def test_a_second_process_waits_and_says_so(source: Path, tmp_path: Path) -> None:
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    handle = os.open(mirror.with_suffix(".lock"), os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    notes = Notes()
    waiting = threading.Thread(
        target=checkout_less_clone,
        args=(str(source), tmp_path / "cache"),
        kwargs={"progress": notes},
    )
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert notes.lines[0].startswith("waiting for another assay")
    os.close(handle)
    waiting.join(20)
    assert not waiting.is_alive()


def test_hooks_and_templates_do_not_run(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    templates = tmp_path / "templates"
    for hooks in (templates / "hooks", source / ".git" / "hooks"):
        hooks.mkdir(parents=True, exist_ok=True)
        for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"):
            (hooks / name).write_text(f"#!/bin/sh\ntouch '{ran}'\n")
            (hooks / name).chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(templates))
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    checkout_less_clone(str(source), tmp_path / "cache")
    assert not ran.exists()
    assert not (mirror / "hooks").exists()


def test_a_users_ban_on_bare_repositories_does_not_stand_in_the_way(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[safe]\n\tbareRepository = explicit\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    mirror = checkout_less_clone(str(source), tmp_path / "cache")
    with ObjectReader(mirror, bare=True, foreign=True) as reader:
        assert reader.read_path("HEAD", b"a.assay") == b"one"
        assert len(reader.list_tree("HEAD")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch pwned'",
        "fd::7",
        "transport::address",
        "--upload-pack=touch pwned",
        "-u",
        "",
        "ssh://-oProxyCommand=touch/x",
        "ssh://me@-oProxyCommand=touch/x",
        "-oProxyCommand=touch:x",
        "me@-oProxyCommand=touch:x",
        "persistent-https://host/x",
        "https://host/x\nfile:///y",
    ],
)
def test_addresses_that_could_run_something_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        checkout_less_clone(url, tmp_path / "cache")
    assert caught.value.code == "git-url-refused"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("rev", ["--upload-pack=x", "-x", ""])
def test_a_revision_that_is_an_option_is_refused(source: Path, rev: str, tmp_path: Path) -> None:
    with pytest.raises(AssayError):
        checkout_less_clone(str(source), tmp_path / "cache", rev=rev)


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://example.org/team/data", True),
        ("ssh://git@example.org:22/x.git", True),
        ("git@example.org:team/data.git", True),
        ("file:///srv/data", False),
        ("/srv/data", False),
        ("../data", False),
        ("data", False),
    ],
)
def test_ordinary_addresses_are_told_apart(url: str, remote: bool) -> None:
    assert require_safe_url(url) == url
    assert is_remote_url(url) is remote


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://example.org/team/data", None),
        ("git@example.org:team/data.git", None),
        ("file:///srv/my%20data", "/srv/my data"),
        ("/srv/data.git", "/srv/data.git"),
        ("/srv/data/.git", "/srv/data"),
    ],
)
def test_an_address_on_this_machine_has_a_folder(url: str, folder: str | None) -> None:
    assert local_folder(url) == folder
