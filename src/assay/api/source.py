"""A snapshot to read from: any repository (path or Git URL) at any revision, nothing run.

A foreign repository is data.  Its hooks and plug-ins stay off; of its settings only the
addresses of its remotes count, and only as its commit has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assay.core.dialect import DIALECTS, Dialect
from assay.core.digest import ObjectKind
from assay.core.manifest import Manifest
from assay.core.progress import SILENT, Progress
from assay.data.access import content_of, find_output, not_there
from assay.data.history import tracked_at
from assay.data.model import Tracked, printable
from assay.errors import AssayError, IntegrityError, InvalidInput, NotFound
from assay.git.clone import (
    checkout_less_clone,
    is_remote_url,
    local_folder,
    require_safe_url,
)
from assay.git.objects import ObjectReader
from assay.pipelines.tracked import StageFiles
from assay.settings import (
    CommittedRemotes,
    cache_folder,
    committed_remotes,
    find_root,
)
from assay.store.cache import Cache

# What remotes need is loaded when one is opened: most reads find everything in the cache.
if TYPE_CHECKING:
    from assay.api.context import Context
    from assay.releases.contents import Snapshot
    from assay.store.remote.port import Remote


class Source:
    """One revision of one repository, opened for reading.

    ``cache`` is where objects are looked up first and where they are kept once fetched.
    """

    def __init__(
        self,
        reader: ObjectReader,
        rev: str,
        dialect: Dialect,
        cache: Cache,
        find_remotes: Callable[[], CommittedRemotes],
        state_dir: str,
        *,
        is_local: bool,
        remote: str | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self.reader = reader
        self.rev = rev
        self.dialect = dialect
        self.cache = cache
        self.progress = progress
        self._find_remotes = find_remotes
        self._state_dir = state_dir
        self.is_local = is_local
        self._remote = remote
        if remote is not None:
            self._remote_settings  # noqa: B018 - a name that is wrong is told at once

    @cached_property
    def tracked(self) -> list[Tracked]:
        """Every tracked path of the revision."""
        return tracked_at(self.reader, self.rev, self.dialect, (StageFiles(self.dialect),))

    @cached_property
    def _remote_settings(self) -> CommittedRemotes:
        found = self._find_remotes()
        return found if self._remote is None else _only(found, self._remote)

    @cached_property
    def remotes(self) -> list[Remote]:
        """The repository's remotes, the default one first; unusable ones are left out."""
        from assay.store.remote.resolve import open_remote

        found = self._remote_settings
        opened = []
        for name in dict.fromkeys([found.default, *found.by_name]):
            settings = found.by_name.get(name or "")
            if settings is None:
                continue
            try:
                opened.append(
                    open_remote(
                        settings.url,
                        layout=settings.layout or self.dialect.default_layout,
                        state_dir=os.path.join(self._state_dir, settings.name),
                    )
                )
            except AssayError:
                continue
        return opened

    def read_node(self, digest: bytes) -> bytes:
        """A manifest node, from wherever it is."""
        try:
            return self.cache.read(digest, ObjectKind.NODE)
        except (NotFound, IntegrityError):
            pass  # only now is a remote worth opening
        from assay.data.transfer import read_node_anywhere

        try:
            return read_node_anywhere(self.cache, self.remotes, digest)
        except NotFound as error:
            if error.code not in ("object-missing", "remote-object-missing"):
                raise
            raise self._unavailable({digest}) from None

    def content(self, path: bytes) -> tuple[Manifest, bool]:
        """(rows, is a single file) of a tracked path or of what lies inside one."""
        found = find_output(self.tracked, path)
        if found is None:
            raise not_there(printable(path))
        return content_of(found[0], found[1], self.read_node)

    def git_files(self, top: bytes) -> list[tuple[bytes, int, int | None]]:
        """(path, mode, size where known) of the files Git keeps at or below ``top``."""
        if self.rev:
            return [
                (path, mode, None) for path, mode, _ in self.reader.list_tree(self.rev, under=top)
            ]
        from assay.git.program import find_worktree, run_git

        if find_worktree(Path(self.reader.folder)) is None:
            return _files_below(self.reader.folder, top)
        listed = run_git(
            ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.reader.folder,
            foreign=True,
        )
        found: list[tuple[bytes, int, int | None]] = []
        for path in sorted(set(listed.split(b"\0")) - {b""}):
            if not top or path == top or path.startswith(top + b"/"):
                try:
                    stat = os.lstat(os.path.join(os.fsencode(self.reader.folder), path))
                except FileNotFoundError:
                    continue
                found.append((path, stat.st_mode, stat.st_size))
        return found

    def fetch(self, objects: dict[bytes, int]) -> None:
        """Bring objects into the cache; :class:`NotFound` or :class:`IntegrityError` else."""
        damaged: dict[bytes, str] = {}
        if not self.cache.missing(objects):
            return
        for remote in self.remotes:
            absent = self.cache.missing(objects)
            if not absent:
                return
            with self.cache.writing(self.progress):
                report = remote.fetch(
                    self.cache, {d: objects[d] for d in absent}, progress=self.progress
                )
            damaged.update(report.damaged)
            self.cache.refresh()
        absent = self.cache.missing(objects)
        if absent and damaged:
            raise _refused(damaged)
        if absent:
            raise self._unavailable(absent)

    def heal(self, objects: dict[bytes, int]) -> None:
        """Put good copies from a remote in place of damaged objects, where one has them."""
        from assay.data.transfer import healer

        healer(self.cache, lambda: self.remotes, lambda *_: None, progress=self.progress)(objects)

    def _unavailable(self, absent: set[bytes]) -> NotFound:
        first = min(absent).hex()
        why = "The repository has no remote that can be used from here."
        fix = "Run `assay push` in a clone that has the data."
        if self.remotes:
            why = "No remote of the repository holds them."
        elif unreachable := self._remote_settings.unreachable:
            why = f"Its remote is at {unreachable[0]}, which is relative to a clone."
            fix = "Clone it beside that folder and use the clone; or let its owner name the remote "
            fix += "by an address that is the same everywhere."
        return NotFound(
            "fetch-incomplete",
            f"{len(absent)} object(s) could not be had, {first} for one.",
            why=why,
            fix=fix,
        )


def _files_below(root: str, top: bytes) -> list[tuple[bytes, int, int | None]]:
    """The files of a project that does without Git."""
    from assay.store.walk import RESERVED_NAMES

    found: list[tuple[bytes, int, int | None]] = []
    for folder, below, names in os.walk(os.path.join(os.fsencode(root), top)):
        below[:] = [name for name in below if os.fsdecode(name) not in RESERVED_NAMES]
        for name in names:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            found.append((os.path.relpath(path, os.fsencode(root)), stat.st_mode, stat.st_size))
    return sorted(found)


def _refused(damaged: dict[bytes, str]) -> IntegrityError:
    return IntegrityError(
        "remote-damaged",
        f"The remote holds damaged objects: {', '.join(d.hex() for d in list(damaged)[:3])}.",
        why="Their bytes do not match their digests; they were refused.",
        fix="Run `assay verify --remote --repair` in a clone that has the data.",
    )


@contextmanager
def open_source(
    url: str | None,
    rev: str | None = None,
    *,
    remote: str | None = None,
    progress: Progress = SILENT,
) -> Iterator[Source]:
    """A snapshot of the repository at ``url`` (the one around here when ``None``)."""
    if url is not None:
        require_safe_url(url)
    start = Path.cwd() if url is None else local_project(url)
    if start is not None:
        with _local(start, rev, remote, progress) as source:
            yield source
        return
    assert url is not None
    folder = cache_folder()
    mirror = checkout_less_clone(url, folder / "clones", rev=rev, progress=progress)
    with ObjectReader(mirror, bare=True, foreign=True) as reader, _scratch_cache() as cache:
        yield mirrored(reader, rev or "HEAD", cache, url, remote=remote, progress=progress)


def local_project(url: str) -> Path | None:
    """The folder of a project that a path of this machine names.

    None for an address, and for a bare repository, wherever it lies: it has no project folder of
    its own, and is cloned like a remote one.
    """
    if "://" in url or is_remote_url(url):
        return None
    start = Path(url).resolve()
    if (start / "HEAD").is_file() and (start / "objects").is_dir():
        return None
    return start if find_root(start) is not None else None


def mirrored(
    reader: ObjectReader,
    rev: str,
    cache: Cache,
    url: str,
    *,
    remote: str | None = None,
    progress: Progress = SILENT,
) -> Source:
    """One revision of the bare copy of ``url`` that ``reader`` reads; objects go to ``cache``."""
    resolved = reader.resolve(rev)
    dialect = _dialect_of(reader, resolved, url)
    return Source(
        reader,
        resolved,
        dialect,
        cache,
        lambda: committed_remotes(reader.read_path, resolved, dialect, root=local_folder(url)),
        str(cache_folder() / "remotes" / os.path.basename(reader.folder)),
        is_local=False,
        remote=remote,
        progress=progress,
    )


@contextmanager
def _local(
    start: Path, rev: str | None, remote: str | None, progress: Progress
) -> Iterator[Source]:
    from assay.api.context import Context

    context = Context.find(start, progress=progress)
    if not context.uses_git and rev is not None:
        raise InvalidInput(
            "git-required",
            "Only a Git repository has revisions.",
            fix="Leave out the revision.",
        )
    with ObjectReader(context.root, foreign=True) as reader:
        source = source_of(context, reader, rev, remote=remote)
        try:
            yield source
        finally:
            context.close()


def source_of(
    context: Context, reader: ObjectReader, rev: str | None, *, remote: str | None = None
) -> Source:
    """One revision of an open repository (its workspace for ``None``), with its own cache."""

    def find_remotes() -> CommittedRemotes:
        settings = context.settings
        return CommittedRemotes(
            by_name=dict(settings.remotes), default=settings.core.remote, unreachable=()
        )

    source = Source(
        reader,
        reader.resolve(rev) if rev is not None else "",
        context.dialect,
        context.cache,
        find_remotes,
        os.path.join(context.home, "tmp", "remotes"),
        is_local=True,
        remote=remote,
        progress=context.progress,
    )
    if rev is None:
        source.__dict__["tracked"] = context.tracked()
    return source


def snapshot_of(source: Source) -> Snapshot:
    """What releases need of a source."""
    from assay.releases.contents import Snapshot

    return Snapshot(
        reader=source.reader,
        commit=source.rev,
        tracked=source.tracked,
        read_node=source.read_node,
    )


def _only(found: CommittedRemotes, name: str) -> CommittedRemotes:
    remotes = found.by_name
    if name not in remotes:
        raise NotFound(
            "remote-unknown",
            f"The repository has no remote {name!r}.",
            fix=f"It has: {', '.join(sorted(remotes)) or 'none'}.",
        )
    return replace(found, by_name={name: remotes[name]}, default=name)


def _dialect_of(reader: ObjectReader, rev: str, url: str) -> Dialect:
    for dialect in DIALECTS:
        if reader.read_path(rev, os.fsencode(f"{dialect.home}/.gitignore")) is not None:
            return dialect
    raise NotFound(
        "repository-missing",
        f"{url} is no assay repository at this revision.",
        why=f"It has no {DIALECTS[0].home} folder.",
        fix="Check the URL and the revision (--rev).",
    )


@contextmanager
def _scratch_cache() -> Iterator[Cache]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        cache = Cache(folder)
        try:
            yield cache
        finally:
            cache.close()


def blob_objects(rows: Manifest) -> dict[bytes, int]:
    """What must be fetched to write these rows."""
    return dict.fromkeys(rows.blob_digests(), int(ObjectKind.BLOB))
