"""Planning a checkout: compare what a tracked path holds with what it should; change nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from assay.core.manifest import (
    EMPTY,
    EXECUTABLE,
    FILE,
    FOLDER,
    SYMLINK,
    Entry,
    Manifest,
    compare,
    folder_paths,
    from_entries,
    single,
)
from assay.data.model import is_at_or_below, join_path, printable
from assay.data.obstacles import hidden_in_the_way, links_in_the_way, without
from assay.data.scan import A_FILE, A_FOLDER, ABSENT, PathState, Workspace
from assay.errors import Conflict, IntegrityError, NotFound
from assay.store.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPlan:
    """What a checkout would do to one tracked path.  Paths are from the repository's root.

    ``write`` holds rows relative to ``top``; a tracked file is the single row with an empty
    path.  ``replaces`` gives the stat row of what each written path may displace.  ``unsaved``
    is what nothing could bring back; ``links`` are those of it that are displaced whole, with
    whatever seems to lie behind them.
    """

    top: bytes
    write: Manifest
    target_digest: bytes
    is_file: bool
    replaces: dict[bytes, tuple[int, ...]]
    remove: dict[bytes, tuple[int, ...]]
    chmod: list[tuple[bytes, bool]]
    make_folders: list[bytes]
    drop_folders: list[bytes]
    unsaved: list[bytes]
    added: list[bytes]
    modified: list[bytes]
    deleted: list[bytes]
    links: list[bytes] = field(default_factory=list)
    is_whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (
            self.write.paths
            or self.remove
            or self.chmod
            or self.make_folders
            or self.drop_folders
            or self.unsaved
        )


def plan_checkout(
    workspace: Workspace,
    state: PathState,
    target: Manifest,
    target_digest: bytes,
    *,
    is_file: bool,
    inside: bytes = b"",
) -> CheckoutPlan:
    """Compare a path's state with what it should hold.

    ``target`` has paths relative to the tracked path.  With ``inside`` only what lies at or
    below that path inside a tracked folder is changed.
    """
    current = _current(state)
    if inside:
        target, current = _only(target, inside), _only(current, inside)
    if not is_file:
        refuse_contradictions(target, state.path)
    difference = compare(current, target)
    links = links_in_the_way(workspace, state, difference, is_file=is_file)
    if links:
        current = without(current, state.path, links)
        difference = compare(current, target)
    top = state.path
    chmod = [
        (join_path(top, new.path), new.kind == EXECUTABLE)
        for old, new in difference.modified
        if old.digest == new.digest
        and {old.kind, new.kind} == {FILE, EXECUTABLE}
        and _has_own_inode(workspace, join_path(top, new.path))
    ]
    changed_mode = {path for path, _ in chmod}
    rewrite = [(o, n) for o, n in difference.modified if join_path(top, n.path) not in changed_mode]
    came = [*difference.added, *(new for _, new in rewrite)]
    # A folder takes the place of a file only once the file is gone.
    gone = [e for e in difference.deleted if e.kind != FOLDER]
    gone += [old for old, new in rewrite if new.kind == FOLDER != old.kind]
    displaced = [*gone, *(o for o, n in rewrite if FOLDER not in (o.kind, n.kind))]
    stats = state.stat_rows({join_path(top, entry.path) for entry in displaced})
    new_paths = [join_path(top, e.path) for e in came if join_path(top, e.path) not in stats]
    hidden = hidden_in_the_way(workspace, new_paths, set(stats), links)
    return CheckoutPlan(
        top=top,
        write=from_entries([entry for entry in came if entry.kind != FOLDER]),
        target_digest=target_digest,
        is_file=is_file,
        replaces={
            join_path(top, old.path): stats[join_path(top, old.path)]
            for old, new in rewrite
            if FOLDER not in (old.kind, new.kind)
        },
        remove={join_path(top, e.path): stats[join_path(top, e.path)] for e in gone},
        chmod=chmod,
        make_folders=[
            *([top] if state.kind != A_FOLDER and not is_file and not inside else []),
            *(join_path(top, e.path) for e in came if e.kind == FOLDER),
        ],
        drop_folders=_folders_to_drop(state, target, inside, is_file, links),
        unsaved=[*_unsaved(workspace, displaced, top), *links, *hidden],
        added=[join_path(top, e.path) for e in difference.added],
        modified=[join_path(top, new.path) for _, new in difference.modified],
        deleted=[join_path(top, e.path) for e in difference.deleted],
        links=links,
        is_whole=not inside,
    )


def _current(state: PathState) -> Manifest:
    if state.kind == ABSENT:
        return EMPTY
    if state.kind == A_FILE:
        return single(state.digest, state.size_bytes, state.is_executable)
    return state.manifest


def _only(manifest: Manifest, inside: bytes) -> Manifest:
    row = manifest.find(inside)
    return manifest.rows(range(row, row + 1) if row >= 0 else manifest.folder_range(inside))


def refuse_contradictions(target: Manifest, top: bytes) -> None:
    """One name cannot be a file and a folder."""
    folders = folder_paths(target)
    both = [path for path in target.paths if path in folders]
    both = [path for path in both if target.entry(target.find(path)).kind != FOLDER]
    if both:
        shown = printable(join_path(top, both[0]))
        raise IntegrityError(
            "manifest-contradictory",
            f"The manifest of {printable(top)} has {shown} both as a file and as a folder.",
            why="No workspace can hold both; it was not written by assay.",
            fix="Do not trust where it came from; nothing has been written.",
            paths=(shown,),
        )


def _folders_to_drop(
    state: PathState, target: Manifest, inside: bytes, is_file: bool, links: list[bytes]
) -> list[bytes]:
    """Folders that the target does not have, deepest first."""
    if state.kind != A_FOLDER:
        return []
    folders = set() if is_file else folder_paths(target)
    wanted = {join_path(state.path, folder) for folder in folders}
    wanted.update(
        join_path(state.path, path)
        for path, kind in zip(target.paths, target.kinds, strict=True)
        if kind == FOLDER
    )
    scope = join_path(state.path, inside)
    return sorted(
        (
            f.scan.rel
            for f in state.folders
            if f.scan.rel not in wanted
            and (f.scan.rel != state.path or is_file)
            and (not inside or is_at_or_below(f.scan.rel, scope))
            and not any(is_at_or_below(f.scan.rel, link) for link in links)
        ),
        reverse=True,
    )


def _unsaved(workspace: Workspace, displaced: list[Entry], top: bytes) -> list[bytes]:
    """What nothing could bring back: its bytes are not in the cache, or only damaged there."""
    displaced = [entry for entry in displaced if not _is_own_link(workspace, top, entry)]
    digests = {entry.digest for entry in displaced}
    lost = workspace.cache.missing(digests)
    lost |= {digest for digest in digests - lost if not _is_good(workspace.cache, digest)}
    return [join_path(top, entry.path) for entry in displaced if entry.digest in lost]


def _has_own_inode(workspace: Workspace, path: bytes) -> bool:
    """Whether a file's mode is its own to change, not that of an object in the cache."""
    found = os.lstat(workspace.absolute(path))
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _is_own_link(workspace: Workspace, top: bytes, entry: Entry) -> bool:
    """Whether a link that leads nowhere led into the cache: checkout itself made it."""
    if entry.kind != SYMLINK or workspace.keep_links:
        return False
    target = os.fsdecode(os.readlink(workspace.absolute(join_path(top, entry.path))))
    return target.startswith(os.path.abspath(workspace.cache.root) + os.sep)


def _is_good(cache: Cache, digest: bytes) -> bool:
    try:
        cache.open_blob(digest).close()
    except (IntegrityError, NotFound):
        return False
    return True


def refuse_unsaved(plans: list[CheckoutPlan]) -> None:
    """Raise :class:`Conflict` ``unsaved-work`` when any plan would displace unsaved work."""
    paths = [printable(path) for plan in plans for path in plan.unsaved]
    if paths:
        named = ", ".join(paths[:10]) + (f" and {len(paths) - 10} more" if len(paths) > 10 else "")
        raise Conflict(
            "unsaved-work",
            f"Checkout would overwrite or remove unsaved work: {named}.",
            why="The cache has no good copy of these files, so nothing could bring them back.",
            fix="Save them with `assay add`, or use --force, which moves them to the trash.",
            paths=tuple(paths),
        )
