"""Relinking: make workspace files share the cache's storage, by the configured link type."""

from __future__ import annotations

import os

from assay.core.manifest import FOLDER, SYMLINK, Entry, from_entries, single
from assay.core.progress import SILENT, Progress
from assay.data.checkout import CheckoutOutcome, write_files
from assay.data.checkout_plan import CheckoutPlan
from assay.data.model import join_path
from assay.data.scan import A_FILE, A_FOLDER, PathState, Workspace
from assay.data.settle import settle


def relink(workspace: Workspace, state: PathState, *, progress: Progress = SILENT) -> int:
    """Write again every file whose link is not of the configured type; returns how many.

    The content must be in the cache; files that changed meanwhile are left alone.
    """
    if state.kind not in (A_FILE, A_FOLDER):
        return 0
    is_file = state.kind == A_FILE
    manifest = (
        single(state.digest, state.size_bytes, state.is_executable) if is_file else (state.manifest)
    )
    wanted: list[Entry] = [
        entry
        for entry in manifest
        if entry.kind not in (FOLDER, SYMLINK)
        and entry.size
        and not _is_linked(workspace, join_path(state.path, entry.path), entry.digest)
    ]
    if not wanted:
        return 0
    rows = state.stat_rows({join_path(state.path, entry.path) for entry in wanted})
    plan = CheckoutPlan(
        top=state.path,
        write=from_entries(wanted),
        target_digest=state.digest,
        is_file=is_file,
        replaces=rows,
        remove={},
        chmod=[],
        make_folders=[],
        drop_folders=[],
        unsaved=[],
        added=[],
        modified=[],
        deleted=[],
    )
    outcome = CheckoutOutcome()
    stats = write_files(workspace, plan, rows, outcome, None, progress)
    settle(workspace, state, plan, stats, is_complete=not outcome.failed)
    for error in outcome.failed.values():
        raise error
    return outcome.written


def _is_linked(workspace: Workspace, path: bytes, digest: bytes) -> bool:
    kind = workspace.link_types[0]
    here = workspace.absolute(path)
    loose = workspace.cache.loose_path(digest)
    if kind == "symlink":
        return os.path.islink(here) and os.fsdecode(os.readlink(here)) == os.path.abspath(loose)
    if kind == "hardlink":
        try:
            return not os.path.islink(here) and os.path.samefile(here, loose)
        except FileNotFoundError:
            return False
    found = os.lstat(here)
    return found.st_nlink == 1 and not os.path.islink(here)
