"""Settling: tell the index what a checkout wrote, so that the next look hashes nothing."""

from __future__ import annotations

from array import array

from assay.data.checkout_plan import CheckoutPlan
from assay.data.model import is_at_or_below
from assay.data.scan import FolderState, PathState, Workspace, rows_sum
from assay.store.index import FolderRow, is_racy
from assay.store.walk import STAT_FIELDS, FolderScan

FileStats = dict[bytes, tuple[bytes, tuple[int, ...]]]
"""Digest and stat row of files, by path from the repository's root."""


def settle(
    workspace: Workspace,
    state: PathState,
    plan: CheckoutPlan,
    stats: FileStats,
    *,
    is_complete: bool,
) -> None:
    """Tell the index what is there now, so that the next look hashes nothing."""
    index = workspace.index
    newest = max((max(row[1], row[2]) for _, row in stats.values()), default=0)
    stamp = _stamp_after(workspace, newest)
    if plan.is_file:
        if plan.top in stats:
            digest, row = stats[plan.top]
            index.put_file(plan.top, row, digest, stamp)
        return
    folders = _folders_now(state, plan, stats)
    touched = {path.rpartition(b"/")[0] for path in (*stats, *plan.remove, *plan.unsaved)}
    touched.update(path.rpartition(b"/")[0] for path, _ in plan.chmod)
    with index.transaction():
        index.put_folders(
            _row(folders[rel], stamp)
            for rel in folders
            if rel in touched or rel not in {f.scan.rel for f in state.folders}
        )
        index.drop_folders(f.scan.rel for f in state.folders if f.scan.rel not in folders)
        if not is_complete or plan.chmod or not plan.is_whole:
            index.drop_output(plan.top)
        else:
            index.put_output(
                plan.top, plan.target_digest, rows_sum(folders.values()), workspace.options
            )


def _stamp_after(workspace: Workspace, newest_ns: int) -> int:
    """A probe later than every file just written, so that none of them counts as racy.

    The clock of a file system ticks every few milliseconds; waiting for one tick is far
    cheaper than hashing again what was written in it.
    """
    stamp = workspace.probe()
    for _ in range(200):
        if stamp > newest_ns:
            break
        stamp = workspace.probe()
    return stamp


def _folders_now(
    state: PathState, plan: CheckoutPlan, stats: FileStats
) -> dict[bytes, FolderState]:
    folders = {
        f.scan.rel: f
        for f in state.folders
        if not any(is_at_or_below(f.scan.rel, link) for link in plan.links)
    }
    for folder in plan.drop_folders:
        folders.pop(folder, None)
    gone: dict[bytes, set[bytes]] = {}
    for path in (*plan.remove, *plan.unsaved, *(path for path, _ in plan.chmod)):
        parent, _, name = path.rpartition(b"/")
        gone.setdefault(parent, set()).add(name)
    come: dict[bytes, FileStats] = {}
    for path, value in stats.items():
        parent, _, name = path.rpartition(b"/")
        come.setdefault(parent, {})[name] = value
    for folder in (plan.top, *plan.make_folders):
        come.setdefault(folder, {})
    for rel in list(come):
        at = rel
        while at != plan.top and (at := at.rpartition(b"/")[0]) not in come:
            come[at] = {}
    for rel in {*gone, *come}:
        if rel in folders or rel in come:
            folders[rel] = _merged(rel, folders.get(rel), gone.get(rel, set()), come.get(rel, {}))
    return folders


def _merged(
    rel: bytes,
    old: FolderState | None,
    gone: set[bytes],
    come: FileStats,
) -> FolderState:
    rows: FileStats = {}
    if old is not None:
        for at, name in enumerate(old.scan.names):
            if name not in gone:
                row = tuple(old.scan.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS])
                rows[name] = (old.digests[at * 32 : at * 32 + 32], row)
    rows.update(come)
    names = sorted(rows)
    stats = array("q")
    for name in names:
        stats.extend(rows[name][1])
    scan = FolderScan(rel, names, stats, False)
    digests = b"".join([rows[name][0] for name in names])
    return FolderState(scan=scan, digests=digests, is_new_to_index=True)


def _row(state: FolderState, stamp_ns: int) -> FolderRow:
    return FolderRow(
        state.scan.rel,
        b"\0".join(state.scan.names),
        state.scan.stats.tobytes(),
        state.digests,
        stamp_ns,
        is_racy(state.scan.stats, stamp_ns),
    )
