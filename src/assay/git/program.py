"""The one place that starts the `git` program: arguments, environment and errors.

Git is never run through a shell and never asks questions.  A *foreign* repository is one that
somebody else wrote: its hooks and monitors stay off, and the variables by which a surrounding
Git command redirects its children do not apply to it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assay.errors import AssayError, InvalidInput, NotFound, RemoteRefused, Temporary

Location = str | bytes | Path

_ALWAYS = ("-c", "protocol.ext.allow=never")
_FOREIGN = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")

# What Git exports to its hooks and what points it at another repository, index or object store.
_REDIRECTIONS = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_TEMPLATE_DIR",
        "GIT_WORK_TREE",
    }
)

# (text in Git's English messages, error class, code, fix); the first that occurs decides.
_REACTIONS: tuple[tuple[str, type[AssayError], str, str], ...] = (
    (
        ".lock': File exists",
        Temporary,
        "git-locked",
        "Wait for the other Git command to finish, then try again.",
    ),
    (
        "could not read Username",
        RemoteRefused,
        "git-refused",
        "Store the credentials in a Git credential helper; assay never asks for a password.",
    ),
    (
        "Authentication failed",
        RemoteRefused,
        "git-refused",
        "Check the credentials that Git has for this address.",
    ),
    (
        "Permission denied (",
        RemoteRefused,
        "git-refused",
        "Check that you may read this repository (`git ls-remote ADDRESS`).",
    ),
    (
        "dubious ownership",
        RemoteRefused,
        "git-refused",
        "Another user owns this repository; add it to Git's safe.directory if you trust it.",
    ),
    (
        "does not appear to be a git repository",
        NotFound,
        "git-repository-missing",
        "Check the address for a typing mistake.",
    ),
    (
        "epository not found",
        NotFound,
        "git-repository-missing",
        "Check the address, and that you may read the repository.",
    ),
    (
        "fatal: repository '",
        NotFound,
        "git-repository-missing",
        "Check the address, and that you may read the repository.",
    ),
    (
        "not a git repository",
        NotFound,
        "git-repository-missing",
        "Run the command inside a Git repository, or begin one with `git init`.",
    ),
    ("Could not resolve host", Temporary, "git-unreachable", "Try again when the network is back."),
    ("Connection timed out", Temporary, "git-unreachable", "Try again when the network is back."),
    ("Connection refused", Temporary, "git-unreachable", "Try again when the server is back."),
    ("Failed to connect", Temporary, "git-unreachable", "Try again when the server is back."),
    ("unexpectedly disconnected", Temporary, "git-unreachable", "Try again."),
    ("Connection reset", Temporary, "git-unreachable", "Try again."),
)


def child_environment(*, foreign: bool) -> dict[str, str]:
    """The environment Git is started with: inherited by the child, not interpreted here."""
    environ = dict(os.environ)
    if foreign:
        environ["GIT_NO_LAZY_FETCH"] = "1"  # reading objects must not contact a promised remote
        for name in list(environ):
            if name in _REDIRECTIONS or name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")):
                del environ[name]
    elif "GIT_DIR" in environ:
        _anchor(environ)
    environ.update(
        GIT_TERMINAL_PROMPT="0",
        GIT_OPTIONAL_LOCKS="0",  # reading must not contend with the user's own Git commands
        LC_ALL="C",  # errors are recognised by their English text
        LANGUAGE="",
    )
    return environ


def _anchor(environ: dict[str, str]) -> None:
    """Make a hook's relative GIT_DIR hold in every folder that Git is started from.

    GIT_DIR without GIT_WORK_TREE declares the current folder the top of the work tree, which a
    project in a sub-folder is not; Git then finds the repository by itself from the folder.
    """
    if "GIT_WORK_TREE" not in environ:
        del environ["GIT_DIR"]
        return
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        environ[name] = os.path.abspath(environ[name])


def command(args: Sequence[str | bytes], *, foreign: bool) -> list[str | bytes]:
    """The argument vector for a Git command with the settings that always hold."""
    return ["git", *_ALWAYS, *(_FOREIGN if foreign else ()), *args]


def run_git(
    args: Sequence[str | bytes],
    *,
    cwd: Location,
    input: bytes | None = None,
    check: bool = True,
    accept: tuple[int, ...] = (0,),
    foreign: bool = False,
) -> bytes:
    """Run one Git command in ``cwd`` and return what it wrote to its standard output.

    An exit status outside ``accept`` is an error that carries Git's own words, unless ``check``
    is false.  Raises NotFound ``git-missing`` when there is no Git program.
    """
    import subprocess

    try:
        done = subprocess.run(
            command(args, foreign=foreign),
            cwd=cwd,
            env=child_environment(foreign=foreign),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise missing_program(cwd) from error
    if check and done.returncode not in accept:
        raise failure(args, done.returncode, done.stderr)
    return done.stdout


def missing_program(cwd: Location) -> NotFound:
    """The error for a Git program that could not be started in ``cwd``."""
    if not os.path.isdir(cwd):
        shown = os.fsdecode(cwd)
        return NotFound("path-missing", f"There is no folder {shown}.", paths=(shown,))
    return NotFound(
        "git-missing",
        "The git program was not found.",
        why="assay reads commits, tags and refs through it.",
        fix="Install Git 2.30 or newer and make sure that it is on the PATH.",
    )


def failure(args: Sequence[str | bytes], status: int, stderr: bytes) -> AssayError:
    """What a failed Git command means for the caller, in Git's own words."""
    verb = _verb([os.fsdecode(arg) for arg in args])
    said = stderr.decode("utf-8", "backslashreplace").strip()
    why = said[-2000:] or f"It ended with status {status} and said nothing."
    for text, kind, code, fix in _REACTIONS:
        if text in said:
            return kind(code, f"`git {verb}` failed.", why=why, fix=fix)
    return InvalidInput("git-failed", f"`git {verb}` failed.", why=why)


def _verb(args: list[str]) -> str:
    """The Git command among its arguments: what is no option, nor the value of one."""
    for before, arg in zip(["", *args], args, strict=False):
        if not arg.startswith("-") and before not in ("-c", "-C"):
            return arg
    return ""


def find_worktree(start: Path) -> Path | None:
    """The top of the Git work tree that holds ``start``, or None outside one.  Starts nothing."""
    start = Path(os.path.abspath(start))
    for folder in (start, *start.parents):
        if os.path.lexists(folder / ".git"):
            return folder
    return None


def require_revision(rev: str) -> str:
    """``rev`` when it cannot be mistaken for an option or split a request in two."""
    if not rev or rev.startswith("-") or any(ord(c) < 32 or ord(c) == 127 for c in rev):
        raise InvalidInput(
            "revision-invalid",
            f"{rev!r} is not a revision.",
            why="A revision is a branch, tag or commit, and does not begin with '-'.",
        )
    return rev
