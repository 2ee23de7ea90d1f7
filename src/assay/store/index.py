"""The workspace index: what was known of every tracked file when it was last looked at.

A SQLite database with one row per folder (packed names, stat fields and digests), so that an
unchanged folder is recognised by comparing two buffers.  Large folders are cut into several
rows where a hash of a name says so, so that a small change rewrites little.  It holds no
truth: deleted or damaged, it is rebuilt by hashing.
"""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from zlib import crc32

from assay.store.walk import STAT_FIELDS

SCHEMA = 3
# A damaged schema can stand in an error's text, which is then no text at all.
_TROUBLE = (sqlite3.Error, UnicodeDecodeError)


class FolderRow(NamedTuple):
    """What is known of one folder.

    ``names`` are NUL-joined and sorted; ``stats`` packs :data:`STAT_FIELDS` signed 64-bit
    integers a name; ``digests`` 32 bytes a name, all zeros where not known.  ``is_racy``: some
    file may have changed within the clock tick in which it was looked at.
    """

    path: bytes
    names: bytes
    stats: bytes
    digests: bytes
    stamp_ns: int
    is_racy: bool


class FileRow(NamedTuple):
    """What is known of one file that is tracked by itself."""

    path: bytes
    stats: tuple[int, ...]
    digest: bytes
    stamp_ns: int


class WorkspaceIndex:
    """The index database of one repository.  Opened on first use."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def _connect(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._db = self._open(self.path)
            except _TROUBLE as error:
                self._give_up(error)
        if self._db is None:
            try:
                self._db = self._open(self.path)
            except _TROUBLE:
                self._db = self._open(_IN_MEMORY)
        return self._db

    def _open(self, path: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            db.text_factory = bytes
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, SCHEMA):
                raise sqlite3.DatabaseError("another schema")
            if found == 0:
                db.executescript(
                    "BEGIN IMMEDIATE;"
                    "CREATE TABLE IF NOT EXISTS folders (path BLOB, first BLOB, names BLOB,"
                    " stats BLOB, digests BLOB, stamp INTEGER, racy INTEGER, check_sum INTEGER,"
                    " PRIMARY KEY (path, first));"
                    "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stats BLOB,"
                    " digest BLOB, stamp INTEGER, check_sum INTEGER);"
                    "CREATE TABLE IF NOT EXISTS outputs (path BLOB PRIMARY KEY, root BLOB,"
                    " sum BLOB, options BLOB, check_sum INTEGER);"
                    f"PRAGMA user_version={SCHEMA};"
                    "COMMIT;"
                )
        except BaseException:
            db.close()
            raise
        return db

    def _give_up(self, error: Exception) -> None:
        """Start anew when the database is damaged; else go on without a memory.

        A disk that is full, a lock that is never released: what could not be remembered is
        found out again next time, so that no command needs to fail for it.
        """
        self.close()
        if _is_damage(error):
            try:
                self.discard()
                return
            except OSError:
                pass
        self._db = self._open(_IN_MEMORY)

    def discard(self) -> None:
        """Delete the database; the next use starts an empty one."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            try:
                os.unlink(self.path + suffix)
            except FileNotFoundError:
                continue

    def close(self) -> None:
        """Close the database."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of the block, or none."""
        try:
            self._connect().execute("BEGIN IMMEDIATE")
        except _TROUBLE as error:
            self._give_up(error)
            self._connect().execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connect().execute("COMMIT")
        except _TROUBLE as error:
            self._give_up(error)
        except BaseException:
            self._connect().execute("ROLLBACK")
            raise

    def _query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows, as far as they are sound."""
        for _ in range(2):
            try:
                rows = self._connect().execute(sql, values).fetchall()
            except _TROUBLE as error:
                self._give_up(error)
                continue
            return [row[:-1] for row in rows if _is_sound(row)]
        return []

    # -- folders --------------------------------------------------------------------------

    def folders(self, top: bytes) -> dict[bytes, FolderRow]:
        """Rows of ``top`` and every folder below it."""
        rows = self._query(
            "SELECT path, first, names, stats, digests, stamp, racy, check_sum FROM folders"
            " WHERE path = ? OR (path >= ? AND path < ?) ORDER BY path, first",
            top,
            top + b"/",
            top + b"0",
        )
        found: dict[bytes, FolderRow] = {}
        parts: dict[bytes, list[FolderRow]] = {}
        for values in rows:
            row = FolderRow(values[0], *values[2:])
            if row.path in found:
                parts.setdefault(row.path, [found[row.path]]).append(row)
            else:
                found[row.path] = row
        found.update((path, _joined(several)) for path, several in parts.items())
        return found

    def put_folders(self, rows: Iterable[FolderRow]) -> None:
        """Insert or replace folders; of a large one only the parts that differ are written."""
        db = self._connect()
        small: list[tuple[object, ...]] = []
        for row in rows:
            if len(row.stats) <= _CUT_ABOVE * 8 * STAT_FIELDS:
                small.append(_summed(row.path, b"", *row[1:]))
            else:
                self._put_parts(db, row)
        db.executemany(
            "DELETE FROM folders WHERE path = ? AND first > x''", ((r[0],) for r in small)
        )
        db.executemany(_PUT_FOLDER, small)

    def _put_parts(self, db: sqlite3.Connection, row: FolderRow) -> None:
        old = {
            values[1]: values
            for values in db.execute(
                "SELECT path, first, names, stats, digests, stamp, racy, check_sum FROM folders"
                " WHERE path = ?",
                (row.path,),
            )
        }
        for first, part in _cut(row):
            before = old.pop(first, None)
            # A part that was safely older than its stamp stays; a racy one must be renewed.
            same = before is not None and before[2:5] == (part.names, part.stats, part.digests)
            if not same or before is None or before[6] or not _is_sound(before):
                db.execute(_PUT_FOLDER, _summed(part.path, first, *part[1:]))
        db.executemany(
            "DELETE FROM folders WHERE path = ? AND first = ?", ((row.path, first) for first in old)
        )

    def drop_folders(self, paths: Iterable[bytes]) -> None:
        """Forget folders."""
        self._connect().executemany(
            "DELETE FROM folders WHERE path = ?", [(path,) for path in paths]
        )

    # -- single files ---------------------------------------------------------------------

    def file_digest(self, path: bytes, stats: tuple[int, ...]) -> bytes | None:
        """The digest known for a file with exactly these stat fields."""
        rows = self._query(
            "SELECT path, stats, digest, stamp, check_sum FROM files WHERE path = ?", path
        )
        if not rows:
            return None
        _, packed, digest, stamp = rows[0]
        is_clean = stats[1] < stamp and stats[2] < stamp
        return digest if is_clean and packed == array("q", stats).tobytes() else None

    def put_file(self, path: bytes, stats: tuple[int, ...], digest: bytes, stamp_ns: int) -> None:
        """Remember a file's digest."""
        self.put_files([FileRow(path, stats, digest, stamp_ns)])

    def put_files(self, rows: Iterable[FileRow]) -> None:
        """Remember the digests of several files."""
        summed = [
            _summed(row.path, array("q", row.stats).tobytes(), row.digest, row.stamp_ns)
            for row in rows
        ]
        with self.transaction():
            self._connect().executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", summed
            )

    def drop_file(self, path: bytes) -> None:
        """Forget a file."""
        with self.transaction():
            self._connect().execute("DELETE FROM files WHERE path = ?", (path,))

    # -- whole outputs --------------------------------------------------------------------

    def output_root(self, path: bytes, options: str, rows_sum: bytes) -> bytes | None:
        """The root digest that rows with exactly this sum add up to (:func:`sum_rows`)."""
        rows = self._query(
            "SELECT path, root, sum, options, check_sum FROM outputs WHERE path = ?", path
        )
        if not rows or rows[0][2:] != (rows_sum, options.encode()):
            return None
        root: bytes = rows[0][1]
        return root

    def put_output(self, path: bytes, root: bytes, rows_sum: bytes, options: str) -> None:
        """Remember what the rows below ``path`` add up to; within a transaction."""
        row = _summed(path, root, rows_sum, options.encode())
        self._connect().execute("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?)", row)

    def drop_output(self, path: bytes) -> None:
        """Forget an output's sum; its rows stay.  Within a transaction."""
        self._connect().execute("DELETE FROM outputs WHERE path = ?", (path,))


_IN_MEMORY = ":memory:"
_PUT_FOLDER = "INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def _is_damage(error: Exception) -> bool:
    """Whether the file is no database of ours, as opposed to one that cannot be used now."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return True
    return code & 0xFF in (
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_CONSTRAINT,
    )


def _summed(*values: bytes | int) -> tuple[bytes | int, ...]:
    """A row with its check sum: a bit that flips on the disk must not become a wrong digest."""
    return (*values, _sum_of(values))


def _sum_of(values: Iterable[bytes | int]) -> int:
    total = 0
    for value in values:
        data = value.to_bytes(16, "little", signed=True) if isinstance(value, int) else value
        total = crc32(data, total)
    return total


def _is_sound(row: tuple[Any, ...]) -> bool:
    try:
        return bool(_sum_of(row[:-1]) == row[-1])
    except (TypeError, OverflowError):  # a value of another type than was written
        return False


_CUT_ABOVE = 4096
_CUT_BELOW = (1 << 32) // 2048


def _cut(row: FolderRow) -> Iterator[tuple[bytes, FolderRow]]:
    """Parts of a large folder by their first name; the first part's is empty."""
    names = row.names.split(b"\0")
    marks = [at for at, name in enumerate(names) if crc32(name) < _CUT_BELOW and at]
    low, wide = 0, 8 * STAT_FIELDS
    for high in (*marks, len(names)):
        first = names[low] if low else b""
        yield (
            first,
            row._replace(
                names=b"\0".join(names[low:high]),
                stats=row.stats[low * wide : high * wide],
                digests=row.digests[low * 32 : high * 32],
            ),
        )
        low = high


def _joined(parts: list[FolderRow]) -> FolderRow:
    """Parts of one folder as one row, as old as its oldest part."""
    return FolderRow(
        parts[0].path,
        b"\0".join([part.names for part in parts]),
        b"".join([part.stats for part in parts]),
        b"".join([part.digests for part in parts]),
        min(part.stamp_ns for part in parts),
        any(part.is_racy for part in parts),
    )


def sum_rows(rows: Iterable[tuple[bytes, bytes, bytes, bytes]]) -> bytes:
    """A digest over (path, names, stats, digests) of folders, in any order.

    What a root digest is remembered with: a root and rows that two commands wrote at the same
    time can then never be taken for each other's.
    """
    from blake3 import blake3

    hasher = blake3()
    for row in sorted(rows):
        for part in row:
            hasher.update(len(part).to_bytes(8, "little"))
            hasher.update(part)
    return hasher.digest()


def is_racy(stats: array[int], stamp_ns: int) -> bool:
    """Whether any file's times are not older than ``stamp_ns`` (Git's racily clean rule)."""
    if not stats:
        return False
    return max(stats[1::STAT_FIELDS]) >= stamp_ns or max(stats[2::STAT_FIELDS]) >= stamp_ns
