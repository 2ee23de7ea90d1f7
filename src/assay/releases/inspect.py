"""Looking at a release that was written earlier: whether its folder still holds exactly that."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from assay.core.manifest import EXECUTABLE, FOLDER, SYMLINK
from assay.data.model import join_path
from assay.releases.part import Part
from assay.store.durable import READ
from assay.store.hashing import hash_large, read_small
from assay.store.walk import stat_row

Stamps = Mapping[str, list[int]]
"""Stat rows by path: of files whose bytes were verified when they looked like that."""

_SMALL_BYTES = 1 << 20


def first_difference(root: str, parts: Iterable[Part], stamps: Stamps | None = None) -> str | None:
    """The first path that is not as the release has it, or None.

    Without ``stamps`` every byte is hashed.  With them, a file whose stat row is unchanged since
    its bytes were verified is believed.
    """
    top = os.fsencode(root)
    folders = {b"": True}
    for part in parts:
        wanted: dict[bytes, int] = {}
        for row, path in enumerate(part.rows.paths):
            whole = join_path(part.folder, path)
            wanted[whole] = part.rows.kinds[row]
            if not _is_folder(top, whole.rpartition(b"/")[0], folders):
                return os.fsdecode(whole)
            if not _is_same(top, whole, part, row, stamps):
                return os.fsdecode(whole)
        if not part.content.is_file and part.folder:
            if not _is_folder(top, part.folder, folders):
                return os.fsdecode(part.folder)
            extra = _first_extra(top, part.folder, wanted)
            if extra is not None:
                return os.fsdecode(extra)
    return None


def _is_folder(top: bytes, path: bytes, known: dict[bytes, bool]) -> bool:
    """Whether a path below ``top`` is a folder and no link leads to it; ``known`` keeps answers."""
    if path not in known:
        known[path] = _is_folder(top, path.rpartition(b"/")[0], known) and _is_real_folder(
            os.path.join(top, path)
        )
    return known[path]


def _is_real_folder(place: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(place).st_mode)
    except OSError:
        return False


def _is_same(top: bytes, path: bytes, part: Part, row: int, stamps: Stamps | None) -> bool:
    kind, size = part.rows.kinds[row], part.rows.sizes[row]
    place = os.path.join(top, path)
    try:
        found = os.lstat(place)
    except OSError:
        return False
    if kind == FOLDER:
        return stat.S_ISDIR(found.st_mode)
    if kind == SYMLINK:
        return stat.S_ISLNK(found.st_mode) and _hash(os.readlink(place)) == part.rows.digest_at(row)
    is_executable = bool(found.st_mode & 0o100)
    if not stat.S_ISREG(found.st_mode) or found.st_size != size:
        return False
    if is_executable != (kind == EXECUTABLE):
        return False
    if stamps is not None and stamps.get(os.fsdecode(path)) == list(stat_row(found)):
        return True
    return _file_digest(place, size) == part.rows.digest_at(row)


def _file_digest(place: bytes, size: int) -> bytes:
    try:
        fd = os.open(place, READ | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return b""
    try:
        return _hash(read_small(fd, size)) if size < _SMALL_BYTES else hash_large(fd)
    finally:
        os.close(fd)


def _hash(data: bytes) -> bytes:
    from blake3 import blake3

    return blake3(data).digest()


def _first_extra(top: bytes, folder: bytes, wanted: Mapping[bytes, int]) -> bytes | None:
    """Something in the folder that the release does not have."""
    folders = {folder}
    for path in wanted:
        while len(path) > len(folder):
            folders.add(path)
            path = path.rpartition(b"/")[0]
    pending = [folder]
    while pending:
        current = pending.pop()
        with os.scandir(os.path.join(top, current)) as listing:
            for entry in listing:
                path = join_path(current, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if path not in folders:
                        return path
                    pending.append(path)
                elif path not in wanted:
                    return path
    return None


def stamps_of(root: str, parts: Iterable[Part]) -> dict[str, list[int]]:
    """The stat rows of the files of a folder that was just verified or written."""
    top = os.fsencode(root)
    found: dict[str, list[int]] = {}
    for part in parts:
        for row, path in enumerate(part.rows.paths):
            if part.rows.kinds[row] not in (FOLDER, SYMLINK):
                whole = join_path(part.folder, path)
                found[os.fsdecode(whole)] = list(stat_row(os.lstat(os.path.join(top, whole))))
    return found
