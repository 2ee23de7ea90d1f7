"""What stands in the way of a checkout: links, and files that an ignore file hides from the scan.

Files are never written through a symbolic link, and what the scan did not list is nobody's to
overwrite; a checkout refuses both, or with ``force`` moves them to the trash.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from assay.core.manifest import EMPTY, FOLDER, Difference, Manifest, from_entries
from assay.data.model import is_at_or_below, join_path
from assay.data.moving import files_below, obstacle_at, opened, stat_at
from assay.data.scan import PathState, Workspace


def links_in_the_way(
    workspace: Workspace, state: PathState, difference: Difference, *, is_file: bool
) -> list[bytes]:
    """Links and hidden files at or above folders in which something would change.

    The outermost only: what lies behind them is not this path's content.
    """
    paths = [
        join_path(state.path, entry.path) for entry in (*difference.added, *difference.deleted)
    ]
    paths += [join_path(state.path, new.path) for _, new in difference.modified]
    if not paths:
        return []
    folders = {path.rpartition(b"/")[0] for path in paths}
    folders |= {
        join_path(state.path, entry.path) for entry in difference.added if entry.kind == FOLDER
    }
    if not is_file:
        folders.add(state.path)
    leaving = {join_path(state.path, entry.path) for entry in difference.deleted}
    found: set[bytes] = set()
    with opened(workspace.root) as root_fd:
        if stat_at(root_fd, state.path) is None:
            folders = {state.path.rpartition(b"/")[0]}
        for folder in sorted(folders):
            if not any(is_at_or_below(folder, other) for other in found):
                obstacle = obstacle_at(root_fd, folder)
                # A file that is displaced anyway makes way for the folder.
                if obstacle is not None and (
                    obstacle not in leaving or _is_link(root_fd, obstacle)
                ):
                    found.add(obstacle)
    return sorted(found)


def _is_link(root_fd: int, path: bytes) -> bool:
    found = stat_at(root_fd, path)
    return found is not None and stat.S_ISLNK(found.st_mode)


def without(manifest: Manifest, top: bytes, links: list[bytes]) -> Manifest:
    """A folder's rows but those that lie behind links."""
    if any(is_at_or_below(top, link) for link in links):
        return EMPTY
    return from_entries(
        [
            entry
            for entry in manifest
            if not any(is_at_or_below(join_path(top, entry.path), link) for link in links)
        ]
    )


def hidden_in_the_way(
    workspace: Workspace, wanted: Iterable[bytes], known: set[bytes], links: list[bytes]
) -> list[bytes]:
    """What lies where new files must be written although the scan did not list it.

    ``wanted``: paths to be written that the scan did not list; ``known``: files that it did.
    """
    by_folder: dict[bytes, list[bytes]] = {}
    for path in wanted:
        if not any(is_at_or_below(path, link) for link in links):
            by_folder.setdefault(path.rpartition(b"/")[0], []).append(path)
    found: list[bytes] = []
    with opened(workspace.root) as root_fd:
        for folder, paths in by_folder.items():
            names = _names(root_fd, folder)
            for path in paths:
                if path.rpartition(b"/")[2] in names:
                    found += _hidden_at(root_fd, path, known)
    return found


def _names(root_fd: int, folder: bytes) -> set[bytes]:
    if obstacle_at(root_fd, folder) is not None:
        return set()
    try:
        fd = os.open(folder or b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root_fd)
    except FileNotFoundError:
        return set()
    try:
        return set(map(os.fsencode, os.listdir(fd)))
    finally:
        os.close(fd)


def _hidden_at(root_fd: int, path: bytes, known: set[bytes]) -> list[bytes]:
    found = stat_at(root_fd, path)
    if found is None:
        return []
    if stat.S_ISDIR(found.st_mode):
        return [below for below in files_below(root_fd, path) if below not in known]
    return [path] if path not in known else []
