"""Verbs between cache and remotes: push, fetch, pull, and what a remote lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from assay.api import switching
from assay.api.context import Context
from assay.api.revisions import Revisions
from assay.api.switching import CheckoutResult
from assay.data.history import tracked_in
from assay.data.outputs import Selection
from assay.data.transfer import TransferResult, fetch, lacks, needed_by, push, require_recorded
from assay.errors import AssayError, IntegrityError, InvalidInput, NotFound
from assay.git.objects import ObjectReader
from assay.git.revisions import all_branches, all_commits, all_tags


@dataclass(kw_only=True)
class CloudStatus:
    """By tracked path: ``new`` is only here, ``deleted`` only in the remote, ``missing`` in
    neither."""

    remote: str
    changes: dict[str, str] = field(default_factory=dict)


def selections_of(
    context: Context, targets: list[str], revisions: Revisions | None
) -> list[Selection]:
    """The selected paths of the workspace and of every covered revision."""
    chosen = context.selected(targets)
    if not revisions:
        return chosen
    if not context.uses_git:
        raise InvalidInput(
            "git-required",
            "Only a Git repository has other revisions.",
            fix="Leave out -a, -T, -A and --rev.",
        )
    wanted = [context.relative(target) for target in targets]
    with ObjectReader(context.root) as reader:
        older = tracked_in(
            reader, _names(context, reader, revisions), context.dialect, context.sources
        )
    for tracked in older:
        selection = _restricted(Selection(tracked=tracked), wanted)
        if selection is not None:
            chosen.append(selection)
    return chosen


def _restricted(selection: Selection, wanted: list[bytes]) -> Selection | None:
    if not wanted:
        return selection
    tracked = selection.tracked
    for target in wanted:
        if target in (tracked.path, tracked.pointer_path) or tracked.path.startswith(target + b"/"):
            return selection
        if target.startswith(tracked.path + b"/"):
            return Selection(tracked=tracked, inside=target[len(tracked.path) + 1 :])
    return None


def _names(context: Context, reader: ObjectReader, revisions: Revisions) -> Iterable[str]:
    names: list[str] = [reader.resolve(name) for name in revisions.names]
    if revisions.branches:
        names += all_branches(context.root)
    if revisions.tags:
        names += all_tags(context.root)
    if revisions.commits:
        names += all_commits(context.root)
    return dict.fromkeys(names)


def push_selected(
    context: Context,
    targets: list[str],
    *,
    remote: str | None = None,
    revisions: Revisions | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> TransferResult:
    """Upload what the remotes lack.  Raises after everything possible was pushed."""
    total = TransferResult()
    chosen = selections_of(context, targets, revisions)
    if not chosen:
        context.settings.remote(remote)
    for name, group in context.by_remote(chosen, remote).items():
        result = push(
            context.cache,
            context.remote(name),
            group,
            dry_run=dry_run,
            progress=context.progress,
            jobs=jobs or context.settings.remote(name).jobs,
        )
        _merge(total, result)
    if total.missing:
        raise NotFound(
            "push-incomplete",
            f"{', '.join(dict.fromkeys(total.missing))} could not be pushed whole.",
            why="Part of the data is neither in the cache nor in the remote.",
            fix="Fetch it (`assay fetch`), or add it again where it still exists.",
            paths=tuple(dict.fromkeys(total.missing)),
        )
    return total


def _merge(total: TransferResult, result: TransferResult) -> None:
    total.objects += result.objects
    total.size_bytes += result.size_bytes
    total.missing += result.missing
    total.damaged.update(result.damaged)


def fetch_selected(
    context: Context,
    targets: list[str],
    *,
    remote: str | None = None,
    revisions: Revisions | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
    allow_missing: bool = False,
) -> TransferResult:
    """Download what the cache lacks.  Raises after everything possible has arrived."""
    chosen = selections_of(context, targets, revisions)
    total = _fetch(context, chosen, remote, jobs, dry_run)
    if not allow_missing:
        _require_complete(total)
    return total


def _fetch(
    context: Context,
    chosen: list[Selection],
    remote: str | None,
    jobs: int | None,
    dry_run: bool = False,
) -> TransferResult:
    total = TransferResult()
    for selection in chosen:
        require_recorded(context.cache, selection)
    absent = [s for s in chosen if lacks(context.cache, s)]
    for name, group in context.by_remote(absent, remote).items():
        result = fetch(
            context.cache,
            context.remote(name),
            group,
            dry_run=dry_run,
            progress=context.progress,
            jobs=jobs or context.settings.remote(name).jobs,
        )
        _merge(total, result)
    return total


def _require_complete(total: TransferResult) -> None:
    if not total.missing:
        return
    names = tuple(dict.fromkeys(total.missing))
    error: AssayError
    if total.damaged:
        places = ", ".join(sorted(set(total.damaged.values()))[:3])
        error = IntegrityError(
            "remote-damaged",
            f"The remote holds damaged objects of {', '.join(names)}.",
            why=f"{len(total.damaged)} object(s) do not match their digests, in {places}; "
            "they were refused.",
            fix="Run `assay verify --remote --repair` in a clone that has the data.",
            paths=names,
        )
    else:
        error = NotFound(
            "fetch-incomplete",
            f"{', '.join(names)} could not be fetched whole.",
            why="Some of its objects are not in the remote: perhaps they were never pushed.",
            fix="Run `assay push` where the data was added, then fetch again.",
            paths=names,
        )
    raise error


@dataclass(kw_only=True)
class PullResult:
    """What a pull moved and wrote."""

    fetched: TransferResult
    checkout: CheckoutResult


def pull(
    context: Context,
    targets: list[str],
    *,
    remote: str | None = None,
    revisions: Revisions | None = None,
    jobs: int | None = None,
    force: bool = False,
    allow_missing: bool = False,
    dry_run: bool = False,
) -> PullResult:
    """Fetch what the cache lacks, then check out."""
    chosen = selections_of(context, targets, revisions)
    fetched = _fetch(context, chosen, remote, jobs, dry_run)
    if dry_run:
        return PullResult(fetched=fetched, checkout=CheckoutResult())
    if fetched.missing and not allow_missing:
        # What did arrive is checked out all the same; the error comes after it.
        result = switching.checkout(context, targets, force=force, allow_missing=True)
        _require_complete(fetched)
    result = switching.checkout(context, targets, force=force, allow_missing=allow_missing)
    return PullResult(fetched=fetched, checkout=result)


def cloud_status(
    context: Context,
    targets: list[str],
    *,
    remote: str | None = None,
    revisions: Revisions | None = None,
) -> CloudStatus:
    """Where the selected paths' objects are: in the cache, in the remote, in neither."""
    chosen = selections_of(context, targets, revisions)
    result = CloudStatus(remote=context.settings.remote(remote).name)
    for name, group in context.by_remote(chosen, remote).items():
        store = context.remote(name)
        needs = [needed_by(context.cache, selection) for selection in group]
        everything = {digest for needed in needs for digest in needed.objects}
        not_there = store.missing(everything)
        not_here = context.cache.missing(everything)
        for selection, needed in zip(group, needs, strict=True):
            objects = needed.objects.keys()
            change = ""
            if not objects.isdisjoint(not_there & not_here):
                change = "missing"
            elif not objects.isdisjoint(not_there):
                change = "new"
            elif not objects.isdisjoint(not_here):
                change = "deleted"
            if change:
                result.changes[selection.tracked.name] = change
    return result
