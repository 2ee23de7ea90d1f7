"""Checkout: make a tracked path hold exactly what its pointer records, losing nothing.

:mod:`assay.data.checkout_plan` decides, :func:`apply_checkout` acts.  Work that is not in the
cache is never overwritten: it is refused, or with ``force`` moved to the trash.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from assay.core.digest import ObjectKind
from assay.core.manifest import Manifest
from assay.core.paths import folded_collisions
from assay.core.progress import SILENT, Progress
from assay.data.checkout_plan import CheckoutPlan
from assay.data.model import Heal, join_path, printable
from assay.data.scan import PathState, Workspace
from assay.data.settle import FileStats, settle
from assay.data.trash import Trash
from assay.errors import AssayError, Conflict, IntegrityError, NotFound
from assay.store.batches import WriteBatch, batches_of, subset
from assay.store.restore import RestoreOptions, open_chain, restore
from assay.store.walk import STAT_FIELDS, open_root, stat_row


@dataclass(kw_only=True)
class CheckoutOutcome:
    """What was done, and which files could not be written."""

    written: int = 0
    failed: dict[bytes, AssayError] = field(default_factory=dict)
    trash_id: str | None = None


def apply_checkout(
    workspace: Workspace,
    state: PathState,
    plan: CheckoutPlan,
    *,
    trash: Trash,
    now_ns: int,
    command: str = "checkout",
    heal: Heal | None = None,
    progress: Progress = SILENT,
) -> CheckoutOutcome:
    """Carry out a plan.  Unsaved files that it displaces go to the trash first."""
    outcome = CheckoutOutcome()
    if folds_names(workspace.root):
        _refuse_collisions(plan)
    if plan.unsaved:
        entry = trash.displace(plan.unsaved, command=command, now_ns=now_ns)
        outcome.trash_id = entry.id
    displaced = set(plan.unsaved)
    _remove(workspace, {p: s for p, s in plan.remove.items() if p not in displaced})
    _drop_folders(workspace, plan)
    replaces = {path: row for path, row in plan.replaces.items() if path not in displaced}
    stats = write_files(workspace, plan, replaces, outcome, heal, progress)
    _finish_folders(workspace, plan)
    settle(workspace, state, plan, stats, is_complete=not outcome.failed)
    return outcome


def _remove(workspace: Workspace, remove: dict[bytes, tuple[int, ...]]) -> None:
    root_fd = open_root(workspace.root)
    try:
        for path, expected in remove.items():
            folder, _, name = path.rpartition(b"/")
            fd = open_chain(root_fd, folder)
            try:
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if not stat.S_ISLNK(found.st_mode) and stat_row(found) != expected:
                    raise _changed(path)
                os.unlink(name, dir_fd=fd)
            except FileNotFoundError:
                continue
            finally:
                os.close(fd)
    finally:
        os.close(root_fd)


def _drop_folders(workspace: Workspace, plan: CheckoutPlan) -> None:
    for folder in plan.drop_folders:
        try:
            os.rmdir(workspace.absolute(folder))
        except FileNotFoundError:
            continue
        except OSError:
            # Ignored files live there: the folder stays, unless a file must take its name.
            if folder in {join_path(plan.top, path) for path in plan.write.paths}:
                raise _occupied(folder) from None


def write_files(
    workspace: Workspace,
    plan: CheckoutPlan,
    replaces: dict[bytes, tuple[int, ...]],
    outcome: CheckoutOutcome,
    heal: Heal | None,
    progress: Progress,
) -> FileStats:
    """Digest and stat row of every file written, by path from the root."""
    options = RestoreOptions(link_types=workspace.link_types, jobs=workspace.jobs)
    done: FileStats = {}
    manifest, top = _rooted(plan)
    batches = list(batches_of(manifest, top, replaces))
    for attempt in range(2):
        outcome.failed = {}
        lost: dict[bytes, int] = {}
        for batch, written in restore(
            workspace.cache, workspace.root, batches, options, progress=progress
        ):
            for at, name in enumerate(batch.names):
                path = join_path(batch.rel, name) if batch.rel else name
                digest = batch.digests[at * 32 : at * 32 + 32]
                if at in written.failed:
                    outcome.failed[path] = written.failed[at]
                    if isinstance(written.failed[at], (IntegrityError, NotFound)):
                        lost[digest] = ObjectKind.BLOB
                else:
                    row = written.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS]
                    done[path] = (digest, tuple(row))
        if not lost or heal is None or attempt:
            break
        heal(lost)
        workspace.cache.refresh()
        batches = [_retry(batch, outcome.failed) for batch in batches]
        batches = [batch for batch in batches if batch.names]
    outcome.written = len(done)
    return done


def _rooted(plan: CheckoutPlan) -> tuple[Manifest, bytes]:
    """The rows to write as (manifest, folder it is relative to); a file is in its parent."""
    if not plan.is_file:
        return plan.write, plan.top
    folder, _, name = plan.top.rpartition(b"/")
    rows = plan.write
    return (
        Manifest(
            paths=[name] * len(rows), sizes=rows.sizes, kinds=rows.kinds, digests=rows.digests
        ),
        folder,
    )


def _retry(batch: WriteBatch, failed: dict[bytes, AssayError]) -> WriteBatch:
    rows = [
        at
        for at, name in enumerate(batch.names)
        if isinstance(
            failed.get(join_path(batch.rel, name) if batch.rel else name),
            (IntegrityError, NotFound),
        )
    ]
    return subset(batch, rows)


def _finish_folders(workspace: Workspace, plan: CheckoutPlan) -> None:
    root_fd = open_root(workspace.root)
    try:
        for folder in plan.make_folders:
            os.close(open_chain(root_fd, folder, create=True))
        if not plan.is_file and plan.is_whole:
            os.close(open_chain(root_fd, plan.top, create=True))
        for path, is_executable in plan.chmod:
            _change_mode(root_fd, path, is_executable)
    finally:
        os.close(root_fd)


def _change_mode(root_fd: int, path: bytes, is_executable: bool) -> None:
    folder, _, name = path.rpartition(b"/")
    folder_fd = open_chain(root_fd, folder)
    try:
        fd = os.open(name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0), dir_fd=folder_fd)
        try:
            mode = stat.S_IMODE(os.fstat(fd).st_mode)
            readable = (mode & 0o444) >> 2
            os.fchmod(fd, mode | readable if is_executable else mode & ~0o111)
        finally:
            os.close(fd)
    finally:
        os.close(folder_fd)


def folds_names(root: bytes) -> bool:
    """Whether the file system takes ``.ASSAY`` for ``.assay`` (any existing name will do)."""
    for name in (b".assay", b".git", b".dvc"):
        if os.path.lexists(os.path.join(root, name)):
            return os.path.lexists(os.path.join(root, name.upper()))
    return False


def _refuse_collisions(plan: CheckoutPlan) -> None:
    pairs = folded_collisions(plan.write.paths)
    if pairs:
        first, second = (printable(path) for path in pairs[0])
        raise Conflict(
            "names-collide",
            f"{first} and {second} are one name on this file system.",
            why="It does not tell upper from lower case, or spellings of one character, apart.",
            fix="Rename one of them where the data is made, or use another file system.",
            paths=(first, second),
        )


def _changed(path: bytes) -> Conflict:
    shown = printable(path)
    return Conflict(
        "workspace-changed",
        f"{shown} changed during checkout; it was left alone.",
        why="Another program wrote it meanwhile.",
        fix="Look at it, then run the command again.",
        paths=(shown,),
    )


def _occupied(folder: bytes) -> Conflict:
    shown = printable(folder)
    return Conflict(
        "path-blocked",
        f"{shown} is a folder with files in it, but a file must take its place.",
        why="Ignored files are in it; checkout does not remove them.",
        fix="Move them away, then run the command again.",
        paths=(shown,),
    )
