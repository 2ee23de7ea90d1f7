"""Verbs that keep a repository in order: verify, gc, trash, undo, doctor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.api.context import Context
from assay.api.revisions import Revisions
from assay.core.digest import ObjectKind
from assay.data.gc import live_objects
from assay.data.history import tracked_in, tracked_staged
from assay.data.ignore import IgnoreRules
from assay.data.model import Tracked
from assay.data.outputs import discover
from assay.data.trash import TrashEntry
from assay.data.verify import (
    VerifyReport,
    verify_cache,
    verify_references,
    verify_workspace,
)
from assay.errors import Conflict, InvalidInput, NotFound
from assay.git.objects import ObjectReader
from assay.git.revisions import (
    all_commits,
    commits_since,
    history,
    protected_tips,
    worktree_folders,
)
from assay.pipelines.tracked import StageFiles
from assay.store.collect import CollectPlan, apply_collect, plan_collect
from assay.store.collected import collections, expire
from assay.store.collected import undo as undo_collect
from assay.store.rebuild import adopt_stray_packs

if TYPE_CHECKING:
    from assay.store.remote.packed.sweep import RemoteCollectReport

_DAY_NS = 86_400_000_000_000


# -- verify -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What ``verify`` reads."""

    workspace: bool = True
    cache: bool = True
    remote: bool = False
    remote_name: str | None = None


def verify(
    context: Context, targets: list[str], scope: Scope | None = None, *, repair: bool = False
) -> VerifyReport:
    """Hash everything in scope; with ``repair`` put good copies in place of bad ones.

    The report says what was found; ``healed`` what is good again.
    """
    scope = scope or Scope()
    report = VerifyReport()
    chosen = context.selected(targets)
    if scope.workspace:
        verify_workspace(context.workspace, chosen, report, progress=context.progress)
    if scope.cache:
        verify_cache(context.cache, report, progress=context.progress)
        verify_references(context.cache, [s.tracked for s in chosen], report)
        if repair:
            from assay.data.repair import repair_cache

            repair_cache(
                context.workspace,
                chosen,
                context.usable_remotes,
                report,
                progress=context.progress,
            )
    if scope.remote:
        _verify_remote(context, scope.remote_name, report, repair)
    return report


def _verify_remote(context: Context, name: str | None, report: VerifyReport, repair: bool) -> None:
    remote = context.remote(name)
    found = remote.verify(progress=context.progress)
    report.checked += found.checked
    report.size_bytes += found.size_bytes
    bad = {**found.damaged, **dict.fromkeys(found.missing, remote.describe())}
    unrepaired = set(bad)
    if repair and bad:
        unrepaired = remote.repair(context.cache, progress=context.progress).unrepaired
    report.healed += [digest for digest in bad if digest not in unrepaired]
    report.damaged.update((d, found.damaged[d]) for d in unrepaired if d in found.damaged)
    report.missing.update((d, bad[d]) for d in unrepaired if d in found.missing)


# -- gc -----------------------------------------------------------------------------------


@dataclass(kw_only=True)
class CollectResult:
    """What a collection would do or did."""

    plan: CollectPlan
    is_applied: bool = False
    trash_id: str | None = None
    freed_bytes: int = 0
    kept: int = 0


def gc(
    context: Context,
    *,
    revisions: Revisions | None = None,
    newest: int | None = None,
    since: str | None = None,
    projects: tuple[str, ...] = (),
    apply: bool = False,
    purge: bool = False,
) -> CollectResult:
    """Collect what nothing needs.

    The workspace, every branch, tag, stash, experiment, release and worktree are always
    kept; ``revisions``, ``newest`` and ``since`` keep more.  ``projects`` are other
    repositories that share the cache.
    """
    cache = context.cache
    with context.changing(), cache.collecting(context.progress):
        if apply:
            adopt_stray_packs(cache)
        live = live_objects(
            cache, _everything(context, revisions, newest, since), progress=context.progress
        )
        live |= _kept_by_runs(context)
        for project in projects:
            live |= _live_of_project(context, project)
        plan = plan_collect(cache, live)
        result = CollectResult(plan=plan, kept=len(live))
        if apply:
            if not plan.is_empty:
                result.trash_id = apply_collect(
                    cache,
                    plan,
                    live,
                    now_ns=context.clock(),
                    command="gc",
                    progress=context.progress,
                )
            result.is_applied = True
            grace = 0 if purge else context.settings.gc_grace_days
            limit = context.clock() + 1 if purge else context.clock() - grace * _DAY_NS
            result.freed_bytes = expire(cache, older_than_ns=limit)
            keep = context.clock() - context.settings.trash_keep_days * _DAY_NS
            context.trash.expire(older_than_ns=keep)
        return result


def gc_remote(
    context: Context, name: str | None = None, *, apply: bool = False, purge: bool = False
) -> RemoteCollectReport:
    """Collect what no commit of this repository needs on a packed remote.

    A remote is what other clones take old versions from, so the whole history of every ref is
    kept, and what pushes in progress have pinned.  Unused objects are condemned now and
    deleted by a collection that runs after the grace period (at once with ``purge``).
    """
    from assay.store.remote.packed.remote import PackedRemote

    remote = context.remote(name)
    if not isinstance(remote, PackedRemote):
        raise InvalidInput(
            "remote-not-collectable",
            f"{remote.describe()} is a plain remote; it cannot be collected.",
            why="It has no record of what other clones are pushing at this moment.",
            fix="Use a packed remote: push to a new one, then retire this one.",
        )
    _require_whole_history(context)
    tracked = _everything(context, Revisions(commits=True), None, None)
    live = {
        item.output.digest: int(ObjectKind.NODE if item.output.is_folder else ObjectKind.BLOB)
        for item in tracked
        if item.output.digest is not None
    }
    grace_ns = 0 if purge else context.settings.gc_grace_days * _DAY_NS
    report = remote.collect(
        live,
        grace_ns=grace_ns,
        dry_run=not apply,
        cache=context.cache,
        progress=context.progress,
    )
    if report is None:
        raise NotFound(
            "remote-empty",
            f"Nothing was ever pushed to {remote.describe()}.",
            why="There is nothing to collect.",
            fix="Push to it first: `assay push`.",
        )
    return report


def _require_whole_history(context: Context) -> None:
    """Raise unless this clone has whatever a branch, tag or release of its Git remotes leads to.

    What only others' commits need would look unused here.
    """
    if not context.uses_git:
        return
    from assay.git.exchange import fetch_records, git_remotes, unknown_tips

    for remote in git_remotes(context.root):
        fetch_records(context.root, remote)
        unknown = unknown_tips(context.root, remote)
        if unknown:
            raise Conflict(
                "gc-behind",
                f"This clone lacks commits of {remote}: {', '.join(unknown[:5])}.",
                why="Data that only they need would be taken for unused.",
                fix="Run `git fetch --all --tags`, then collect again.",
                paths=tuple(unknown[:20]),
            )


def _everything(
    context: Context, revisions: Revisions | None, newest: int | None, since: str | None
) -> list[Tracked]:
    found = context.tracked()
    if not context.uses_git:
        return found
    tips = protected_tips(context.root)
    commits = dict.fromkeys(tips)
    if revisions and revisions.commits:
        commits.update(dict.fromkeys(all_commits(context.root)))
    if newest:
        commits.update(dict.fromkeys(history(context.root, ["HEAD"], max_count=newest)))
    if since:
        commits.update(dict.fromkeys(commits_since(context.root, tips, since)))
    with ObjectReader(context.root) as reader:
        commits.update(
            dict.fromkeys(reader.resolve(name) for name in (revisions.names if revisions else ()))
        )
        found += tracked_in(reader, commits, context.dialect, context.sources)
    return [*found, *_in_worktrees(context)]


def _in_worktrees(context: Context) -> list[Tracked]:
    """What the work trees of the repository hold uncommitted, in files and in Git's index."""
    top = next(f for f in (context.root, *context.root.parents) if os.path.lexists(f / ".git"))
    inside = os.fsencode(os.path.relpath(context.root, top))
    found: list[Tracked] = []
    for folder in worktree_folders(context.root):
        root = os.path.normpath(os.path.join(folder, inside))
        if not os.path.isdir(root):
            continue
        if not os.path.samefile(root, context.root):
            rules = IgnoreRules.load(root, context.dialect.ignore_file)
            found += discover(root, context.dialect, rules, (StageFiles(context.dialect),))
        with ObjectReader(root) as reader:
            found += tracked_staged(reader, context.dialect, context.sources)
    return found


def _kept_by_runs(context: Context) -> set[bytes]:
    """Objects that only run records refer to."""
    if not os.path.isdir(os.path.join(context.home, "runs")):
        return set()
    from assay.pipelines.records import RunLog

    return RunLog(context.home).objects()


def _live_of_project(context: Context, project: str) -> set[bytes]:
    from pathlib import Path

    other = Context.find(Path(project), progress=context.progress)
    return live_objects(context.cache, _everything(other, None, None, None)) | _kept_by_runs(other)


# -- trash --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo brought back: a trash entry of files, or a collection of the cache."""

    what: str
    id: str
    paths: tuple[str, ...] = ()


def trash_list(context: Context) -> list[TrashEntry]:
    """What the trash holds, newest first."""
    return context.trash.entries()


def trash_restore(context: Context, entry_id: str | None) -> TrashEntry:
    """Put displaced files back."""
    with context.changing():
        return context.trash.restore(entry_id, command="trash restore", now_ns=context.clock())


def undo(context: Context) -> Undone:
    """Bring back what the last command that displaced something took away."""
    entries = context.trash.entries()
    collected = collections(context.cache)
    if not entries and not collected:
        raise NotFound(
            "trash-empty",
            "There is nothing to undo.",
            why="No command has displaced files or collected objects lately.",
            fix="`assay trash list` shows what there is.",
        )
    if collected and (not entries or collected[0][0] > entries[0].created_ns):
        with context.changing(), context.cache.collecting(context.progress):
            return Undone(what="gc", id=undo_collect(context.cache, collected[0][1]))
    entry = trash_restore(context, entries[0].id)
    return Undone(what=entry.command, id=entry.id, paths=entry.paths)
