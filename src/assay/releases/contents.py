"""What a release's artifacts hold at its commit: rows of paths, modes, sizes and digests."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import EXECUTABLE, FILE, SYMLINK, Entry, Manifest, from_entries
from assay.core.paths import link_problem, require_safe
from assay.core.prolly import encode
from assay.data.access import content_of, find_output, outputs_below
from assay.data.model import Tracked, printable
from assay.errors import IntegrityError, InvalidInput, NotFound, Untrusted
from assay.git.objects import ObjectReader, TreeEntry
from assay.git.trees import list_below
from assay.releases.declared import OWN_FOLDER
from assay.releases.release import CACHE, FOLDER, GIT, Artifact
from assay.releases.release import FILE as A_FILE

_EXECUTABLE_BIT = 0o100
_LINK = 0o120000


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One commit to read from: Git's objects, tracked paths, and manifest nodes by digest."""

    reader: ObjectReader
    commit: str
    tracked: list[Tracked]
    read_node: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What lies at an artifact's path.

    ``rows`` are relative to the path (of a single file one row with an empty path).  Of what Git
    keeps, ``blobs`` has the object ids by path; of what the cache keeps, ``tracked`` holds it.
    """

    rows: Manifest
    is_file: bool
    tracked: Tracked | None = None
    blobs: Mapping[bytes, str] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """Of a file its content's digest, of a folder its manifest's."""
        return self.rows.digest_at(0) if self.is_file else encode(self.rows).root


def content_at(snapshot: Snapshot, path: bytes) -> Content:
    """What lies at ``path`` in a commit; raises :class:`NotFound` ``path-missing``."""
    found = find_output(snapshot.tracked, path)
    if found is not None:
        tracked, inside = found
        rows, is_file = content_of(tracked, inside, snapshot.read_node)
        return Content(rows=rows, is_file=is_file, tracked=tracked)
    below = outputs_below(snapshot.tracked, path)
    if below:
        names = ", ".join(t.name for t in below[:5])
        raise InvalidInput(
            "artifact-mixed",
            f"{printable(path)} is not tracked as a whole.",
            why=f"It holds tracked paths ({names}) beside what Git keeps.",
            fix="Name the tracked paths as artifacts, one by one.",
            paths=(printable(path),),
        )
    return _git_content(snapshot, path)


def _git_content(snapshot: Snapshot, path: bytes) -> Content:
    entries = list_below(snapshot.reader, snapshot.commit, path)
    if not entries:
        raise NotFound(
            "path-missing",
            f"{printable(path)} does not exist at commit {snapshot.commit[:12]}.",
            why="Neither Git nor a pointer of that commit has it.",
            fix="Commit it (`git add`, `git commit`), or correct the release's `artifacts`.",
            paths=(printable(path),),
        )
    is_file = entries[0][0] == path
    skip = len(path) if is_file else len(path) + 1
    blobs = {name[skip:]: oid for name, _, oid in entries}
    rows = from_entries([_entry(snapshot.reader, item, skip) for item in entries])
    if not is_file:
        require_safe(rows.paths, where=printable(path))
    return Content(rows=rows, is_file=is_file, blobs=blobs)


def _entry(reader: ObjectReader, item: TreeEntry, skip: int) -> Entry:
    path, mode, oid = item
    data = reader.read(oid)
    if data is None:
        raise NotFound("git-object-missing", f"Git lacks {printable(path)} ({oid}).")
    if mode == _LINK:
        require_inside(path, data)
    kind = SYMLINK if mode == _LINK else EXECUTABLE if mode & _EXECUTABLE_BIT else FILE
    return Entry(path[skip:], len(data), kind, object_digest(ObjectKind.BLOB, data))


def require_inside(path: bytes, target: bytes) -> None:
    """Raise :class:`IntegrityError` ``link-escapes`` for a link that leads out of the release."""
    problem = link_problem(path.rpartition(b"/")[0], target)
    if problem:
        raise IntegrityError(
            "link-escapes",
            f"{printable(path)} is a symbolic link to {os.fsdecode(target)[:200]!r}.",
            why=f"{problem[:1].upper()}{problem[1:]}, and so out of the release.",
            fix="Take the link out of the commit, or leave the code out (without --with-code).",
            paths=(printable(path),),
        )


def describe(role: str, path: bytes, content: Content) -> Artifact:
    """The artifact that says what lies at a path."""
    tracked = content.tracked
    return Artifact(
        role=role,
        path=path,
        kind=A_FILE if content.is_file else FOLDER,
        digest=content.digest,
        size_bytes=content.rows.size_bytes,
        file_count=content.rows.file_count,
        is_executable=content.is_file and content.rows.kinds[0] == EXECUTABLE,
        keeper=GIT if tracked is None else CACHE,
        tracked=b"" if tracked is None else tracked.path,
        tracked_digest=b"" if tracked is None else tracked.root_digest,
    )


def bound_content(snapshot: Snapshot, artifact: Artifact) -> Content:
    """What lies at an artifact's path, which must be exactly what the release binds.

    Raises :class:`Untrusted` ``artifact-differs``.
    """
    content = content_at(snapshot, artifact.path)
    if describe(artifact.role, artifact.path, content) != artifact:
        raise Untrusted(
            "artifact-differs",
            f"{artifact.name} at commit {snapshot.commit[:12]} is not what the release binds.",
            why=f"The record says {artifact.digest.hex()[:16]}, "
            f"the commit {content.digest.hex()[:16]}.",
            fix="Do not use it; ask who made the release (`assay release show`).",
            paths=(artifact.name,),
        )
    return content


def placed_rows(path: bytes, content: Content) -> tuple[Manifest, bytes]:
    """``(rows, the folder that they count from)`` for writing what lies at ``path`` to it."""
    if not content.is_file:
        return content.rows, path
    folder, _, name = path.rpartition(b"/")
    row = content.rows.entry(0)
    rows = Manifest(
        paths=[name], sizes=array("Q", [row.size]), kinds=bytes([row.kind]), digests=row.digest
    )
    return rows, folder


def code_rows(snapshot: Snapshot, home: str, taken: list[Artifact]) -> Content:
    """Git's own files at the commit, but for the repository's own folder and ``taken`` paths.

    What is called as a release's own folder is left out too: there stands what was taken now.
    """
    own = tuple(os.fsencode(f"{name}/") for name in (home, OWN_FOLDER))
    entries = [
        item
        for item in snapshot.reader.list_tree(snapshot.commit)
        if not item[0].startswith(own)
        and not any(_is_in(item[0], artifact.path) for artifact in taken)
    ]
    rows = from_entries([_entry(snapshot.reader, item, 0) for item in entries])
    require_safe(rows.paths, where=f"commit {snapshot.commit[:12]}")
    return Content(rows=rows, is_file=False, blobs={name: oid for name, _, oid in entries})


def _is_in(path: bytes, top: bytes) -> bool:
    return path == top or path.startswith(top + b"/")
