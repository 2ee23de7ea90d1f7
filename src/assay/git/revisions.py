"""Which commits a repository holds on to: branches, tags, stashes, work trees, our own refs.

Every function returns full commit ids without repetition.  What must keep data alive is the
union in :func:`protected_tips` (or :func:`all_commits` with their histories); refs that name
anything else than a commit are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from assay.git.program import Location, run_git

_LOCAL = ("refs/heads/",)
_REMOTE = ("refs/remotes/",)
_TAGS = ("refs/tags/",)
_EXPERIMENTS = ("refs/exps/",)
_OURS = ("refs/assay/",)


def all_branches(root: Location) -> list[str]:
    """The tips of the local branches."""
    return ref_tips(root, _LOCAL)


def remote_branches(root: Location) -> list[str]:
    """The tips of the branches of other repositories, as last fetched."""
    return ref_tips(root, _REMOTE)


def all_tags(root: Location) -> list[str]:
    """The commits that tags name, through annotated tags."""
    return ref_tips(root, _TAGS)


def all_experiments(root: Location) -> list[str]:
    """The commits of experiments."""
    return ref_tips(root, _EXPERIMENTS)


def own_refs(root: Location) -> list[str]:
    """The commits under ``refs/assay/``: releases, channels and the like."""
    return ref_tips(root, _OURS)


def ref_tips(root: Location, prefixes: Iterable[str] = ()) -> list[str]:
    """The commits that the refs under ``prefixes`` name; under any ref when there are none."""
    names = run_git(
        ["for-each-ref", "--format=%(refname)", *(p.rstrip("/") for p in prefixes)], cwd=root
    )
    return _commits(root, names.splitlines())


def stashes(root: Location) -> list[str]:
    """Every stash entry, with the commits that hold its index and its untracked files."""
    exists = run_git(["for-each-ref", "--format=x", "refs/stash"], cwd=root)
    if not exists:
        return []
    rows = run_git(["rev-list", "-g", "--format=%H %P", "refs/stash", "--"], cwd=root)
    ids: list[str] = []
    for row in rows.decode("ascii").splitlines():
        if row.startswith("commit "):
            continue
        entry, *parents = row.split()
        # The first parent is the commit the stash was made on; its branch speaks for it, but a
        # branch may be gone by now.
        ids += [entry, *parents]
    return _unique(ids)


def worktree_heads(root: Location) -> list[str]:
    """What is checked out in each work tree of the repository, detached or not."""
    heads = [line[5:] for line in _worktree_lines(root) if line.startswith(b"HEAD ")]
    return _unique(h.decode("ascii") for h in heads if h.strip(b"0"))


def worktree_folders(root: Location) -> list[bytes]:
    """The top folder of each work tree of the repository that is there."""
    folders = [line[9:] for line in _worktree_lines(root) if line.startswith(b"worktree ")]
    return [folder for folder in folders if os.path.lexists(os.path.join(folder, b".git"))]


def _worktree_lines(root: Location) -> list[bytes]:
    listed = run_git(["worktree", "list", "--porcelain", "-z"], cwd=root, check=False)
    if not listed:  # before Git 2.36 there is no -z
        listed = run_git(["worktree", "list", "--porcelain"], cwd=root).replace(b"\n", b"\0")
    return listed.split(b"\0")


def reflog_commits(root: Location) -> list[str]:
    """Every commit that a reflog still mentions: what `git reflog` could bring back."""
    # --stdin, with nothing to say on it: without any reflog Git would miss its arguments.
    args = ["rev-list", "--no-walk=unsorted", "--reflog", "--stdin"]
    return _lines(run_git(args, cwd=root, input=b""))


def protected_tips(root: Location) -> list[str]:
    """Every commit that some ref, stash or work tree names: none may lose its data."""
    return _unique([*worktree_heads(root), *ref_tips(root), *stashes(root)])


def all_commits(root: Location) -> list[str]:
    """Every commit reachable from :func:`protected_tips`, newest first."""
    tips = protected_tips(root)
    if not tips:
        return []
    return history(root, tips)


def history(root: Location, tips: Iterable[str], *, max_count: int | None = None) -> list[str]:
    """The commits reachable from ``tips``, newest first; at most ``max_count``."""
    args = ["rev-list", "--stdin"]
    if max_count is not None:
        args.append(f"--max-count={max_count}")
    wanted = "".join(f"{tip}\n" for tip in tips).encode("ascii")
    return _lines(run_git(args, cwd=root, input=wanted)) if wanted else []


def commits_since(root: Location, tips: Iterable[str], since: str) -> list[str]:
    """The commits reachable from ``tips`` that are not older than ``since`` (any Git date)."""
    wanted = "".join(f"{tip}\n" for tip in tips).encode("ascii")
    if not wanted:
        return []
    return _lines(run_git(["rev-list", "--stdin", f"--since={since}"], cwd=root, input=wanted))


def _commits(root: Location, names: Iterable[bytes]) -> list[str]:
    """Peel refs to commits in one process; tags of tags included, trees and blobs left out."""
    wanted = b"".join(name + b"^{commit}\n" for name in names if name)
    if not wanted:
        return []
    args = ["cat-file", "--batch-check=%(objectname)"]
    answers = run_git(args, cwd=root, input=wanted).decode("utf-8", "replace").splitlines()
    return _unique(a for a in answers if " " not in a)


def _lines(output: bytes) -> list[str]:
    return _unique(output.decode("ascii").splitlines())


def _unique(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
