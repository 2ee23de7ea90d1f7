"""``init``: begin a repository."""

from __future__ import annotations

import os
from pathlib import Path

from assay.api.context import Context
from assay.api.repository import Repository
from assay.core.dialect import DIALECTS, NATIVE, Dialect
from assay.core.progress import SILENT, Progress
from assay.errors import Conflict, InvalidInput
from assay.settings import find_root
from assay.store.durable import disk_errors, write_atomic

_GITIGNORE = "/config.local.toml\n/tmp\n/cache\n/trash\n/runs\n/index.db*\n"
_IGNORE_FILE = "# Paths that assay leaves out of tracked data, in the syntax of .gitignore.\n"


def init(
    path: str | os.PathLike[str] = ".",
    *,
    dialect: Dialect = NATIVE,
    uses_git: bool = True,
    subdirectory: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> Repository:
    """Begin a repository in ``path``, which must be the top of a Git work tree.

    ``uses_git=False`` needs no Git; ``subdirectory`` allows a folder below the top.  An
    existing repository is refused unless ``force``, which rewrites its ignore rules and keeps
    configuration, cache and pointers.
    """
    root = Path(os.path.abspath(path))
    _refuse_init(root, uses_git=uses_git, subdirectory=subdirectory, force=force)
    home = root / dialect.home
    with disk_errors(str(home)):
        os.makedirs(home / "tmp", exist_ok=True)
        write_atomic(str(home / ".gitignore"), _GITIGNORE.encode())
        if not (home / "config.toml").exists():
            text = "" if uses_git else "[core]\nno_scm = true\n"
            write_atomic(str(home / "config.toml"), text.encode())
        if not (root / dialect.ignore_file).exists():
            write_atomic(str(root / dialect.ignore_file), _IGNORE_FILE.encode())
    context = Context(root, dialect, progress=progress)
    context.cache.ensure()
    if uses_git:
        from assay.git.ignore import stage

        names = (".gitignore", "config.toml")
        stage(os.fsencode(root), [os.fsencode(f"{dialect.home}/{name}") for name in names])
        stage(os.fsencode(root), [os.fsencode(dialect.ignore_file)])
    return Repository(context)


def _refuse_init(root: Path, *, uses_git: bool, subdirectory: bool, force: bool) -> None:
    found = find_root(root, DIALECTS)
    if found is not None and found[0] == root and not force:
        raise Conflict(
            "project-exists",
            f"{root} is an assay repository already.",
            fix="Use it as it is; --force renews its ignore rules and keeps everything else.",
        )
    if not uses_git:
        return
    top = next((f for f in (root, *root.parents) if (f / ".git").exists()), None)
    if top is None:
        raise InvalidInput(
            "git-required",
            f"{root} is not in a Git repository.",
            why="Git keeps the history of the pointers.",
            fix="Run `git init` first, or use --no-scm to do without Git.",
        )
    if top != root and not subdirectory:
        raise InvalidInput(
            "init-not-at-top",
            f"{root} is not the top of its Git repository ({top}).",
            fix="Run it there, or use --subdir for a project of its own in this folder.",
        )
