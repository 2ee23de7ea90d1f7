"""``diff``: what differs between two snapshots, or a snapshot and the workspace.

The answer is in DVC's shape: added, deleted, modified, renamed, not in cache; a folder is named
with a trailing slash, and so is each file in it that differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.core.manifest import FOLDER, Entry, Manifest, compare
from assay.core.progress import SILENT, Progress
from assay.data.model import Tracked, is_at_or_below, printable
from assay.data.scan import ABSENT, Workspace
from assay.data.status import current_manifest, recorded_manifest
from assay.data.survey import survey
from assay.errors import IntegrityError, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One tracked path on one side of a comparison.

    ``manifest`` is ``None`` where it is not in the cache; then only ``digest`` is compared.
    """

    path: bytes
    digest: bytes
    is_folder: bool
    manifest: Manifest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs; digests are ``None`` on a side where the path is not."""

    path: bytes
    is_folder: bool
    old: bytes | None = None
    new: bytes | None = None
    old_path: bytes | None = None

    @property
    def name(self) -> str:
        """The path as it is shown: folders end in a slash."""
        return printable(self.path) + ("/" if self.is_folder else "")


@dataclass(kw_only=True)
class Changes:
    """A comparison's result; every list is sorted by path."""

    added: list[Change] = field(default_factory=list)
    deleted: list[Change] = field(default_factory=list)
    modified: list[Change] = field(default_factory=list)
    renamed: list[Change] = field(default_factory=list)
    not_in_cache: list[Change] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.added or self.deleted or self.modified or self.renamed or self.not_in_cache
        )


def recorded_sides(workspace: Workspace, everything: list[Tracked]) -> dict[bytes, Side]:
    """The sides that pointers record."""
    sides = {}
    for tracked in everything:
        if tracked.output.digest is None:
            continue
        try:
            manifest = recorded_manifest(workspace, tracked)
        except (NotFound, IntegrityError):
            manifest = None
        sides[tracked.path] = Side(
            path=tracked.path,
            digest=tracked.output.digest,
            is_folder=tracked.output.is_folder,
            manifest=manifest,
        )
    return sides


def workspace_sides(
    workspace: Workspace, everything: list[Tracked], *, progress: Progress = SILENT
) -> dict[bytes, Side]:
    """The sides that the workspace holds now."""
    sides = {}
    for tracked in everything:
        state = survey(workspace, tracked.path, progress=progress)
        if state.kind != ABSENT:
            sides[tracked.path] = Side(
                path=tracked.path,
                digest=state.digest,
                is_folder=state.kind == "folder",
                manifest=current_manifest(state),
            )
    return sides


def diff(
    workspace: Workspace,
    old: dict[bytes, Side],
    new: dict[bytes, Side],
    targets: list[bytes] | None = None,
) -> Changes:
    """Compare two sets of sides; ``targets`` restrict it to what lies at or below them."""
    changes = Changes()
    for path in sorted(old.keys() | new.keys()):
        _compare_sides(path, old.get(path), new.get(path), changes)
    for side in old.values():
        if not workspace.cache.has(side.digest):
            changes.not_in_cache.append(
                Change(path=side.path, is_folder=side.is_folder, old=side.digest)
            )
    if targets:
        _restrict(changes, targets)
    _find_renames(changes)
    return changes


def _compare_sides(path: bytes, old: Side | None, new: Side | None, changes: Changes) -> None:
    same = old and new and old.digest == new.digest and old.is_folder == new.is_folder
    if same and old and new and (old.is_folder or old.manifest == new.manifest):
        return
    if old is not None and new is not None and old.is_folder == new.is_folder:
        changes.modified.append(_whole(path, old, new))
    elif old is not None or new is not None:
        if new is not None:
            changes.added.append(_whole(path, None, new))
        if old is not None:
            changes.deleted.append(_whole(path, old, None))
    _compare_entries(path, old, new, changes)


def _whole(path: bytes, old: Side | None, new: Side | None) -> Change:
    side = new or old
    assert side is not None
    return Change(
        path=path,
        is_folder=side.is_folder,
        old=old.digest if old else None,
        new=new.digest if new else None,
    )


def _compare_entries(path: bytes, old: Side | None, new: Side | None, changes: Changes) -> None:
    if (old is not None and old.manifest is None) or (new is not None and new.manifest is None):
        return  # one side's manifest is not here: only the whole can be compared
    difference = compare(_entries(old), _entries(new))
    for entry in difference.added:
        changes.added.append(_change(path, None, entry))
    for entry in difference.deleted:
        changes.deleted.append(_change(path, entry, None))
    for before, after in difference.modified:
        changes.modified.append(_change(path, before, after))


def _entries(side: Side | None) -> Manifest:
    from assay.core.manifest import EMPTY

    if side is None or not side.is_folder or side.manifest is None:
        return EMPTY
    return side.manifest


def _change(top: bytes, old: Entry | None, new: Entry | None) -> Change:
    entry = new or old
    assert entry is not None
    return Change(
        path=top + b"/" + entry.path,
        is_folder=entry.kind == FOLDER,
        old=old.digest if old else None,
        new=new.digest if new else None,
    )


def _restrict(changes: Changes, targets: list[bytes]) -> None:
    for changed in (changes.added, changes.deleted, changes.modified, changes.not_in_cache):
        changed[:] = [c for c in changed if any(is_at_or_below(c.path, t) for t in targets)]


def _find_renames(changes: Changes) -> None:
    """A file that went and one with the same content that came are one renamed file."""
    gone: dict[bytes, list[Change]] = {}
    for change in changes.deleted:
        if not change.is_folder and change.old is not None:
            gone.setdefault(change.old, []).append(change)
    for change in list(changes.added):
        sources = gone.get(change.new or b"")
        if change.is_folder or not sources:
            continue
        source = sources.pop(0)
        changes.added.remove(change)
        changes.deleted.remove(source)
        changes.renamed.append(
            Change(
                path=change.path,
                is_folder=False,
                old=source.old,
                new=change.new,
                old_path=source.path,
            )
        )
