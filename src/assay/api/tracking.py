"""Verbs that record: add, commit, unprotect."""

from __future__ import annotations

from dataclasses import replace

from assay.api.context import Context
from assay.data.add import AddItem, apply_add, made_by_stage, plan_add
from assay.data.outputs import Selection
from assay.data.record import Recorded
from assay.data.relink import relink
from assay.data.scan import ABSENT, look
from assay.data.transfer import complete_manifest, healer
from assay.errors import InvalidInput, NotFound


def add(
    context: Context,
    targets: list[str],
    *,
    glob: bool = False,
    store: bool = True,
    dry_run: bool = False,
) -> list[Recorded]:
    """Track files and folders, or record that they changed."""
    with context.changing():
        paths = [context.relative(t) for t in (_expand(targets) if glob else targets)]
        items = plan_add(
            context.workspace,
            context.dialect,
            context.tracked(),
            paths,
            uses_git=context.uses_git,
        )
        _complete_manifests(context, items)
        if dry_run:
            return [_would_record(context, item) for item in items]
        done = apply_add(
            context.workspace,
            context.dialect,
            items,
            uses_git=context.uses_git,
            store=store,
            progress=context.progress,
        )
        context.stage_in_git([path for recorded in done for path in recorded.touched])
        return done


def _complete_manifests(context: Context, items: list[AddItem]) -> None:
    """A part can be recorded only beside the whole: fetch manifests that are not here."""
    for item in items:
        if item.inside:
            heal = healer(
                context.cache, context.usable_remotes, lambda *_: None, progress=context.progress
            )
            complete_manifest(context.cache, Selection(tracked=item.tracked), heal)


def _expand(targets: list[str]) -> list[str]:
    import glob as globbing

    found = [path for t in targets for path in sorted(globbing.glob(t, recursive=True))]
    if not found:
        raise NotFound(
            "glob-empty",
            f"No path matches {' '.join(targets)}.",
            fix="`*` matches within a folder, `**` across folders; quote the pattern.",
        )
    return found


def _would_record(context: Context, item: AddItem) -> Recorded:
    state = look(context.workspace, item.path, progress=context.progress)
    return Recorded(
        path=item.path,
        pointer_path=item.tracked.pointer_path,
        digest=state.digest,
        is_folder=state.kind == "folder",
        size_bytes=state.size_bytes,
        file_count=state.file_count,
        is_changed=item.is_new or bool(item.inside) or state.digest != item.tracked.root_digest,
    )


def commit(context: Context, targets: list[str], *, force: bool = False) -> list[Recorded]:
    """Record and store changed tracked data, without naming it as ``add`` must."""
    with context.changing():
        items = []
        for selection in context.selected(targets):
            if selection.tracked.maker:
                if targets:
                    raise made_by_stage(selection.tracked)
                continue
            state = look(context.workspace, selection.tracked.path, progress=context.progress)
            if state.kind == ABSENT and not targets:
                continue
            items.append(AddItem(tracked=selection.tracked, inside=selection.inside, is_new=False))
        _complete_manifests(context, items)
        done = apply_add(
            context.workspace,
            context.dialect,
            items,
            uses_git=context.uses_git,
            progress=context.progress,
        )
        context.stage_in_git([path for recorded in done for path in recorded.touched])
        return [recorded for recorded in done if recorded.is_changed or force]


def unprotect(context: Context, targets: list[str]) -> int:
    """Make linked files of the workspace writable copies of their own; returns how many."""
    if not targets:
        raise InvalidInput(
            "targets-missing",
            "Name what to unprotect.",
            fix="For everything: `assay unprotect .`",
        )
    with context.changing():
        copied = 0
        workspace = replace(context.workspace, link_types=("reflink", "copy"))
        for selection in context.selected(targets):
            state = look(workspace, selection.tracked.path, progress=context.progress)
            copied += relink(workspace, state, progress=context.progress)
        return copied
