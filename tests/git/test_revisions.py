"""Nothing that keeps a commit alive is overlooked when commits are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.git import revisions
from git_repositories import Git, git_in


def _commit(git: Git, message: str) -> str:
    git("commit", "-q", "--allow-empty", "-m", message)
    return git("rev-parse", "HEAD").decode()


def test_a_repository_without_commits_has_none(root: Path) -> None:
    assert revisions.all_branches(root) == []
    assert revisions.stashes(root) == []
    assert revisions.worktree_heads(root) == []
    assert revisions.protected_tips(root) == []
    assert revisions.all_commits(root) == []
    assert revisions.reflog_commits(root) == []


def test_branches_and_tags_are_told_apart(root: Path, git: Git) -> None:
    first = _commit(git, "1")
    git("tag", "light")
    git("tag", "-am", "x", "heavy")
    git("branch", "other")
    second = _commit(git, "2")
    assert set(revisions.all_branches(root)) == {first, second}
    assert revisions.all_tags(root) == [first]


def test_tags_of_trees_and_blobs_are_passed_over(root: Path, git: Git) -> None:
    commit = _commit(git, "1")
    git("tag", "tree", "HEAD^{tree}")
    git("tag", "-am", "x", "nested", "HEAD^{tree}")
    assert revisions.all_tags(root) == []
    assert revisions.protected_tips(root) == [commit]


def test_branches_of_other_repositories_count_apart(root: Path, git: Git, tmp_path: Path) -> None:
    commit = _commit(git, "1")
    git_in(tmp_path)("clone", "-q", str(root), "copy")
    copy = tmp_path / "copy"
    own = _commit(git_in(copy), "2")
    assert revisions.all_branches(copy) == [own]
    assert revisions.remote_branches(copy) == [commit]


def test_every_stash_entry_counts_with_its_untracked_files(root: Path, git: Git) -> None:
    _commit(git, "1")
    for name in ("a", "b"):
        (root / name).write_text(name)
        git("stash", "push", "-q", "--include-untracked")
    found = set(revisions.stashes(root))
    for name in ("stash@{0}", "stash@{1}"):
        for part in ("", "^2", "^3"):
            assert git("rev-parse", name + part).decode() in found
    assert found <= set(revisions.protected_tips(root))
    assert found <= set(revisions.all_commits(root))


def test_a_detached_work_tree_counts(root: Path, git: Git, tmp_path: Path) -> None:
    base = _commit(git, "1")
    git("worktree", "add", "-q", "--detach", str(tmp_path / "wt"))
    lost = _commit(git_in(tmp_path / "wt"), "only here")
    assert set(revisions.worktree_heads(root)) == {base, lost}
    assert lost in revisions.protected_tips(root)
    assert lost in revisions.all_commits(root)
    assert set(revisions.worktree_heads(tmp_path / "wt")) == {base, lost}


@pytest.mark.parametrize("ref", ["refs/exps/ab/cd/name", "refs/assay/releases/x/1.0", "refs/odd/x"])
def test_commits_under_any_ref_are_kept(root: Path, git: Git, ref: str) -> None:
    base = _commit(git, "1")
    git("checkout", "-q", "--detach")
    kept = _commit(git, "off branch")
    git("update-ref", ref, kept)
    git("checkout", "-q", "main")
    assert kept in revisions.protected_tips(root)
    assert set(revisions.all_commits(root)) == {base, kept}
    expected = {"refs/exps": revisions.all_experiments, "refs/assa": revisions.own_refs}
    for prefix, listed in expected.items():
        assert listed(root) == ([kept] if ref.startswith(prefix) else [])


def test_the_reflog_remembers_what_no_ref_names(root: Path, git: Git) -> None:
    _commit(git, "1")
    gone = _commit(git, "2")
    git("reset", "-q", "--hard", "HEAD~1")
    assert gone not in revisions.all_commits(root)
    assert gone in revisions.reflog_commits(root)


def test_history_is_newest_first_and_can_be_cut(root: Path, git: Git) -> None:
    ids = [_commit(git, str(n)) for n in range(4)]
    assert revisions.history(root, [ids[-1]]) == ids[::-1]
    assert revisions.history(root, [ids[-1]], max_count=2) == ids[:1:-1]
    assert revisions.history(root, []) == []


def test_commits_of_the_last_while_are_chosen_by_date(
    root: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for year in (2019, 2020, 2021):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-06-01T00:00:00Z")
        ids.append(_commit(git, str(year)))
    assert revisions.commits_since(root, [ids[-1]], "2020-01-01") == [ids[2], ids[1]]
    assert revisions.commits_since(root, [ids[-1]], "2022-01-01") == []
    assert revisions.commits_since(root, [], "2022-01-01") == []


def test_a_user_who_shows_signatures_in_logs_changes_nothing(root: Path, git: Git) -> None:
    _commit(git, "1")
    git("config", "log.showSignature", "true")
    git("config", "log.date", "human")
    (root / "a").write_text("a")
    git("stash", "push", "-q", "--include-untracked")
    assert all(len(commit) == 40 for commit in revisions.stashes(root))
