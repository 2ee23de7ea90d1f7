"""Walking a folder: names and stat fields of everything in it, in columns.

This is one of the two seams (with :mod:`assay.store.hashing`) where a compiled kernel could
slot in: :func:`walk_batch` is a plain function from a folder to flat buffers.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from assay.errors import InvalidInput, NotFound

STAT_FIELDS = 5
"""size in bytes, mtime in ns, ctime in ns, inode, mode: what the index compares."""
SCRATCH_PREFIX = ".assay-scratch-"
"""Names of unfinished files that checkout may leave beside data when it is killed."""
SCRATCH_FOLDER_PREFIX = SCRATCH_PREFIX + "folder-"
"""The same for folders that were not there before; downloads beside data are named otherwise."""

_ENCODING = sys.getfilesystemencoding()
_ERRORS = sys.getfilesystemencodeerrors()
_INODE_BITS = 0x7FFFFFFFFFFFFFFF  # the columns are signed
_LINK, _REGULAR = stat.S_IFLNK >> 12, stat.S_IFREG >> 12

RESERVED_NAMES = frozenset({".git", ".hg", ".assay", ".dvc"})
"""Never part of tracked data, whatever the ignore files say."""

IgnorePath = Callable[[bytes, bool], bool]
"""Whether the entry with this path from the repository's root (and is it a folder) is ignored."""
IgnoreIn = Callable[[bytes], IgnorePath | None]
"""The rule that applies inside a folder; ``None`` where nothing is ignored there."""


@dataclass(frozen=True, slots=True)
class FolderScan:
    """One folder: ``rel`` from the walk's root; files sorted by name with their stat rows.

    ``stats`` holds :data:`STAT_FIELDS` signed 64-bit integers per name.  ``is_empty`` means
    that nothing is in the folder but what is ignored.
    """

    rel: bytes
    names: list[bytes]
    stats: array[int]
    is_empty: bool


class Listed(NamedTuple):
    """What one look into a folder found.

    ``below`` are its folders, ``linked`` those of them that a symbolic link leads to, ``scratch``
    what a killed checkout left unfinished.
    """

    scan: FolderScan
    below: list[bytes]
    linked: list[bytes]
    scratch: list[bytes]


def stat_row(result: os.stat_result) -> tuple[int, int, int, int, int]:
    """The fields of :data:`STAT_FIELDS` from a stat result.

    Times after the year 2262 do not fit and count as its end.
    """
    return (
        result.st_size,
        min(result.st_mtime_ns, _INODE_BITS),
        min(result.st_ctime_ns, _INODE_BITS),
        result.st_ino & _INODE_BITS,
        result.st_mode,
    )


def open_folder(root_fd: int, rel: bytes) -> int:
    """A descriptor of the folder ``rel`` below ``root_fd`` (paths may be as long as the kernel
    allows below the root, however deep the root lies)."""
    return os.open(rel or b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root_fd)


def open_root(root: bytes) -> int:
    """A descriptor of the walk's root."""
    return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def walk_batch(
    root: bytes,
    rel: bytes,
    *,
    keep_links: bool = False,
    ignored: IgnoreIn | None = None,
    scratch: list[bytes] | None = None,
    ahead: dict[bytes, Listed] | None = None,
) -> Iterator[FolderScan]:
    """Every folder at and below ``rel``, parents first, with its files.

    Unfinished files of a checkout are left out, and listed in ``scratch``.  ``ahead`` are looks
    that were taken just now (:mod:`assay.store.walk_ahead`); they are used up.

    Symbolic links are followed unless ``keep_links``.  Raises :class:`InvalidInput` for
    devices, sockets and pipes, for links that lead nowhere and for links that form a loop.
    """
    root_fd = open_root(root)
    try:
        pending = [rel]
        while pending:
            folder = pending.pop()
            found = ahead.pop(folder, None) if ahead else None
            try:
                found = found or list_folder(root_fd, folder, keep_links, ignored)
            except (FileNotFoundError, NotADirectoryError):
                if folder == rel:
                    raise
                continue  # removed between listing and opening: it is simply not there
            except PermissionError as error:
                raise _unreadable(folder) from error
            if scratch is not None:
                scratch += found.scratch
            for link in found.linked:
                _refuse_loop(root, folder, link)
            yield found.scan
            pending += sorted(found.below, reverse=True)
    finally:
        os.close(root_fd)


def list_folder(root_fd: int, folder: bytes, keep_links: bool, ignored: IgnoreIn | None) -> Listed:
    """Look into one folder below ``root_fd``; raises what the system says, and as the walk."""
    fd = open_folder(root_fd, folder)
    try:
        return _list(fd, folder, keep_links, ignored)
    finally:
        os.close(fd)


def _list(fd: int, folder: bytes, keep_links: bool, ignored: IgnoreIn | None) -> Listed:
    prefix = folder + b"/" if folder else b""
    rule = ignored(folder) if ignored is not None else None
    entries, scratch = _entries(fd, prefix, keep_links, rule)
    names: list[str] = []
    rows: list[int] = []
    below: list[bytes] = []
    linked: list[bytes] = []
    for entry in entries:
        follows = False
        if not entry.is_file(follow_symlinks=False):
            follows = not keep_links and entry.is_symlink()
            if follows:
                _refuse_unfollowable(entry, prefix)
            if entry.is_dir(follow_symlinks=follows):
                path = prefix + entry.name.encode(_ENCODING, _ERRORS)
                below.append(path)
                if follows:
                    linked.append(path)
                continue
        try:
            s = entry.stat(follow_symlinks=follows)
        except FileNotFoundError:
            continue  # removed between listing and looking
        mode = s.st_mode
        if mode >> 12 != _REGULAR and not (keep_links and mode >> 12 == _LINK):
            raise not_regular(os.fsdecode(prefix) + entry.name)
        names.append(entry.name)
        rows += (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino & _INODE_BITS, mode)
    encoded, stats = _columns(names, rows)
    return Listed(FolderScan(folder, encoded, stats, not entries), below, linked, scratch)


def _entries(
    fd: int, prefix: bytes, keep_links: bool, rule: IgnorePath | None
) -> tuple[list[os.DirEntry[str]], list[bytes]]:
    """(what counts in a folder, by name; paths of unfinished files)."""
    with os.scandir(fd) as listing:
        entries = list(listing)
    entries.sort(key=attrgetter("name"))
    if rule is None and "\0." not in "\0".join(["", *map(attrgetter("name"), entries)]):
        return entries, []
    unfinished = [e.name for e in entries if e.name.startswith(SCRATCH_PREFIX)]
    counted = [e for e in entries if not _is_skipped(e, prefix, keep_links, rule)]
    return counted, [prefix + os.fsencode(name) for name in unfinished]


def _columns(names: list[str], rows: list[int]) -> tuple[list[bytes], array[int]]:
    """Names as bytes, sorted as such, and their stat rows."""
    try:
        stats = array("q", rows)
    except OverflowError:  # a time after the year 2262
        stats = array("q", [min(value, _INODE_BITS) for value in rows])
    joined = "\0".join(names).encode(_ENCODING, _ERRORS)
    encoded = joined.split(b"\0") if names else []
    return (encoded, stats) if joined.isascii() else _sorted_by_bytes(encoded, stats)


def _refuse_unfollowable(entry: os.DirEntry[str], prefix: bytes) -> None:
    """Refuse a link whose target cannot even be asked what it is."""
    try:
        entry.stat()
    except FileNotFoundError:
        raise _dangling(prefix, entry.name) from None
    except PermissionError as error:
        raise _unreadable(prefix + os.fsencode(entry.name)) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _loop(prefix + os.fsencode(entry.name)) from None
        raise _dangling(prefix, entry.name) from None


def _is_skipped(
    entry: os.DirEntry[str], prefix: bytes, keep_links: bool, rule: IgnorePath | None
) -> bool:
    if entry.name in RESERVED_NAMES or entry.name.startswith(SCRATCH_PREFIX):
        return True
    if rule is None:
        return False
    try:
        is_folder = entry.is_dir(follow_symlinks=not keep_links)
    except OSError:  # a link to itself: to be ignored like any other link that leads nowhere
        is_folder = False
    return rule(prefix + os.fsencode(entry.name), is_folder)


def _sorted_by_bytes(names: list[bytes], stats: array[int]) -> tuple[list[bytes], array[int]]:
    # Code-point order and byte order differ where a name holds escaped bytes.
    order = sorted(range(len(names)), key=names.__getitem__)
    rows = array("q")
    for at in order:
        rows.extend(stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS])
    return [names[at] for at in order], rows


def _refuse_loop(root: bytes, folder: bytes, link: bytes) -> None:
    """Refuse a link to a folder that holds the link itself, by whatever path it was reached."""
    target = os.path.realpath(os.path.join(root, link))
    holders = [root]
    for part in folder.split(b"/") if folder else ():
        holders.append(os.path.join(holders[-1], part))
    for holder in map(os.path.realpath, holders):
        if holder == target or holder.startswith(target.rstrip(b"/") + b"/"):
            raise _loop(link)


def _loop(link: bytes) -> InvalidInput:
    return InvalidInput(
        "link-loop",
        f"{os.fsdecode(link)} is a symbolic link to itself or to a folder that contains it.",
        why="Following it would never end.",
        fix="Remove the link, or track links as links: `assay config add.symlinks keep`.",
        paths=(os.fsdecode(link),),
    )


def _dangling(prefix: bytes, name: str) -> NotFound:
    path = os.fsdecode(prefix) + name
    return NotFound(
        "link-dangling",
        f"{path} is a symbolic link that leads nowhere.",
        why="Links inside tracked folders are followed, and this one has no target.",
        fix="Remove it, ignore it, or track links as links: `assay config add.symlinks keep`.",
        paths=(path,),
    )


def not_regular(path: str) -> InvalidInput:
    """The error for what is neither a file nor a folder."""
    return InvalidInput(
        "file-special",
        f"{path} is not a regular file.",
        why="Devices, sockets and named pipes have no content that could be tracked.",
        fix="Move it elsewhere, or name it in the ignore file.",
        paths=(path,),
    )


def _unreadable(folder: bytes) -> InvalidInput:
    path = os.fsdecode(folder)
    return InvalidInput(
        "file-unreadable",
        f"{path} may not be read.",
        why="Its permissions do not let you.",
        fix="Change its permissions, or name it in the ignore file.",
        paths=(path,),
    )
