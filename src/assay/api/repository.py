"""The repository as Python users hold it: one method per verb, each a single call."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from assay.api.context import Context
from assay.core.progress import SILENT, Progress

# Each verb imports what it needs when it is called: `status` must not pay for `push`.
if TYPE_CHECKING:
    from assay.api.pipelines import ReproOptions, StageGraph
    from assay.api.releases.verbs import Releases
    from assay.api.revisions import Revisions
    from assay.api.sharing import CloudStatus, PullResult
    from assay.api.switching import CheckoutResult
    from assay.api.upkeep import CollectResult, Scope, Undone
    from assay.audit.chain import Entry
    from assay.data.data_status import DataStatus
    from assay.data.diff import Changes as DataChanges
    from assay.data.record import Recorded
    from assay.data.status import OutputStatus
    from assay.data.transfer import TransferResult
    from assay.data.trash import TrashEntry
    from assay.data.verify import VerifyReport
    from assay.pipelines.checks import Contracts
    from assay.pipelines.plan import Changes
    from assay.pipelines.result import ReproResult
    from assay.pipelines.run import Narrator
    from assay.store.remote.packed.sweep import RemoteCollectReport


class Repository:
    """An assay repository.  A context manager; paths are relative to the current folder.

    Every method raises :class:`assay.errors.AssayError` with a stable code.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def root(self) -> Path:
        """The repository's top folder."""
        return self.context.root

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release files and databases."""
        self.context.close()

    # -- tracking -------------------------------------------------------------------------

    def add(
        self,
        targets: list[str],
        *,
        glob: bool = False,
        store: bool = True,
        dry_run: bool = False,
    ) -> list[Recorded]:
        """Track files and folders, or record that they changed."""
        from assay.api.tracking import add

        return add(self.context, targets, glob=glob, store=store, dry_run=dry_run)

    def commit(self, targets: list[str] | None = None, *, force: bool = False) -> list[Recorded]:
        """Record and store tracked data that changed."""
        from assay.api.tracking import commit

        return commit(self.context, targets or [], force=force)

    def status(self, targets: list[str] | None = None) -> list[OutputStatus]:
        """Tracked paths that are not as recorded; empty means clean."""
        from assay.api.looking import status_of

        return status_of(self.context, targets or [])

    def full_status(
        self, targets: list[str] | None = None
    ) -> tuple[list[OutputStatus], dict[str, Changes]]:
        """Added data that differs from its pointers, and stages that differ from their lock."""
        from assay.api.looking import full_status

        return full_status(self.context, targets or [])

    def data_status(
        self,
        targets: list[str] | None = None,
        *,
        granular: bool = False,
        untracked_files: bool = False,
        unchanged: bool = False,
        not_in_remote: bool = False,
        remote: str | None = None,
    ) -> DataStatus:
        """Committed and uncommitted changes of tracked data."""
        from assay.api.looking import data_status

        return data_status(
            self.context,
            targets or [],
            granular=granular,
            untracked_files=untracked_files,
            unchanged=unchanged,
            not_in_remote=not_in_remote,
            remote=remote,
        )

    def diff(
        self,
        old: str | None = None,
        new: str | None = None,
        *,
        targets: list[str] | None = None,
    ) -> DataChanges:
        """Compare ``old`` (HEAD) with ``new`` (the workspace)."""
        from assay.api.looking import diff_revisions

        return diff_revisions(self.context, old, new, targets or [])

    def checkout(
        self,
        targets: list[str] | None = None,
        *,
        force: bool = False,
        relink: bool = False,
        allow_missing: bool = False,
        dry_run: bool = False,
    ) -> CheckoutResult:
        """Make the workspace hold what the pointers record."""
        from assay.api.switching import checkout

        return checkout(
            self.context,
            targets or [],
            force=force,
            relinking=relink,
            allow_missing=allow_missing,
            dry_run=dry_run,
        )

    def unprotect(self, targets: list[str]) -> int:
        """Turn links into the cache into copies; returns how many."""
        from assay.api.tracking import unprotect

        return unprotect(self.context, targets)

    # -- sharing --------------------------------------------------------------------------

    def push(
        self,
        targets: list[str] | None = None,
        *,
        remote: str | None = None,
        revisions: Revisions | None = None,
        jobs: int | None = None,
        dry_run: bool = False,
    ) -> TransferResult:
        """Upload what the remote lacks."""
        from assay.api.sharing import push_selected

        return push_selected(
            self.context,
            targets or [],
            remote=remote,
            revisions=revisions,
            jobs=jobs,
            dry_run=dry_run,
        )

    def fetch(
        self,
        targets: list[str] | None = None,
        *,
        remote: str | None = None,
        revisions: Revisions | None = None,
        jobs: int | None = None,
        dry_run: bool = False,
        allow_missing: bool = False,
    ) -> TransferResult:
        """Download what the cache lacks."""
        from assay.api.sharing import fetch_selected

        return fetch_selected(
            self.context,
            targets or [],
            remote=remote,
            revisions=revisions,
            jobs=jobs,
            dry_run=dry_run,
            allow_missing=allow_missing,
        )

    def pull(
        self,
        targets: list[str] | None = None,
        *,
        remote: str | None = None,
        revisions: Revisions | None = None,
        jobs: int | None = None,
        force: bool = False,
        allow_missing: bool = False,
        dry_run: bool = False,
    ) -> PullResult:
        """Fetch, then check out."""
        from assay.api.sharing import pull

        return pull(
            self.context,
            targets or [],
            remote=remote,
            revisions=revisions,
            jobs=jobs,
            force=force,
            allow_missing=allow_missing,
            dry_run=dry_run,
        )

    def cloud_status(
        self,
        targets: list[str] | None = None,
        *,
        remote: str | None = None,
        revisions: Revisions | None = None,
    ) -> CloudStatus:
        """Compare cache and remote."""
        from assay.api.sharing import cloud_status

        return cloud_status(self.context, targets or [], remote=remote, revisions=revisions)

    # -- upkeep ---------------------------------------------------------------------------

    def verify(
        self, targets: list[str] | None = None, *, scope: Scope | None = None, repair: bool = False
    ) -> VerifyReport:
        """Hash everything in scope anew."""
        from assay.api.upkeep import verify

        return verify(self.context, targets or [], scope, repair=repair)

    def gc(
        self,
        *,
        revisions: Revisions | None = None,
        newest: int | None = None,
        since: str | None = None,
        projects: tuple[str, ...] = (),
        apply: bool = False,
        purge: bool = False,
    ) -> CollectResult:
        """Collect unused objects; only planned unless ``apply``."""
        from assay.api.upkeep import gc

        return gc(
            self.context,
            revisions=revisions,
            newest=newest,
            since=since,
            projects=projects,
            apply=apply,
            purge=purge,
        )

    def gc_remote(
        self, remote: str | None = None, *, apply: bool = False, purge: bool = False
    ) -> RemoteCollectReport:
        """Collect a packed remote; only planned unless ``apply``."""
        from assay.api.upkeep import gc_remote

        return gc_remote(self.context, remote, apply=apply, purge=purge)

    # -- pipelines ------------------------------------------------------------------------

    def repro(
        self,
        targets: list[str] | None = None,
        *,
        options: ReproOptions | None = None,
        narrator: Narrator | None = None,
        contracts: Contracts | None = None,
    ) -> ReproResult:
        """Run the stages that changed, and what they need."""
        from assay.api.pipelines import repro

        return repro(self.context, targets or [], options, narrator=narrator, contracts=contracts)

    def stage_changes(self, targets: list[str] | None = None) -> dict[str, Changes]:
        """Why each stage is not as its lock says; empty means up to date."""
        from assay.api.pipelines import stage_changes

        return stage_changes(self.context, targets or [])

    def stage_graph(
        self, targets: list[str] | None = None, *, upstream: bool = False
    ) -> StageGraph:
        """The stages and who reads from whom."""
        from assay.api.pipelines import stage_graph

        return stage_graph(self.context, targets or [], upstream=upstream)

    def runs(self, stage: str | None = None) -> list[Entry]:
        """Records of stages that ran here, newest first."""
        from assay.api.pipelines import runs

        return runs(self.context, stage)

    def run_record(self, wanted: str) -> Entry:
        """One run record, by id, hash or stage."""
        from assay.api.pipelines import run_record

        return run_record(self.context, wanted)

    # -- releases -------------------------------------------------------------------------

    @property
    def releases(self) -> Releases:
        """Releases, their gates and channels, and the policy that they are trusted by."""
        from assay.api.releases.verbs import Releases

        return Releases(self.context)

    # -- trash ----------------------------------------------------------------------------

    def trash_list(self) -> list[TrashEntry]:
        """What commands displaced, newest first."""
        from assay.api.upkeep import trash_list

        return trash_list(self.context)

    def trash_restore(self, entry_id: str | None = None) -> TrashEntry:
        """Put displaced files back."""
        from assay.api.upkeep import trash_restore

        return trash_restore(self.context, entry_id)

    def undo(self) -> Undone:
        """Bring back what the last command displaced or collected."""
        from assay.api.upkeep import undo

        return undo(self.context)


def open_repository(
    path: str | os.PathLike[str] = ".", *, progress: Progress = SILENT, jobs: int | None = None
) -> Repository:
    """The repository that holds ``path``; :class:`NotFound` ``project-missing`` otherwise.

    ``jobs`` bounds the worker processes of local work (default: settings, then the cores).
    """
    return Repository(Context.find(Path(path), progress=progress, jobs=jobs))
