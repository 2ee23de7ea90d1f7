"""The trash: where displaced work waits until it is restored or expires.

One folder per command below ``trash/``: ``entry.json`` says what, when and why; ``files/``
holds the displaced files at their paths from the repository's root.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from assay.core.paths import require_safe
from assay.data.model import is_at_or_below, printable
from assay.data.moving import files_below, move, obstacle_at, opened, stat_at
from assay.errors import Conflict, IntegrityError, NotFound
from assay.store.durable import disk_errors, make_folder, write_atomic
from assay.store.packs import newer_format

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashEntry:
    """One command's displaced files; times in ns since the epoch."""

    id: str
    created_ns: int
    command: str
    paths: tuple[str, ...]
    size_bytes: int


class Trash:
    """The trash folder of one repository."""

    def __init__(self, root: bytes, folder: str) -> None:
        self._root = root
        self._folder = folder

    def displace(self, paths: Iterable[bytes], *, command: str, now_ns: int) -> TrashEntry:
        """Move files, links or folders (paths from the repository's root) into the trash."""
        wanted = sorted(set(paths))
        with disk_errors(self._folder), opened(self._root) as root_fd:
            entry = TrashEntry(
                id=f"{now_ns // 1_000_000_000:010d}-{os.urandom(4).hex()}",
                created_ns=now_ns,
                command=command,
                paths=tuple(map(printable, wanted)),
                size_bytes=sum(_size(root_fd, path) for path in wanted),
            )
            make_folder(os.path.join(self._folder, entry.id, "files"))
            # The record first: whatever moves after it can be found and put back.
            self._write(entry)
            with opened(self._files(entry.id)) as files_fd:
                for path in wanted:
                    try:
                        move(root_fd, path, files_fd, path)
                    except FileNotFoundError:
                        continue  # somebody else was quicker
        return entry

    def _files(self, entry_id: str) -> bytes:
        return os.fsencode(os.path.join(self._folder, entry_id, "files"))

    def _record(self, entry_id: str) -> str:
        return os.path.join(self._folder, entry_id, "entry.json")

    def _write(self, entry: TrashEntry) -> None:
        record = {
            "format": _FORMAT,
            "created_ns": entry.created_ns,
            "command": entry.command,
            "paths": list(entry.paths),
            "size_bytes": entry.size_bytes,
        }
        write_atomic(self._record(entry.id), json.dumps(record, indent=1).encode("ascii"))

    def entries(self) -> list[TrashEntry]:
        """What the trash holds, newest first.

        Raises :class:`IntegrityError` ``trash-invalid`` where a record cannot be read.
        """
        found = [entry for name in self._names() if (entry := self._read(name)) is not None]
        return sorted(found, key=lambda entry: entry.created_ns, reverse=True)

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []

    def _read(self, entry_id: str) -> TrashEntry | None:
        """One entry; ``None`` where a killed command had not begun to move anything."""
        path = self._record(entry_id)
        try:
            with open(path, "rb") as file:
                record = json.load(file)
            version = record["format"]
            if isinstance(version, int) and version > _FORMAT:
                raise newer_format(path, version)
            paths, numbers = record["paths"], (record["created_ns"], record["size_bytes"])
            is_sound = version == _FORMAT and all(isinstance(number, int) for number in numbers)
            if not (is_sound and isinstance(paths, list)):
                raise _invalid(path)
            require_safe([os.fsencode(each) for each in paths], where=path)
            return TrashEntry(
                id=entry_id,
                created_ns=numbers[0],
                command=str(record["command"]),
                paths=tuple(paths),
                size_bytes=numbers[1],
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _invalid(path) from None

    def restore(self, entry_id: str | None, *, command: str, now_ns: int) -> TrashEntry:
        """Put an entry's files back (the newest entry when no id is given).

        What stands in their place now goes to the trash in turn.  An id may be shortened.
        """
        entry = self._pick(entry_id)
        with (
            disk_errors(self._folder),
            opened(self._root) as root_fd,
            opened(self._files(entry.id)) as files_fd,
        ):
            paths = [os.fsencode(path) for path in entry.paths]
            present = [path for path in paths if stat_at(files_fd, path) is not None]
            blocked = _in_the_way(root_fd, present)
            if blocked:
                self.displace(blocked, command=command, now_ns=now_ns)
            for path in present:
                move(files_fd, path, root_fd, path)
        shutil.rmtree(os.path.join(self._folder, entry.id))
        return entry

    def _pick(self, entry_id: str | None) -> TrashEntry:
        if entry_id is None:
            entries = self.entries()
            if entries:
                return entries[0]
        matching = [name for name in self._names() if entry_id and name.startswith(entry_id)]
        if len(matching) > 1:
            raise Conflict(
                "trash-ambiguous",
                f"{len(matching)} trash entries begin with {entry_id!r}.",
                fix="Give more of the id; `assay trash list` shows them.",
            )
        entry = self._read(matching[0]) if matching else None
        if entry is not None:
            return entry
        raise NotFound(
            "trash-empty" if entry_id is None else "trash-entry-unknown",
            "The trash is empty." if entry_id is None else f"No trash entry {entry_id!r}.",
            fix="`assay trash list` shows what there is.",
        )

    def expire(self, *, older_than_ns: int) -> int:
        """Delete entries made before ``older_than_ns``; returns the bytes freed."""
        freed = 0
        for name in self._names():
            try:
                entry = self._read(name)
            except IntegrityError:
                continue  # nobody can tell how old it is
            if entry is None:
                self._clear_unbegun(name)
            if entry is not None and entry.created_ns < older_than_ns:
                shutil.rmtree(os.path.join(self._folder, name))
                freed += entry.size_bytes
        return freed

    def _clear_unbegun(self, name: str) -> None:
        """Remove the folder of a command that was killed before it moved anything."""
        folder = os.path.join(self._folder, name)
        if not any(names for _, _, names in os.walk(os.path.join(folder, "files"))):
            shutil.rmtree(folder, ignore_errors=True)


def _in_the_way(root_fd: int, paths: list[bytes]) -> list[bytes]:
    """What must move so that ``paths`` can be written: the outermost of what is there."""
    found: set[bytes] = set()
    clear: set[bytes] = set()
    for path in paths:
        folder = path.rpartition(b"/")[0]
        if folder not in clear:
            obstacle = obstacle_at(root_fd, folder)
            if obstacle is not None:
                found.add(obstacle)
                continue
            clear.add(folder)
        if stat_at(root_fd, path) is not None:
            found.add(path)
    outer: list[bytes] = []
    for path in sorted(found, key=lambda path: path.split(b"/")):
        if not outer or not is_at_or_below(path, outer[-1]):
            outer.append(path)
    return outer


def _size(root_fd: int, path: bytes) -> int:
    found = stat_at(root_fd, path)
    if found is None:
        return 0
    if stat.S_ISDIR(found.st_mode):
        return sum(_size(root_fd, below) for below in files_below(root_fd, path))
    return found.st_size


def _invalid(path: str) -> IntegrityError:
    folder = os.path.dirname(path)
    return IntegrityError(
        "trash-invalid",
        f"{path} does not say what was displaced.",
        why="The file was damaged. What it tells of still lies beside it, in files/.",
        fix=f"Move back what you need from {folder}/files by hand, then delete {folder}.",
        paths=(path,),
    )
