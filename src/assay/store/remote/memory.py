"""The memory that a remote was there once, so that an empty mount point is not taken for it."""

from __future__ import annotations

import os

from assay.errors import AssayError, NotFound
from assay.store.durable import make_folder, write_atomic


class RemoteMemory:
    """A mark in a remote's state folder; without a folder nothing is remembered."""

    def __init__(self, state_dir: str | None) -> None:
        self._path = os.path.join(state_dir, "seen") if state_dir else None

    def was_seen(self) -> bool:
        """Whether the remote was there before."""
        return self._path is not None and os.path.exists(self._path)

    def remember(self, where: str) -> None:
        """Note that it is there."""
        if self._path is None or self.was_seen():
            return
        try:
            make_folder(os.path.dirname(self._path))
            write_atomic(self._path, where.encode(errors="surrogateescape"), durable=False)
        except (OSError, AssayError):
            return  # it only makes a later error clearer


def vanished(where: str) -> NotFound:
    """The error for a remote that was there before."""
    return NotFound(
        "remote-missing",
        f"The remote {where} is not there.",
        why="The folder is absent or empty, although it was used before. Is a NAS unmounted?",
        fix="Mount it, or correct the remote's url.",
        paths=(where,),
    )
