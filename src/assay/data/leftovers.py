"""Clearing away what killed commands left unfinished beside data and pointers."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable

from assay.data.moving import opened, remove_tree, stat_at
from assay.store.durable import process_is_running
from assay.store.restore import open_chain
from assay.store.walk import SCRATCH_FOLDER_PREFIX, SCRATCH_PREFIX

_SCRATCH = SCRATCH_PREFIX.encode()
_SCRATCH_FOLDER = SCRATCH_FOLDER_PREFIX.encode()
_POINTER = re.compile(rb"\..+-([0-9]+)-[0-9a-f]{12}\.tmp")


def clear_scratch(root: bytes, paths: Iterable[bytes]) -> None:
    """Remove unfinished files of checkouts.  Call it under the repository's lock.

    Whoever made them held that lock, so they are nobody's by now.
    """
    with opened(root) as root_fd:
        for path in paths:
            found = stat_at(root_fd, path)
            folder, _, name = path.rpartition(b"/")
            is_ours = name.startswith(_SCRATCH_FOLDER)
            if found is None or (stat.S_ISDIR(found.st_mode) and not is_ours):
                continue  # another folder is a download's, which needs no lock
            folder_fd = open_chain(root_fd, folder)
            try:
                remove_tree(folder_fd, name)
            finally:
                os.close(folder_fd)


def scratch_in(root: bytes, folder: bytes) -> list[bytes]:
    """Unfinished files right in one folder."""
    try:
        names = os.listdir(os.path.join(root, folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    prefix = folder + b"/" if folder else b""
    return [prefix + name for name in names if name.startswith(_SCRATCH)]


def clear_unwritten(folder: bytes, name: bytes) -> None:
    """Remove what dead writers left when they replaced the file ``name`` of ``folder``."""
    for entry in os.listdir(folder or b"."):
        match = _POINTER.fullmatch(entry)
        if match is None or not entry.startswith(b"." + name[:40] + b"-"):
            continue
        if not process_is_running(int(match[1])):
            try:
                os.unlink(os.path.join(folder, entry))
            except FileNotFoundError:
                continue
