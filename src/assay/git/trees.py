"""Trees of a commit, read through the reader's own conversation instead of a process each."""

from __future__ import annotations

import os
from collections.abc import Iterator

from assay.git.objects import ObjectReader, TreeEntry

_FOLDER = 0o040000
_SUBMODULE = 0o160000


def parse_tree(body: bytes, width: int) -> Iterator[TreeEntry]:
    """``(name, mode, object id)`` of a tree as Git stores it; an id has ``width`` bytes."""
    at = 0
    while at < len(body):
        blank = body.index(b" ", at)
        end = body.index(b"\0", blank)
        yield body[blank + 1 : end], int(body[at:blank], 8), body[end + 1 : end + 1 + width].hex()
        at = end + 1 + width


def list_below(reader: ObjectReader, commit: str, path: bytes) -> list[TreeEntry]:
    """The files at or below ``path`` in a commit, as ``(path, mode, object id)``, sorted by path.

    Paths count from the reader's folder.  Empty where there is nothing; sub-modules are left out.
    """
    folder, _, name = path.rpartition(b"/")
    for entry, mode, oid in _tree(reader, commit, folder):
        if entry == name:
            if mode == _FOLDER:
                return sorted(_files(reader, oid, path))
            return [] if mode == _SUBMODULE else [(path, mode, oid)]
    return []


def _tree(reader: ObjectReader, commit: str, folder: bytes) -> list[TreeEntry]:
    found = reader.lookup_path(commit, folder)
    if found is None or found.kind != "tree":
        return []
    return list(parse_tree(found.body, len(found.id) // 2))


def _files(reader: ObjectReader, oid: str, folder: bytes) -> Iterator[TreeEntry]:
    pending = [(oid, folder)]
    while pending:
        oid, folder = pending.pop()
        found = reader.lookup(oid)
        if found is None:
            continue
        for name, mode, below in parse_tree(found.body, len(oid) // 2):
            path = os.path.join(folder, name)
            if mode == _FOLDER:
                pending.append((below, path))
            elif mode != _SUBMODULE:
                yield path, mode, below
