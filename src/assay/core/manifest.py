"""Manifests: a directory as columns of path, size, kind and digest.

Rows are sorted by path bytes, so a sub-folder is one range.  The columns are flat buffers,
never one Python object per file: a million entries cost their bytes and little more.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

FILE = 0
EXECUTABLE = 1
SYMLINK = 2
FOLDER = 3
"""Entry kinds as they stand on disk.  FOLDER is an empty folder; its digest is all zeros."""


class Entry(NamedTuple):
    """One row, for the places where speed does not matter."""

    path: bytes
    size: int
    kind: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A sorted, columnar set of entries.

    ``paths``: n relative paths; ``sizes``: n unsigned 64-bit byte counts; ``kinds``: n bytes;
    ``digests``: n digests of ``width`` bytes, concatenated.
    """

    paths: list[bytes]
    sizes: array[int]
    kinds: bytes
    digests: bytes
    width: int = 32

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def size_bytes(self) -> int:
        """Sum of the file sizes."""
        return sum(self.sizes)

    @property
    def file_count(self) -> int:
        """Entries that are not empty folders."""
        return len(self.paths) - self.kinds.count(FOLDER)

    def digest_at(self, row: int) -> bytes:
        """The digest of one row."""
        return self.digests[row * self.width : (row + 1) * self.width]

    def entry(self, row: int) -> Entry:
        """One row as a value."""
        return Entry(self.paths[row], self.sizes[row], self.kinds[row], self.digest_at(row))

    def __iter__(self) -> Iterator[Entry]:
        return map(self.entry, range(len(self.paths)))

    def find(self, path: bytes) -> int:
        """The row of ``path``, or -1."""
        row = bisect_left(self.paths, path)
        return row if row < len(self.paths) and self.paths[row] == path else -1

    def folder_range(self, folder: bytes) -> range:
        """Rows below ``folder`` (no trailing slash; empty means all)."""
        if not folder:
            return range(len(self.paths))
        low = bisect_left(self.paths, folder + b"/")
        return range(low, bisect_left(self.paths, folder + b"0"))  # "0" follows "/"

    def rows(self, rows: range) -> Manifest:
        """The consecutive rows ``rows``, paths unchanged."""
        low, high = rows.start, rows.stop
        return Manifest(
            paths=self.paths[low:high],
            sizes=self.sizes[low:high],
            kinds=self.kinds[low:high],
            digests=self.digests[low * self.width : high * self.width],
            width=self.width,
        )

    def blob_digests(self) -> set[bytes]:
        """Distinct digests of content; empty folders have none."""
        found = set(split_digests(self.digests, self.width))
        found.discard(bytes(self.width))
        return found


def split_digests(digests: bytes, width: int = 32) -> list[bytes]:
    """A digest column as a list of digests."""
    return [digests[at : at + width] for at in range(0, len(digests), width)]


EMPTY = Manifest(paths=[], sizes=array("Q"), kinds=b"", digests=b"")


def from_entries(entries: list[Entry], *, width: int = 32) -> Manifest:
    """A manifest of ``entries`` in any order; the last of two equal paths wins."""
    rows = sorted({entry.path: entry for entry in entries}.values())
    return Manifest(
        paths=[row.path for row in rows],
        sizes=array("Q", [row.size for row in rows]),
        kinds=bytes(row.kind for row in rows),
        digests=b"".join(row.digest for row in rows),
        width=width,
    )


def splice(base: Manifest, folder_or_path: bytes, part: Manifest) -> Manifest:
    """``base`` with everything at or below ``folder_or_path`` replaced by ``part``'s rows.

    Rows of ``base`` where ``part`` needs a folder, empty folders or files, are dropped.
    """
    below = base.folder_range(folder_or_path)
    kept = [e for row, e in enumerate(base) if row not in below and e.path != folder_or_path]
    added = list(part)
    filled = {
        path[:at] for path in part.paths for at in range(len(path)) if path[at : at + 1] == b"/"
    }
    kept = [e for e in kept if e.path not in filled]
    return from_entries(kept + added, width=base.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changes from one manifest to another; every list is sorted by path."""

    added: list[Entry]
    deleted: list[Entry]
    modified: list[tuple[Entry, Entry]]

    def __bool__(self) -> bool:
        return bool(self.added or self.deleted or self.modified)


_BLOCK = 512


def compare(old: Manifest, new: Manifest) -> Difference:
    """Differences from ``old`` to ``new`` by path, content and kind.

    A merge of two sorted columns that steps over equal blocks without looking at their rows.
    """
    added: list[Entry] = []
    deleted: list[Entry] = []
    modified: list[tuple[Entry, Entry]] = []
    i, j, next_try = 0, 0, 0
    n, m = len(old), len(new)
    while i < n and j < m:
        if i >= next_try:
            if _equal_blocks(old, i, new, j):
                i, j = i + _BLOCK, j + _BLOCK
                continue
            next_try = i + _BLOCK // 8
        a, b = old.paths[i], new.paths[j]
        if a == b:
            if old.digest_at(i) != new.digest_at(j) or old.kinds[i] != new.kinds[j]:
                modified.append((old.entry(i), new.entry(j)))
            i, j = i + 1, j + 1
        elif a < b:
            deleted.append(old.entry(i))
            i += 1
        else:
            added.append(new.entry(j))
            j += 1
    deleted.extend(map(old.entry, range(i, n)))
    added.extend(map(new.entry, range(j, m)))
    return Difference(added=added, deleted=deleted, modified=modified)


def _equal_blocks(old: Manifest, i: int, new: Manifest, j: int) -> bool:
    w, v = old.width, new.width
    a, b = i + _BLOCK, j + _BLOCK
    return (
        a <= len(old)
        and b <= len(new)
        and old.digests[i * w : a * w] == new.digests[j * v : b * v]
        and old.kinds[i:a] == new.kinds[j:b]
        and old.paths[i:a] == new.paths[j:b]
    )


def folder_paths(manifest: Manifest) -> set[bytes]:
    """Every folder that holds an entry, at any depth; the top itself is the empty path."""
    folders: set[bytes] = {b""}
    for path in manifest.paths:
        at = path.rfind(b"/")
        while at > 0 and (folder := path[:at]) not in folders:
            folders.add(folder)
            at = path.rfind(b"/", 0, at)
    return folders


def single(digest: bytes, size: int, is_executable: bool) -> Manifest:
    """A tracked file as a manifest of one row with an empty path."""
    return Manifest(
        paths=[b""],
        sizes=array("Q", [size]),
        kinds=bytes([EXECUTABLE if is_executable else FILE]),
        digests=digest,
    )
