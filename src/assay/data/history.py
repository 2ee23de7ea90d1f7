"""Tracked data in other revisions: pointers and locks read from Git's objects, no checkout."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from assay.core.dialect import Dialect
from assay.data.model import Tracked, TrackedSource
from assay.data.outputs import tracked_from
from assay.errors import InvalidInput
from assay.git.objects import ObjectReader

_POINTER_BYTES = 16 << 20
_LINK = 0o120000

Row = tuple[bytes, int, str]


def tracked_at(
    reader: ObjectReader, rev: str, dialect: Dialect, sources: Sequence[TrackedSource] = ()
) -> list[Tracked]:
    """Every tracked path of one revision, sorted by path."""
    found = tracked_in(reader, [rev], dialect, sources)
    return sorted(found, key=lambda tracked: tracked.path)


def tracked_staged(
    reader: ObjectReader, dialect: Dialect, sources: Sequence[TrackedSource] = ()
) -> list[Tracked]:
    """Every tracked path that Git's index names, committed or not.

    Of a conflict each side counts, so the files of a source are read one by one.
    """
    found: list[Tracked] = []
    suffix = os.fsencode(dialect.pointer_suffix)
    endings = (suffix, *(name for source in sources for name in source.names))
    for path, mode, oid in reader.list_staged(endings):
        if mode == _LINK:
            continue
        if path.endswith(suffix):
            found += _pointer(reader, path, oid, dialect)
        for source in sources:
            folder, _, name = path.rpartition(b"/")
            if name in source.names:
                found += _read(reader, source, folder, {path: oid})
    return found


def tracked_in(
    reader: ObjectReader,
    revisions: Iterable[str],
    dialect: Dialect,
    sources: Sequence[TrackedSource] = (),
    *,
    strict: bool = True,
) -> list[Tracked]:
    """Distinct tracked contents over several revisions.

    Each distinct pointer blob is read once, and each distinct group of a source's files.  One
    that cannot be read is an error, unless not ``strict``: for reading, one broken commit must
    not hide the others; for the garbage collector it must stop everything.
    """
    found: dict[tuple[bytes, bytes | None], Tracked] = {}
    seen: set[object] = set()
    suffix = os.fsencode(dialect.pointer_suffix)
    endings = (suffix, *(name for source in sources for name in source.names))
    for rev in revisions:
        rows = [row for row in reader.list_tree(rev, endings) if row[1] != _LINK]
        for path, _, oid in rows:
            if path.endswith(suffix) and (path, oid) not in seen:
                seen.add((path, oid))
                _keep(found, partial(_pointer, reader, path, oid, dialect), strict)
        for source in sources:
            for folder, group in _by_folder(rows, source.names).items():
                key = (source.names, folder, *sorted(group.items()))
                if key not in seen:
                    seen.add(key)
                    _keep(found, partial(_read, reader, source, folder, group), strict)
    return list(found.values())


def _keep(
    found: dict[tuple[bytes, bytes | None], Tracked],
    read: Callable[[], list[Tracked]],
    strict: bool,
) -> None:
    try:
        listed = read()
    except InvalidInput:
        if strict:
            raise
        return
    for tracked in listed:
        found.setdefault((tracked.path, tracked.output.digest), tracked)


def _pointer(reader: ObjectReader, path: bytes, oid: str, dialect: Dialect) -> list[Tracked]:
    data = reader.read(oid, max_bytes=_POINTER_BYTES)
    return tracked_from(data, path, dialect) if data is not None else []


def _read(
    reader: ObjectReader, source: TrackedSource, folder: bytes, group: dict[bytes, str]
) -> list[Tracked]:
    def open_file(path: bytes) -> bytes | None:
        oid = group.get(path)
        return None if oid is None else reader.read(oid, max_bytes=_POINTER_BYTES)

    return source.read(folder, open_file, strict=False)


def _by_folder(rows: Iterable[Row], names: tuple[bytes, ...]) -> dict[bytes, dict[bytes, str]]:
    """Object ids by path, by the folder that holds them, of files that are called one of names."""
    groups: dict[bytes, dict[bytes, str]] = {}
    for path, _, oid in rows:
        folder, _, name = path.rpartition(b"/")
        if name in names:
            groups.setdefault(folder, {})[path] = oid
    return groups
