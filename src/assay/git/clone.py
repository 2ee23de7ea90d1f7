"""Keeps bare copies of other people's repositories, to be read and never checked out.

There is no work tree, so nothing of such a repository ever runs: no hook, no filter, no
sub-module, no plug-in.  An address is data too: one that Git would read as an option or hand to
a helper program is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from assay.core.progress import SILENT, Progress
from assay.errors import InvalidInput, NotFound
from assay.git.program import require_revision, run_git

_SCHEMES = frozenset({"file", "git", "http", "https", "ssh", "git+ssh", "ssh+git"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP_STYLE = re.compile(r"(?:[^/:@]+@)?([^/:]+):")
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFSPECS = (
    "+HEAD:refs/source/HEAD",
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    "+refs/assay/*:refs/assay/*",
    "+refs/exps/*:refs/exps/*",
)
_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")


def require_safe_url(url: str) -> str:
    """``url`` when Git will treat it as nothing but an address or a path.

    Raises InvalidInput ``git-url-refused`` for options, helper programs (``ext::``, ``fd::``
    and any other ``name::``), unknown schemes and hosts that `ssh` would read as options.
    """
    problem = _url_problem(url)
    if problem:
        raise InvalidInput(
            "git-url-refused",
            f"{url!r} is not an address of a Git repository that assay opens.",
            why=problem,
            fix="Use a path, or an https, ssh, git or file address.",
        )
    return url


def _url_problem(url: str) -> str:
    if not url or any(ord(c) < 32 or ord(c) == 127 for c in url):
        return "It is empty or holds control characters."
    if url.startswith("-"):
        return "Git would read it as an option."
    if _HELPER.match(url):
        return "It names a helper program that Git would start."
    scheme = _SCHEME.match(url)
    if scheme:
        if scheme[1].lower() not in _SCHEMES:
            return f"Its scheme {scheme[1]!r} is not one of those that Git itself serves."
        authority = scheme[2].split("/", 1)[0]
        return _host_problem(authority)
    host_and_path = _SCP_STYLE.match(url)
    return _host_problem(host_and_path[0]) if host_and_path else ""


def _host_problem(authority: str) -> str:
    if authority.startswith("-") or authority.rpartition("@")[2].startswith("-"):
        return "Its user or host begins with '-', which `ssh` would read as an option."
    return ""


def is_remote_url(url: str) -> bool:
    """Whether ``url`` names another machine's repository instead of a folder on this one."""
    scheme = _SCHEME.match(url)
    if scheme:
        return scheme[1].lower() != "file"
    return bool(_SCP_STYLE.match(url)) and not os.path.exists(url)


def local_folder(url: str) -> str | None:
    """The folder of this machine that holds the repository at ``url``, where there is one."""
    if is_remote_url(url):
        return None
    scheme = _SCHEME.match(url)
    path = os.path.abspath(unquote(scheme[2]) if scheme else url)
    return os.path.dirname(path) if os.path.basename(path) == ".git" else path


def checkout_less_clone(
    url: str,
    cache_dir: Path,
    *,
    rev: str | None = None,
    progress: Progress = SILENT,
) -> Path:
    """A bare copy of the repository at ``url`` under ``cache_dir``, brought up to date.

    Its ``HEAD`` is what the source has checked out.  When ``rev`` is a full commit id that the
    copy already has, nothing is fetched.  Two processes that want the same copy take turns.
    """
    require_safe_url(url)
    if rev is not None:
        require_revision(rev)
    if not is_remote_url(url) and not _SCHEME.match(url):
        url = os.path.abspath(url)  # a relative path would be looked up from the copy
    name = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    cache_dir.mkdir(parents=True, exist_ok=True)
    mirror = cache_dir / f"{name}.git"
    with _exclusive(cache_dir / f"{name}.lock", url, progress):
        if _has_commit(mirror, rev):
            return mirror
        if not (mirror / "HEAD").exists():
            _create(url, mirror, progress)
        progress.note(f"fetching {_without_secret(url)}")
        _fetch(url, mirror)
        _fetch_unadvertised(url, mirror, rev)
    return mirror


@contextmanager
def _exclusive(lock: Path, url: str, progress: Progress) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.note(f"waiting for another assay that fetches {_without_secret(url)}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _has_commit(mirror: Path, rev: str | None) -> bool:
    if rev is None or not _FULL_ID.fullmatch(rev) or not mirror.exists():
        return False
    args = [*_git_dir(mirror), "cat-file", "-e", f"{rev}^{{commit}}"]
    try:
        run_git(args, cwd=mirror, foreign=True)
    except InvalidInput:
        return False
    return True


def _create(url: str, mirror: Path, progress: Progress) -> None:
    """Clone beside the final name, then rename: a killed clone leaves nothing that is used."""
    progress.note(f"cloning {_without_secret(url)}")
    unfinished = mirror.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(mirror, ignore_errors=True)
    # --no-local: hard links to a folder of somebody else's could change under us.
    options = ["--bare", "--quiet", "--no-local", "--template=", "--no-recurse-submodules"]
    args = [*_PLAIN, "clone", *options, "--", url, str(unfinished)]
    try:
        run_git(args, cwd=mirror.parent, foreign=True)
        os.rename(unfinished, mirror)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fetch(url: str, mirror: Path) -> None:
    fetch = [*_PLAIN, *_git_dir(mirror), "fetch", "--quiet", "--prune", "--no-tags", "--force"]
    fetch += ["--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head"]
    try:
        run_git([*fetch, "--", url, *_REFSPECS], cwd=mirror, foreign=True)
    except InvalidInput as error:
        if "couldn't find remote ref HEAD" not in error.why:
            raise
        # HEAD names a branch without commits: there may be others all the same.
        run_git([*fetch, "--", url, *_REFSPECS[1:]], cwd=mirror, foreign=True)
        return
    head = ["update-ref", "--no-deref", "HEAD", "refs/source/HEAD"]
    run_git([*_git_dir(mirror), *head], cwd=mirror, foreign=True)


def _fetch_unadvertised(url: str, mirror: Path, rev: str | None) -> None:
    """Ask for a commit that no branch or tag reaches; many hosts hand it out by its full id."""
    if rev is None or not _FULL_ID.fullmatch(rev) or _has_commit(mirror, rev):
        return
    keep = f"+{rev}:refs/source/pinned/{rev}"
    args = [*_PLAIN, *_git_dir(mirror), "fetch", "--quiet", "--no-tags", "--", url, keep]
    try:
        run_git(args, cwd=mirror, foreign=True)
    except InvalidInput as error:
        raise NotFound(
            "revision-missing",
            f"There is no commit {rev} in {_without_secret(url)}.",
            why=error.why,
        ) from error


def _git_dir(mirror: Path) -> list[str]:
    # Named outright, so a user's safe.bareRepository=explicit does not stand in the way.
    return [f"--git-dir={mirror}"]


def _without_secret(url: str) -> str:
    """``url`` as it may be shown: without what stands before the host's ``@``."""
    return re.sub(r"(://)[^/@]*:[^/@]*@", r"\1", url)
