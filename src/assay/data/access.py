"""Reading tracked data of any repository and revision, without a workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.core.manifest import EMPTY, EXECUTABLE, FILE, FOLDER, SYMLINK, Entry, Manifest
from assay.core.prolly import load, load_folder
from assay.data.model import Tracked, is_at_or_below, printable
from assay.errors import NotFound

ReadNode = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One entry of a listing; ``digest`` is ``None`` for what Git itself keeps."""

    path: str
    size_bytes: int | None
    is_folder: bool
    is_executable: bool
    is_output: bool
    digest: bytes | None


def find_output(everything: list[Tracked], path: bytes) -> tuple[Tracked, bytes] | None:
    """The tracked path that holds ``path``, and the rest of the path inside it."""
    for tracked in everything:
        if path == tracked.path:
            return tracked, b""
        if path.startswith(tracked.path + b"/"):
            return tracked, path[len(tracked.path) + 1 :]
    return None


def content_of(tracked: Tracked, inside: bytes, read: ReadNode) -> tuple[Manifest, bool]:
    """(rows, is a single file) of what lies at ``inside`` in a tracked path.

    Rows have paths relative to that place; a single file is one row with an empty path.
    Raises :class:`NotFound` ``path-missing``.
    """
    output = tracked.output
    if output.digest is None:
        raise not_there(printable(tracked.path))
    if not output.is_folder:
        if inside:
            raise not_there(printable(tracked.path + b"/" + inside))
        kind = EXECUTABLE if output.is_executable else FILE
        return _single(Entry(b"", output.size_bytes or 0, kind, output.digest)), True
    if not inside:
        return load(output.digest, read), False
    rows = load_folder(output.digest, inside, read)
    if not len(rows):
        raise not_there(printable(tracked.path + b"/" + inside))
    if rows.paths[0] == inside:
        entry = rows.entry(0)
        if entry.kind == FOLDER:
            return EMPTY, False
        return _single(entry._replace(path=b"")), True
    skip = len(inside) + 1
    return (
        Manifest(
            paths=[path[skip:] for path in rows.paths],
            sizes=rows.sizes,
            kinds=rows.kinds,
            digests=rows.digests,
            width=rows.width,
        ),
        False,
    )


def _single(entry: Entry) -> Manifest:
    from array import array

    return Manifest(
        paths=[entry.path],
        sizes=array("Q", [entry.size]),
        kinds=bytes([entry.kind]),
        digests=entry.digest,
        width=len(entry.digest),
    )


def list_output(rows: Manifest, prefix: str, *, recursive: bool) -> list[Listed]:
    """The entries of a tracked folder, its direct children only unless ``recursive``."""
    found: dict[str, Listed] = {}
    for entry in rows:
        head, slash, _ = entry.path.partition(b"/")
        if slash and not recursive:
            name = prefix + printable(head)
            found.setdefault(name, _folder(name))
            continue
        name = prefix + printable(entry.path)
        if entry.kind == FOLDER:
            if not recursive:
                found[name] = _folder(name)
            continue
        found[name] = Listed(
            path=name,
            size_bytes=entry.size,
            is_folder=False,
            is_executable=entry.kind == EXECUTABLE,
            is_output=True,
            digest=entry.digest if entry.kind != SYMLINK else None,
        )
    return list(found.values())


def _folder(name: str) -> Listed:
    return Listed(
        path=name,
        size_bytes=None,
        is_folder=True,
        is_executable=False,
        is_output=True,
        digest=None,
    )


def outputs_below(everything: list[Tracked], top: bytes) -> list[Tracked]:
    """Tracked paths at or below ``top``."""
    return [tracked for tracked in everything if is_at_or_below(tracked.path, top)]


def not_there(path: str) -> NotFound:
    """The error for a path that a snapshot does not have."""
    return NotFound(
        "path-missing",
        f"{path} does not exist in this snapshot.",
        why="Neither Git nor a pointer of this revision has it.",
        fix="`assay ls` shows what there is; another revision may have it (--rev).",
        paths=(path,),
    )
