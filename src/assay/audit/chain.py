"""Append-only logs in which each entry names the one before it, so that edits show.

One file per writer.  A line is ``{"hash":"HEX","body":{...}}``: the hash covers the bytes of the
body as they stand, and the body carries the format number, its place (``seq``), the writer and
the hash before it (``prev``).  A chain cannot show that its own tail is missing: whoever needs
that keeps the head elsewhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.core.progress import SILENT, Progress
from assay.errors import IntegrityError, InvalidInput
from assay.store.durable import disk_errors, make_folder, sync_folder, write_all
from assay.store.locks import locked

FORMAT = 1
FIRST = "0" * 64
"""What the first entry names as the one before it."""

_CONTEXT = "assay 2026 audit entry format 1"
_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","body":(\{.*\})\}\n')
_WRITER = re.compile(r"[A-Za-z0-9._-]{1,80}")
_TAIL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; ``body`` is what was appended, ``hash`` names it."""

    seq: int
    hash: str
    prev: str
    body: Mapping[str, Any]


@dataclass(kw_only=True)
class ChainReport:
    """What :func:`verify` found; ``problems`` are sentences, each with a line number."""

    entries: int = 0
    head: str = FIRST
    problems: list[str] = field(default_factory=list)
    is_torn: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing was edited, removed or moved (a torn tail is none of these)."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """An append; ``repaired_bytes`` were dropped from a tail that a killed writer tore."""

    entry: Entry
    repaired_bytes: int = 0


def chain_path(folder: str, writer: str) -> str:
    """Where a writer's log lies."""
    if not _WRITER.fullmatch(writer) or writer.startswith("."):
        raise InvalidInput("writer-invalid", f"{writer[:80]!r} cannot name a log.")
    return os.path.join(folder, f"{writer}.jsonl")


def append(
    folder: str, writer: str, body: Mapping[str, Any], *, progress: Progress = SILENT
) -> Appended:
    """Append durably: when this returns, the entry survives power loss.

    A tail without an end of line is what a killed writer left: it is cut off, and ``progress``
    is told.  Raises :class:`IntegrityError` ``audit-log-damaged`` when the last whole entry is
    not sound.
    """
    path = chain_path(folder, writer)
    with disk_errors(path):
        make_folder(folder)
        with locked(f"{path}.lock", what="the log of runs", progress=progress):
            return _append(path, writer, body, progress)


def _append(path: str, writer: str, body: Mapping[str, Any], progress: Progress) -> Appended:
    is_new = not os.path.exists(path)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        torn = _cut_torn_tail(fd)
        if torn:
            name = os.path.basename(path)
            progress.note(f"{name}: dropped {torn} bytes of an entry that was never finished.")
        seq, prev = _next(fd, path)
        entry, line = _encode(seq, prev, writer, body)
        os.lseek(fd, 0, os.SEEK_END)
        write_all(fd, line)
        os.fsync(fd)
    finally:
        os.close(fd)
    if is_new:
        sync_folder(os.path.dirname(path))
    return Appended(entry=entry, repaired_bytes=torn)


def line_of(entry: Entry) -> bytes:
    """The line of an entry, for keeping it outside its log."""
    text = json.dumps(entry.body, sort_keys=True, separators=(",", ":")).encode("ascii")
    return b'{"hash":"%s","body":%s}\n' % (entry.hash.encode("ascii"), text)


def parse_line(line: bytes, *, where: str) -> Entry:
    """An entry that :func:`line_of` wrote; raises IntegrityError ``audit-entry-damaged``."""
    found = _decode(line)
    if isinstance(found, str):
        raise IntegrityError(
            "audit-entry-damaged",
            f"{where} is not as it was written: {found}.",
            why="It was edited or damaged.",
            fix="Do not rely on it; the log that it came from may still have it good.",
        )
    return found


def _encode(seq: int, prev: str, writer: str, body: Mapping[str, Any]) -> tuple[Entry, bytes]:
    whole = {"format": FORMAT, "seq": seq, "prev": prev, "writer": writer, **body}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), default=str).encode("ascii")
    digest = _hash(text)
    line = b'{"hash":"%s","body":%s}\n' % (digest.encode("ascii"), text)
    return Entry(seq=seq, hash=digest, prev=prev, body=json.loads(text)), line


def _hash(body: bytes) -> str:
    from blake3 import blake3

    return blake3(body, derive_key_context=_CONTEXT).hexdigest()


def _cut_torn_tail(fd: int) -> int:
    size = os.fstat(fd).st_size
    end = _last_line_end(fd, size)
    if end < size:
        os.ftruncate(fd, end)
        os.fsync(fd)
    return size - end


def _last_line_end(fd: int, end: int) -> int:
    """The offset after the last end of line before ``end``; 0 where there is none."""
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _next(fd: int, path: str) -> tuple[int, str]:
    size = os.fstat(fd).st_size
    if size == 0:
        return 0, FIRST
    start = _last_line_end(fd, size - 1)
    found = _decode(os.pread(fd, size - start, start))
    if isinstance(found, str):
        raise _damaged(path, f"the last entry: {found}")
    return found.seq + 1, found.hash


def _decode(line: bytes) -> Entry | str:
    """The entry on a line, or what is wrong with it."""
    match = _LINE.fullmatch(line)
    if match is None:
        return "it is not an entry"
    digest, text = match[1].decode("ascii"), match[2]
    if _hash(text) != digest:
        return "it was edited: it does not match its hash"
    try:
        body = json.loads(text)
        version, seq, prev = body["format"], body["seq"], body["prev"]
    except (ValueError, KeyError, RecursionError):
        return "it is not an entry"
    if not isinstance(version, int) or version > FORMAT:
        return f"its format {version!r} is newer than this version of assay"
    if not isinstance(seq, int) or not isinstance(prev, str):
        return "it is not an entry"
    return Entry(seq=seq, hash=digest, prev=prev, body=body)


def verify(path: str) -> ChainReport:
    """Read a whole log and say what in it is not as it was written."""
    report = ChainReport()
    for number, line, found in _lines(path):
        if not line.endswith(b"\n"):
            report.is_torn = True
            break
        if isinstance(found, str):
            report.problems.append(f"line {number}: {found}")
            continue
        if found.seq != report.entries or found.prev != report.head:
            report.problems.append(f"line {number}: {_misplaced(found, report)}")
        report.entries, report.head = found.seq + 1, found.hash
    return report


def _misplaced(found: Entry, report: ChainReport) -> str:
    if found.seq > report.entries:
        return f"entries {report.entries} to {found.seq - 1} are missing before it"
    if found.seq < report.entries:
        return f"entry {found.seq} is out of order or repeated"
    return "it does not follow the entry before it"


def read(path: str) -> list[Entry]:
    """Every entry, oldest first; raises :class:`IntegrityError` ``audit-log-damaged``."""
    report = verify(path)
    if report.problems:
        raise _damaged(path, report.problems[0])
    return [found for _, _, found in _lines(path) if isinstance(found, Entry)]


def _lines(path: str) -> Iterator[tuple[int, bytes, Entry | str]]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                yield number, line, _decode(line)
    except FileNotFoundError:
        return


def _damaged(path: str, why: str) -> IntegrityError:
    name = os.path.basename(path)
    return IntegrityError(
        "audit-log-damaged",
        f"The log {name} is not as it was written: {why}.",
        why="Entries were edited, removed or reordered, or the disk damaged them.",
        fix=f"Keep it as evidence and move it away ({path}); the next run begins a new one.",
        paths=(path,),
    )
