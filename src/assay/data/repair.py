"""Repairing the cache: good copies from the workspace or the remotes in place of bad ones."""

from __future__ import annotations

from collections.abc import Callable

from assay.core.digest import ObjectKind
from assay.core.progress import SILENT, Progress
from assay.data.outputs import Selection
from assay.data.scan import A_FILE, A_FOLDER, PathState, Workspace, look
from assay.data.transfer import fetch, healer, lacks
from assay.data.verify import VerifyReport, verify_cache, verify_references
from assay.errors import AssayError
from assay.store.rebuild import good_copies, rebuild_segments, stray_packs
from assay.store.remote.port import Remote

_NOT_OURS_TO_MEND = frozenset({"store-newer-format", "cache-invalid"})


def repair_cache(
    workspace: Workspace,
    chosen: list[Selection],
    remotes: Callable[[], list[Remote]],
    report: VerifyReport,
    *,
    progress: Progress = SILENT,
) -> None:
    """Mend what ``report`` names; it then says what is healed and what is still wrong.

    Nothing damaged is given up before a good copy is at hand.
    """
    for problem in report.problems:
        if problem.code in _NOT_OURS_TO_MEND:
            raise problem
    if report.problems or (report.missing and stray_packs(workspace.cache)):
        _rebuild_index(workspace, chosen, report, progress)
    bad = {**dict.fromkeys(report.missing, int(ObjectKind.BLOB)), **report.kinds}
    if not bad:
        return
    healed = _heal_from_packs(workspace, bad, progress)
    left = {digest: kind for digest, kind in bad.items() if digest not in healed}
    healed |= _heal_from_workspace(workspace, chosen, left, progress)

    def note(digest: bytes, is_good: bool) -> None:
        if is_good:
            healed.add(digest)

    left = {digest: kind for digest, kind in bad.items() if digest not in healed}
    if left:
        healer(workspace.cache, remotes, note, progress=progress)(left)
        _complete(workspace, chosen, remotes(), progress)
    healed |= report.missing.keys() - workspace.cache.missing(report.missing)
    report.healed += sorted(healed)
    report.damaged = {d: place for d, place in report.damaged.items() if d not in healed}
    report.missing = {d: place for d, place in report.missing.items() if d not in healed}


def _heal_from_packs(workspace: Workspace, bad: dict[bytes, int], progress: Progress) -> set[bytes]:
    """Take another copy of the same object, where one was packed twice."""
    from assay.store.collect import discard

    cache = workspace.cache
    healed: set[bytes] = set()
    for digest, kind, data in good_copies(cache, set(bad)):
        with cache.writing(progress):
            discard(cache, {digest})
            cache.put(kind, {digest: data})
        healed.add(digest)
    return healed


def _heal_from_workspace(
    workspace: Workspace, chosen: list[Selection], bad: dict[bytes, int], progress: Progress
) -> set[bytes]:
    """Take in again what the workspace still holds; what is good then."""
    from assay.store.collect import discard

    cache = workspace.cache
    tried: set[bytes] = set()
    for path in dict.fromkeys(selection.tracked.path for selection in chosen):
        try:
            state = look(workspace, path, progress=progress)
            held = _objects_of(state) & bad.keys()
            if not held:
                continue
            tried |= held
            with cache.writing(progress):
                discard(cache, held)
                # What is stored is hashed on its way, so a bad file cannot pass for the lost one.
                look(workspace, path, store=True, progress=progress)
                if state.kind == A_FOLDER:
                    cache.put(ObjectKind.NODE, state.tree.nodes)
            cache.refresh()
        except AssayError:
            continue  # this path cannot be read; the remotes may still help
    return tried - cache.missing(tried)


def _objects_of(state: PathState) -> set[bytes]:
    if state.kind == A_FILE:
        return {state.digest}
    if state.kind == A_FOLDER:
        return state.manifest.blob_digests() | state.tree.nodes.keys()
    return set()


def _complete(
    workspace: Workspace, chosen: list[Selection], remotes: list[Remote], progress: Progress
) -> None:
    """Once a manifest is healed, fetch what only it could tell of."""
    for remote in remotes:
        absent = [selection for selection in chosen if lacks(workspace.cache, selection)]
        if not absent:
            return
        try:
            fetch(workspace.cache, remote, absent, progress=progress)
        except AssayError:
            continue


def _rebuild_index(
    workspace: Workspace, chosen: list[Selection], report: VerifyReport, progress: Progress
) -> None:
    """Make the cache's index anew from the packs, which carry their own."""
    cache = workspace.cache
    with cache.collecting(progress):
        lost = rebuild_segments(cache)
    # Whatever could not be read was set aside; what it held is good again, or listed as lost.
    report.problems = []
    fresh = VerifyReport()
    verify_cache(cache, fresh, progress=progress)
    report.damaged.update(fresh.damaged)
    report.kinds.update(fresh.kinds)
    report.kinds.update(lost)
    report.missing.update((digest, cache.root) for digest in lost)
    report.missing = {d: place for d, place in report.missing.items() if not cache.has(d)}
    verify_references(cache, [selection.tracked for selection in chosen], report)
