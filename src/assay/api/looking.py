"""Verbs that only look: status, diff, data status."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assay.api.context import Context
from assay.data.model import Tracked, printable
from assay.data.outputs import Selection, select
from assay.data.status import OutputStatus, status
from assay.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from assay.data.data_status import DataStatus
    from assay.data.diff import Changes as DataChanges
    from assay.data.diff import Side
    from assay.pipelines.plan import Changes


def status_of(context: Context, targets: list[str]) -> list[OutputStatus]:
    """Tracked paths that are not as their pointers record."""
    return status(context.workspace, context.selected(targets), progress=context.progress)


def full_status(
    context: Context, targets: list[str]
) -> tuple[list[OutputStatus], dict[str, Changes]]:
    """Added data that differs from its pointers, and stages that differ from their lock.

    A target may also name a stage.
    """
    everything = context.tracked()
    has_stages = any(pipeline.stages for pipeline in context.stage_files.loaded.values())
    stages: dict[str, Changes] = {}
    if has_stages:
        from assay.api.pipelines import stage_changes, stage_targets

        stages = stage_changes(context, targets, everything)
        named = stage_targets(context, targets, everything)
        if targets and len(named) == len(targets):
            return [], stages
        targets = [target for target in targets if target not in named]
    selections = select(everything, map(context.relative, targets), context.dialect)
    added = [selection for selection in selections if not selection.tracked.maker]
    return status(context.workspace, added, progress=context.progress), stages


# -- comparing ----------------------------------------------------------------------------


def sides_at(context: Context, rev: str) -> dict[bytes, Side]:
    """The sides that one revision records."""
    from assay.data.diff import recorded_sides
    from assay.data.history import tracked_at
    from assay.git.objects import ObjectReader

    if not context.uses_git:
        raise InvalidInput(
            "git-required",
            "Revisions can only be compared in a Git repository.",
            fix="Run `git init`, or compare without naming revisions.",
        )
    with ObjectReader(context.root) as reader:
        return recorded_sides(
            context.workspace, tracked_at(reader, rev, context.dialect, context.sources)
        )


def diff_revisions(
    context: Context, old: str | None, new: str | None, targets: list[str]
) -> DataChanges:
    """From revision ``old`` (HEAD) to revision ``new`` (the workspace)."""
    from assay.data.diff import diff, workspace_sides

    everything = context.tracked()
    before = sides_at(context, old or "HEAD")
    after = (
        sides_at(context, new)
        if new
        else workspace_sides(context.workspace, everything, progress=context.progress)
    )
    wanted = [context.relative(target) for target in targets]
    return diff(context.workspace, before, after, wanted or None)


def data_status(
    context: Context,
    targets: list[str],
    *,
    granular: bool = False,
    untracked_files: bool = False,
    unchanged: bool = False,
    not_in_remote: bool = False,
    remote: str | None = None,
) -> DataStatus:
    """Committed and uncommitted changes of tracked data."""
    from assay.data.data_status import DataStatus, group_names, unchanged_names
    from assay.data.diff import diff, recorded_sides, workspace_sides

    everything = [s.tracked for s in context.selected(targets)]
    recorded = recorded_sides(context.workspace, everything)
    here = workspace_sides(context.workspace, everything, progress=context.progress)
    head = _head_sides(context)
    if targets:
        head = {path: side for path, side in head.items() if path in recorded}
    tops = set(head) | set(recorded) | set(here)
    result = DataStatus(
        committed=group_names(diff(context.workspace, head, recorded), tops, granular=granular),
        uncommitted=group_names(diff(context.workspace, recorded, here), tops, granular=granular),
        not_in_cache=[
            printable(side.path) + ("/" if side.is_folder else "")
            for side in recorded.values()
            if not context.cache.has(side.digest)
        ],
    )
    if unchanged:
        result.unchanged = unchanged_names(head, recorded, here)
    if untracked_files:
        result.untracked = _untracked(context)
    if not_in_remote:
        result.not_in_remote = _not_in_remote(context, everything, remote)
    return result


def _head_sides(context: Context) -> dict[bytes, Side]:
    if not context.uses_git:
        return {}
    try:
        return sides_at(context, "HEAD")
    except NotFound:
        return {}  # no commit yet


def _untracked(context: Context) -> list[str]:
    """Files that neither Git nor assay tracks, as Git lists them."""
    if not context.uses_git:
        return []
    from assay.git.program import run_git

    listed = run_git(
        ["ls-files", "-z", "--others", "--exclude-standard", "--directory"], cwd=context.root
    )
    suffix = os.fsencode(context.dialect.pointer_suffix)
    return [printable(p) for p in listed.split(b"\0") if p and not p.endswith(suffix)]


def _not_in_remote(context: Context, everything: list[Tracked], remote: str | None) -> list[str]:
    from assay.data.transfer import needed_by

    names = []
    for tracked in everything:
        needed = needed_by(context.cache, Selection(tracked=tracked))
        store = context.remote(remote or tracked.output.remote)
        if store.missing(set(needed.objects)):
            names.append(tracked.name + ("/" if tracked.output.is_folder else ""))
    return names


# -- checking out -------------------------------------------------------------------------
