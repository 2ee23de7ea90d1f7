"""``data status``: committed and uncommitted changes, grouped as Git's status groups them."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.data.diff import Changes, Side
from assay.data.model import printable

Names = dict[str, list[object]]


@dataclass(kw_only=True)
class DataStatus:
    """Names by group.

    ``committed``: HEAD against the pointers; ``uncommitted``: the pointers against the
    workspace; each maps ``added``, ``modified``, ``deleted`` or ``renamed`` to paths.
    """

    not_in_cache: list[str] = field(default_factory=list)
    not_in_remote: list[str] = field(default_factory=list)
    committed: Names = field(default_factory=dict)
    uncommitted: Names = field(default_factory=dict)
    untracked: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The JSON shape: empty groups are left out."""
        groups: dict[str, object] = {
            "not_in_cache": self.not_in_cache,
            "not_in_remote": self.not_in_remote,
            "committed": self.committed,
            "uncommitted": self.uncommitted,
            "untracked": self.untracked,
            "unchanged": self.unchanged,
        }
        return {name: value for name, value in groups.items() if value}


def group_names(changes: Changes, tops: set[bytes], *, granular: bool) -> dict[str, list[object]]:
    """Names of a comparison by kind of change; without ``granular`` only whole tracked paths."""
    groups: dict[str, list[object]] = {}
    for kind, listed in (
        ("added", changes.added),
        ("modified", changes.modified),
        ("deleted", changes.deleted),
    ):
        names = [change.name for change in listed if granular or change.path in tops]
        if names:
            groups[kind] = list(names)
    renamed: list[object] = [
        {"old": printable(change.old_path or b""), "new": change.name}
        for change in changes.renamed
        if granular or change.path in tops
    ]
    if renamed:
        groups["renamed"] = renamed
    return groups


def unchanged_names(
    head: dict[bytes, Side], recorded: dict[bytes, Side], here: dict[bytes, Side]
) -> list[str]:
    """Tracked paths that are the same in HEAD, in the pointers and in the workspace."""
    names = []
    for path, side in sorted(recorded.items()):
        same = [other.get(path) for other in (head, here)]
        if all(
            o is not None and (o.digest, o.is_folder) == (side.digest, side.is_folder) for o in same
        ):
            names.append(printable(path) + ("/" if side.is_folder else ""))
    return names
