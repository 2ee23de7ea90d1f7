"""``doctor``: what this machine and repository can do, and what is wrong with them."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from assay import __version__
from assay.api.context import Context
from assay.api.findings import OK, PROBLEM, WARNING, Finding
from assay.data.checkout import folds_names
from assay.errors import AssayError
from assay.settings import find_root
from assay.store.filesystem import file_system_type, working_link_types

_SCARCE_BYTES = 2 << 30


def diagnose(start: Path) -> list[Finding]:
    """Every check that applies here; works outside a repository too."""
    findings = [
        Finding(check="assay", verdict=OK, detail=__version__),
        Finding(
            check="python",
            verdict=OK,
            detail=f"{platform.python_version()} on {platform.platform(terse=True)}",
        ),
        _git(),
    ]
    if find_root(start) is None:
        return [
            *findings,
            Finding(check="repository", verdict=WARNING, detail="none here", fix="assay init"),
        ]
    context = Context.find(start)
    try:
        for check, run in _CHECKS:
            findings += _guarded(check, run, context)
    finally:
        context.close()
    return findings


def _guarded(
    check: str, run: Callable[[Context], Iterator[Finding]], context: Context
) -> list[Finding]:
    """A check's findings; what it raises is a finding as well."""
    try:
        return list(run(context))
    except AssayError as error:
        return [Finding(check=check, verdict=PROBLEM, detail=error.what, fix=error.fix)]
    except OSError as error:
        return [Finding(check=check, verdict=PROBLEM, detail=str(error))]


def _git() -> Finding:
    from assay.git.program import run_git

    try:
        version = run_git(["--version"], cwd=os.getcwd()).decode("ascii", "replace").strip()
    except AssayError as error:
        return Finding(check="git", verdict=PROBLEM, detail=error.what, fix=error.fix)
    return Finding(check="git", verdict=OK, detail=version.removeprefix("git version "))


def _repository(context: Context) -> Iterator[Finding]:
    detail = f"{context.root} ({context.dialect.name}, {len(context.tracked())} tracked)"
    yield Finding(check="repository", verdict=OK, detail=detail)
    if not context.is_writable:
        yield Finding(
            check="repository", verdict=WARNING, detail="read-only: nothing is remembered"
        )
    if folds_names(os.fsencode(context.root)):
        yield Finding(
            check="repository",
            verdict=WARNING,
            detail="this file system does not tell upper from lower case",
        )


def _cache(context: Context) -> Iterator[Finding]:
    cache = context.cache
    cache.ensure()
    objects = sum(segment.count for segment in cache.segments())
    loose = sum(1 for _ in cache.loose_digests())
    kind = file_system_type(cache.root) or "unknown file system"
    detail = f"{cache.root} ({kind}; {objects} packed and {loose} loose objects)"
    yield Finding(check="cache", verdict=OK, detail=detail)
    free = shutil.disk_usage(cache.root).free
    verdict = WARNING if free < _SCARCE_BYTES else OK
    fix = "assay gc" if verdict == WARNING else ""
    yield Finding(check="disk", verdict=verdict, detail=f"{free / (1 << 30):.1f} GiB free", fix=fix)


def _links(context: Context) -> Iterator[Finding]:
    working = working_link_types(context.cache.tmp_folder, context.home)
    configured = context.settings.cache.types
    usable = [kind for kind in configured if kind in working]
    detail = f"{', '.join(working)} work; configured: {', '.join(configured)}"
    verdict, fix = (OK, "") if usable else (WARNING, "assay config cache.type reflink,copy")
    yield Finding(check="links", verdict=verdict, detail=detail, fix=fix)
    is_root = sys.platform != "win32" and os.geteuid() == 0
    if is_root and configured[0] in ("hardlink", "symlink"):
        yield Finding(
            check="links",
            verdict=WARNING,
            detail="you are root: a write through a link would change the cache's object",
            fix="assay config cache.type reflink,copy",
        )


def _index(context: Context) -> Iterator[Finding]:
    index = context.workspace.index
    index.folders(b"")
    yield Finding(check="index", verdict=OK, detail=index.path)


def _remotes(context: Context) -> Iterator[Finding]:
    if not context.settings.remotes:
        yield Finding(
            check="remote",
            verdict=WARNING,
            detail="none: the data is on this machine only",
            fix="assay remote add --default NAME URL",
        )
    for name in context.settings.remotes:
        try:
            remote = context.remote(name)
            remote.missing({bytes(32)})
        except AssayError as error:
            yield Finding(check=f"remote {name}", verdict=PROBLEM, detail=error.what, fix=error.fix)
        else:
            detail = f"{remote.describe()} ({remote.layout})"
            yield Finding(check=f"remote {name}", verdict=OK, detail=detail)


def _releases(context: Context) -> Iterator[Finding]:
    from assay.api.releases.doctor import examine

    yield from examine(context)


_CHECKS: tuple[tuple[str, Callable[[Context], Iterator[Finding]]], ...] = (
    ("repository", _repository),
    ("cache", _cache),
    ("links", _links),
    ("index", _index),
    ("remote", _remotes),
    ("releases", _releases),
)
