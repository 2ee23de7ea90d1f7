"""What every verb needs of one repository, composed from its settings: the only wiring there is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assay.core.dialect import Dialect
from assay.core.progress import SILENT, Progress
from assay.data.ignore import IgnoreRules
from assay.data.model import Tracked, TrackedSource
from assay.data.outputs import Selection, discover, select
from assay.data.scan import Workspace
from assay.errors import InvalidInput
from assay.pipelines.tracked import StageFiles
from assay.settings import RemoteSettings, Settings, cache_folder, load, require_root
from assay.store.cache import Cache
from assay.store.filesystem import is_network
from assay.store.index import WorkspaceIndex

if TYPE_CHECKING:
    from assay.data.trash import Trash
    from assay.store.remote.port import Remote


class Context:
    """One repository, opened.  Everything in it is made on first use."""

    def __init__(
        self,
        root: Path,
        dialect: Dialect,
        *,
        progress: Progress = SILENT,
        clock: Callable[[], int] = time.time_ns,
        jobs: int | None = None,
    ) -> None:
        self.root = root
        self.dialect = dialect
        self.progress = progress
        self.clock = clock
        self.jobs = jobs
        self._remotes: dict[str, Remote] = {}

    @classmethod
    def find(cls, start: Path, *, progress: Progress = SILENT, jobs: int | None = None) -> Context:
        """The repository that holds ``start``; :class:`NotFound` where there is none."""
        root, dialect = require_root(start)
        return cls(root, dialect, progress=progress, jobs=jobs)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return load(self.root, self.dialect)

    @cached_property
    def home(self) -> str:
        """The repository's own folder."""
        return os.path.join(self.root, self.dialect.home)

    @cached_property
    def uses_git(self) -> bool:
        """Whether the repository lies in a Git work tree (and does not say otherwise)."""
        if self.settings.core.no_scm:
            return False
        return any(os.path.lexists(folder / ".git") for folder in (self.root, *self.root.parents))

    @cached_property
    def cache(self) -> Cache:
        """The object cache."""
        return Cache(str(self.settings.cache.dir))

    @cached_property
    def trash(self) -> Trash:
        """Where displaced work goes."""
        from assay.data.trash import Trash

        return Trash(os.fsencode(self.root), os.path.join(self.home, "trash"))

    @cached_property
    def is_writable(self) -> bool:
        """Whether the repository's own folder may be written."""
        return os.access(self.home, os.W_OK)

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace with its index; a read-only one is looked at without a memory."""
        path = self._index_path() if self.is_writable else ":memory:"
        return Workspace(
            root=os.fsencode(self.root),
            index=WorkspaceIndex(path),
            cache=self.cache,
            rules=IgnoreRules.load(os.fsencode(self.root), self.dialect.ignore_file),
            probe=self._probe,
            keep_links=self.settings.add_symlinks == "keep",
            link_types=self.settings.cache.types,
            jobs=self.jobs or self.settings.jobs or self.settings.core.checksum_jobs,
        )

    def _index_path(self) -> str:
        """Where the index lies: on a network file system its log could not be shared safely."""
        if not is_network(self.home):
            return os.path.join(self.home, "index.db")
        import hashlib

        folder = cache_folder() / "indexes"
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(os.fsencode(os.path.realpath(self.root))).hexdigest()[:32]
        return str(folder / f"{name}.db")

    def _probe(self) -> int:
        """The present time of the workspace's file system, in ns; 0 where it is read-only."""
        path = os.path.join(self.home, "tmp", "clock")
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        except OSError:
            return 0
        try:
            os.write(fd, b"t")
            return os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the repository's lock: one command at a time changes pointers and workspace."""
        from assay.store.locks import locked

        folder = os.path.join(self.home, "tmp")
        os.makedirs(folder, exist_ok=True)
        with locked(os.path.join(folder, "lock"), what="this repository", progress=self.progress):
            yield

    # -- what is tracked ------------------------------------------------------------------

    @cached_property
    def stage_files(self) -> StageFiles:
        """The pipelines of the workspace, as they were last read."""
        return StageFiles(self.dialect)

    @property
    def sources(self) -> tuple[TrackedSource, ...]:
        """What names tracked paths besides pointers."""
        return (self.stage_files,)

    def tracked(self) -> list[Tracked]:
        """Every tracked path of the workspace: what was added, and what stages make."""
        self.stage_files.loaded.clear()
        return discover(self.workspace.root, self.dialect, self.workspace.rules, self.sources)

    def selected(self, targets: list[str]) -> list[Selection]:
        """What the targets (paths as the user wrote them) mean."""
        return select(self.tracked(), map(self.relative, targets), self.dialect)

    def relative(self, path: str) -> bytes:
        """A user's path as bytes from the root; :class:`InvalidInput` when it lies outside."""
        absolute = os.path.join(os.getcwd(), path)
        # The folder may be reached through links; the last part may itself be a tracked link.
        parent, name = os.path.split(os.path.normpath(absolute))
        full = os.path.join(os.path.realpath(parent), name)
        root = os.path.realpath(self.root)
        if os.path.realpath(full) == root or full == root:
            return b""
        if not full.startswith(root + os.sep):
            raise InvalidInput(
                "path-outside",
                f"{path} lies outside this repository.",
                why=f"The repository is {self.root}.",
                fix="Name a path inside it, or run the command there (--cd).",
                paths=(path,),
            )
        return os.fsencode(full[len(root) + 1 :].replace(os.sep, "/"))

    # -- remotes --------------------------------------------------------------------------

    def remote(self, name: str | None = None) -> Remote:
        """The remote of that name, or the default one, opened once."""
        found = self.settings.remote(name)
        remote = self._remotes.get(found.name)
        if remote is None:
            remote = self._remotes[found.name] = self._open(found)
        return remote

    def _open(self, found: RemoteSettings) -> Remote:
        from assay.store.remote.resolve import open_remote

        return open_remote(
            found.url,
            layout=found.layout or self.dialect.default_layout,
            state_dir=os.path.join(self.home, "tmp", "remotes", found.name.replace("/", "=")),
        )

    def by_remote(
        self, selections: list[Selection], name: str | None
    ) -> dict[str, list[Selection]]:
        """Selections by the name of the remote that keeps them."""
        groups: dict[str, list[Selection]] = {}
        for selection in selections:
            wanted = name or selection.tracked.output.remote
            groups.setdefault(self.settings.remote(wanted).name, []).append(selection)
        return groups

    def usable_remotes(self, name: str | None = None) -> list[Remote]:
        """The remotes that may have good copies: the one named, else the default, then all."""
        from assay.errors import AssayError

        names = [name] if name else [self.settings.core.remote, *self.settings.remotes]
        found: list[Remote] = []
        for each in dict.fromkeys(n for n in names if n):
            try:
                found.append(self.remote(each))
            except AssayError:
                if name:
                    raise
        return found

    def stage_in_git(self, touched: list[bytes]) -> None:
        """``git add`` what changed, when the user asked for that (core.autostage)."""
        if touched and self.uses_git and self.settings.core.autostage:
            from assay.git.ignore import stage

            stage(os.fsencode(self.root), touched)

    def close(self) -> None:
        """Close what is open."""
        if "workspace" in self.__dict__:
            self.workspace.index.close()
        if "cache" in self.__dict__:
            self.cache.close()
