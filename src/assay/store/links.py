"""Links between cache and workspace: reflink, hard link, symbolic link, copy.

What a file system can do is tried, never assumed, and tried once per pair of folders.
"""

from __future__ import annotations

import os
import sys

REFLINK, HARDLINK, SYMLINK, COPY = "reflink", "hardlink", "symlink", "copy"
LINK_TYPES = (REFLINK, HARDLINK, SYMLINK, COPY)
DEFAULT_TYPES = (REFLINK, COPY)
_FICLONE = 0x40049409  # linux/fs.h


def reflink(source: int, target: int) -> bool:
    """Share ``source``'s blocks with the empty file ``target``; false where not possible."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


class LinkChooser:
    """Which of the configured link types work from one file system to another.

    A type that failed once between two devices is not tried there again: a failing call per
    file would cost more than the copies.
    """

    __slots__ = ("_failed", "types")

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types or DEFAULT_TYPES
        self._failed: set[tuple[str, int, int]] = set()

    @property
    def prefers_links(self) -> bool:
        """Whether the first choice shares the cache's inode with the workspace."""
        return self.types[0] in (HARDLINK, SYMLINK)

    def candidates(self, source_device: int, target_device: int) -> list[str]:
        """Types still worth trying, in order; a copy is always possible in the end."""
        pair = (source_device, target_device)
        kept = [kind for kind in self.types if (kind, *pair) not in self._failed]
        return kept if COPY in kept else [*kept, COPY]

    def failed(self, kind: str, source_device: int, target_device: int) -> None:
        """Remember that ``kind`` does not work here."""
        self._failed.add((kind, source_device, target_device))


def make_link(kind: str, source: str, target: str, *, dir_fd: int | None = None) -> bool:
    """Make ``target`` a hard or symbolic link to ``source``; false where not possible."""
    try:
        if kind == HARDLINK:
            os.link(source, target, dst_dir_fd=dir_fd, follow_symlinks=True)
        else:
            os.symlink(source, target, dir_fd=dir_fd)
    except OSError:
        return False
    return True
