"""``status``: what in the workspace differs from what its pointers record."""

from __future__ import annotations

from dataclasses import dataclass

from assay.core.digest import ObjectKind
from assay.core.manifest import EMPTY, Difference, Manifest, compare, single
from assay.core.progress import SILENT, Progress
from assay.data.model import Tracked
from assay.data.outputs import Selection
from assay.data.scan import A_FILE, ABSENT, PathState, Workspace
from assay.data.survey import survey
from assay.errors import IntegrityError, NotFound

NEW, MODIFIED, DELETED, NOT_IN_CACHE = "new", "modified", "deleted", "not in cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStatus:
    """One tracked path that differs; ``change`` is one of the words above."""

    tracked: Tracked
    change: str


def status(
    workspace: Workspace, selections: list[Selection], *, progress: Progress = SILENT
) -> list[OutputStatus]:
    """Every selected path that is not as recorded."""
    found = []
    for selection in selections:
        tracked = selection.tracked
        if selection.inside:
            difference = part_difference(workspace, selection, progress=progress)
            change = MODIFIED if difference else ""
        else:
            change = change_of(
                workspace, tracked, survey(workspace, tracked.path, progress=progress)
            )
        if change:
            found.append(OutputStatus(tracked=tracked, change=change))
    return found


def change_of(workspace: Workspace, tracked: Tracked, state: PathState) -> str:
    """How a path's state differs from its pointer; empty when it does not."""
    output = tracked.output
    if output.digest is None:
        return NEW if state.kind != ABSENT else DELETED
    if state.kind == ABSENT:
        return DELETED if workspace.cache.has(output.digest) else NOT_IN_CACHE
    is_same = state.digest == output.digest and (state.kind == A_FILE) == (not output.is_folder)
    if not is_same or (state.kind == A_FILE and state.is_executable != output.is_executable):
        return MODIFIED
    return "" if workspace.cache.has(output.digest) else NOT_IN_CACHE


def recorded_manifest(workspace: Workspace, tracked: Tracked, inside: bytes = b"") -> Manifest:
    """What the pointer records, as rows relative to the tracked path.

    A tracked file is one row with an empty path.  Raises :class:`NotFound` when the manifest
    is not in the cache.
    """
    output = tracked.output
    if output.digest is None:
        return EMPTY
    if not output.is_folder:
        return single(output.digest, output.size_bytes or 0, output.is_executable)

    from assay.core.prolly import load, load_folder

    def read(digest: bytes) -> bytes:
        return workspace.cache.read(digest, ObjectKind.NODE)

    return load_folder(output.digest, inside, read) if inside else load(output.digest, read)


def current_manifest(state: PathState) -> Manifest:
    """What a path holds now, as rows relative to it."""
    if state.kind == ABSENT:
        return EMPTY
    if state.kind == A_FILE:
        return single(state.digest, state.size_bytes, state.is_executable)
    return state.manifest


def part_difference(
    workspace: Workspace, selection: Selection, *, progress: Progress = SILENT
) -> Difference:
    """How what lies at or below ``inside`` differs from the record."""
    tracked, inside = selection.tracked, selection.inside
    state = survey(workspace, tracked.path, progress=progress)
    current = current_manifest(state)
    row = current.find(inside)
    rows = range(row, row + 1) if row >= 0 else current.folder_range(inside)
    try:
        recorded = recorded_manifest(workspace, tracked, inside)
    except (NotFound, IntegrityError):
        recorded = EMPTY
    return compare(recorded, current.rows(rows))
