"""The disk space of a run: fresh folders for the turns, and when the old ones go."""

from __future__ import annotations

import shutil
from pathlib import Path

SPARE_BYTES = 2 << 30


class NoRoom(Exception):
    """The disk is too small for a turn; the text says by how much."""


class Scratch:
    """A folder of ours alone.

    On some ext4 volumes, creating files right after a large delete costs ten times more. So used
    trees of many files are only moved aside, and deleted at the end, or earlier when the disk or
    the budget is short (``deletions`` says how often that was, for the report).
    """

    def __init__(self, root: Path, budget_bytes: int) -> None:
        self.root = root
        self.deletions = 0
        self._budget_bytes = budget_bytes
        self._retired_bytes = 0
        self._number = 0
        root.mkdir(parents=True)

    def fresh(self, name: str) -> Path:
        """A new, empty folder."""
        self._number += 1
        path = self.root / f"{self._number:03}-{name}"
        path.mkdir()
        return path

    def retire(self, path: Path, size_bytes: int) -> None:
        """Be done with ``path``, which holds about ``size_bytes``."""
        path.rename(self._retired / path.name)
        self._retired_bytes += size_bytes

    def drop(self, path: Path) -> None:
        """Delete ``path``, which holds only few files, at once."""
        shutil.rmtree(path)

    def make_room(self, size_bytes: int) -> None:
        """Delete what was retired if ``size_bytes`` more would not fit.

        Raises NoRoom when they do not fit even then.
        """
        if self._fits(size_bytes):
            return
        if self._retired_bytes:
            self.deletions += 1
            shutil.rmtree(self._retired)
            self._retired_bytes = 0
        free = shutil.disk_usage(self.root).free
        if free < size_bytes + SPARE_BYTES:
            raise NoRoom(
                f"{self.root} has {free:,} bytes free, the next turn may need {size_bytes:,}"
            )

    def delete(self) -> None:
        """Delete everything: the run is over."""
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def _retired(self) -> Path:
        path = self.root / "retired"
        path.mkdir(exist_ok=True)
        return path

    def _fits(self, size_bytes: int) -> bool:
        if self._retired_bytes + size_bytes > self._budget_bytes:
            return False
        return shutil.disk_usage(self.root).free >= size_bytes + SPARE_BYTES
