"""Looking at the workspace: what a tracked path holds now, hashing only what changed."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING

from assay.core.manifest import EXECUTABLE, FILE, FOLDER, SYMLINK, Manifest
from assay.core.progress import SILENT, Progress
from assay.data.ignore import IgnoreRules
from assay.store.cache import Cache
from assay.store.index import FolderRow, WorkspaceIndex, is_racy, sum_rows
from assay.store.walk import STAT_FIELDS, FolderScan, stat_row, walk_batch
from assay.store.walk_ahead import look_ahead

# Nothing is ingested, and this is not imported, when nothing changed.
if TYPE_CHECKING:
    from assay.core.prolly import Tree
    from assay.store.ingest import IngestOptions

ABSENT, A_FILE, A_FOLDER = "absent", "file", "folder"


@dataclass(slots=True, kw_only=True)
class FolderState:
    """One folder as it is now: the scan, and a digest for every name (zeros: not known)."""

    scan: FolderScan
    digests: bytes
    is_new_to_index: bool


@dataclass(kw_only=True)
class PathState:
    """A tracked path as it is now.

    ``digest`` is the content's digest or the manifest's root.  ``folders`` is empty for a file.
    ``scratch``: what killed checkouts left unfinished in the folder.
    """

    kind: str
    path: bytes
    digest: bytes = bytes(32)
    stats: tuple[int, ...] = ()
    size_bytes: int = 0
    file_count: int = 0
    is_executable: bool = False
    folders: list[FolderState] = field(default_factory=list)
    scratch: list[bytes] = field(default_factory=list)
    hashed: int = 0

    @cached_property
    def manifest(self) -> Manifest:
        """The folder's entries, paths relative to it."""
        return manifest_of(self.folders, self.path)

    @cached_property
    def tree(self) -> Tree:
        """The encoded manifest."""
        from assay.core.prolly import encode

        return encode(self.manifest)

    def stat_rows(self, wanted: set[bytes]) -> dict[bytes, tuple[int, ...]]:
        """Stat rows of some files, by path from the repository's root."""
        if self.kind == A_FILE:
            return {self.path: self.stats} if self.path in wanted else {}
        rows = {}
        parents = {path.rpartition(b"/")[0] for path in wanted}
        for state in self.folders:
            if state.scan.rel not in parents:
                continue
            for at, name in enumerate(state.scan.names):
                path = state.scan.rel + b"/" + name
                if path in wanted:
                    rows[path] = tuple(state.scan.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS])
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What looking needs: where the files are, what is known of them, what is ignored.

    ``probe`` returns a timestamp in ns from the workspace's own file system.
    """

    root: bytes
    index: WorkspaceIndex
    cache: Cache
    rules: IgnoreRules
    probe: Callable[[], int]
    keep_links: bool = False
    link_types: tuple[str, ...] = ("reflink", "copy")
    jobs: int | None = None

    @property
    def options(self) -> str:
        """Whatever changes a scan's result, for the index."""
        return "keep" if self.keep_links else "follow"

    def absolute(self, path: bytes) -> bytes:
        """A path of the repository as the system takes it."""
        return os.path.join(self.root, path)


def look(
    workspace: Workspace, path: bytes, *, store: bool = False, progress: Progress = SILENT
) -> PathState:
    """The state of ``path``; with ``store`` its new content goes into the cache as well.

    With ``store`` call it inside ``cache.writing()``: objects of the content are then durable
    and findable when it returns, those of the manifest are not (see :func:`remember`).
    """
    try:
        # A tracked path is a file or a folder: a link in its place is followed in any case.
        found = os.stat(workspace.absolute(path))
    except (FileNotFoundError, NotADirectoryError):
        return PathState(kind=ABSENT, path=path)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return PathState(kind=ABSENT, path=path)
    if stat.S_ISDIR(found.st_mode):
        return _look_folder(workspace, path, store, progress)
    return _look_file(workspace, path, found, store, progress)


def _look_file(
    workspace: Workspace, path: bytes, found: os.stat_result, store: bool, progress: Progress
) -> PathState:
    row = stat_row(found)
    digest = workspace.index.file_digest(path, row)
    hashed = 0
    if digest is None or (store and workspace.cache.missing([digest])):
        from assay.store.ingest import ingest

        stamp = workspace.probe()
        parent, _, name = path.rpartition(b"/")
        scan = FolderScan(parent, [name], array("q", row), False)
        results = list(
            ingest(
                workspace.cache,
                workspace.root,
                [scan],
                _ingest_options(workspace, store, stamp),
                progress=progress,
            )
        )
        digest = results[0][1].digests
        row = results[0][1].restated.get(0, row)  # type: ignore[assignment]
        workspace.index.put_file(path, row, digest, stamp)
        hashed = 1
    return PathState(
        kind=A_FILE,
        path=path,
        digest=digest,
        stats=row,
        size_bytes=row[0],
        file_count=1,
        is_executable=bool(row[4] & 0o100),
        hashed=hashed,
    )


def _ingest_options(workspace: Workspace, store: bool, stamp_ns: int) -> IngestOptions:
    from assay.store.ingest import IngestOptions

    return IngestOptions(
        store=store, link_types=workspace.link_types, jobs=workspace.jobs, stamp_ns=stamp_ns
    )


def _look_folder(workspace: Workspace, path: bytes, store: bool, progress: Progress) -> PathState:
    stamp = workspace.probe()
    ignored = workspace.rules.for_directory
    scratch: list[bytes] = []
    known = workspace.index.folders(path)
    sizes = [(rel, len(row.stats) // (8 * STAT_FIELDS)) for rel, row in known.items()]
    keep_links = workspace.keep_links
    ahead = look_ahead(
        workspace.root, sizes, keep_links=keep_links, ignored=ignored, jobs=workspace.jobs
    )
    scans = list(
        walk_batch(
            workspace.root,
            path,
            keep_links=keep_links,
            ignored=ignored,
            scratch=scratch,
            ahead=ahead,
        )
    )
    folders = [_recall(scan, known.get(scan.rel)) for scan in scans]
    state = PathState(kind=A_FOLDER, path=path, folders=folders, scratch=scratch)
    state.file_count = sum(len(scan.names) for scan in scans)
    state.size_bytes = sum(sum(scan.stats[::STAT_FIELDS]) for scan in scans)
    is_same = len(known) == len(scans) and not any(f.is_new_to_index for f in folders)
    if store:
        _forget_lost(workspace.cache, folders)
    state.hashed = _hash_unknown(workspace, folders, store, stamp, progress)
    if is_same and not state.hashed:
        root = workspace.index.output_root(path, workspace.options, rows_sum(folders))
        if root is not None:
            state.digest = root
            return state
    state.digest = state.tree.root
    remember(workspace, state, stamp, known)
    return state


def _recall(scan: FolderScan, row: FolderRow | None) -> FolderState:
    """What the index knows of a folder: everything, some names, or nothing."""
    unknown = bytes(32)
    if row is None:
        return FolderState(scan=scan, digests=unknown * len(scan.names), is_new_to_index=True)
    names, stats = b"\0".join(scan.names), scan.stats.tobytes()
    if row.names == names and row.stats == stats and not row.is_racy:
        return FolderState(scan=scan, digests=row.digests, is_new_to_index=False)
    width = 8 * STAT_FIELDS
    old = {
        name: (row.stats[at * width : (at + 1) * width], row.digests[at * 32 : at * 32 + 32])
        for at, name in enumerate(row.names.split(b"\0") if row.names else ())
    }
    digests = []
    for at, name in enumerate(scan.names):
        known_stats, digest = old.get(name, (b"", unknown))
        fresh = max(scan.stats[at * STAT_FIELDS + 1], scan.stats[at * STAT_FIELDS + 2])
        same = known_stats == stats[at * width : (at + 1) * width] and fresh < row.stamp_ns
        digests.append(digest if same else unknown)
    return FolderState(scan=scan, digests=b"".join(digests), is_new_to_index=True)


def _forget_lost(cache: Cache, folders: list[FolderState]) -> None:
    """Objects that the index knows but the cache lost are taken in again."""
    missing: set[bytes] = set()
    known = {f.digests[at : at + 32] for f in folders for at in range(0, len(f.digests), 32)}
    known.discard(bytes(32))
    missing = cache.missing(known)
    if not missing:
        return
    for state in folders:
        parts = [state.digests[at : at + 32] for at in range(0, len(state.digests), 32)]
        if any(part in missing for part in parts):
            state.digests = b"".join(bytes(32) if p in missing else p for p in parts)
            state.is_new_to_index = True


def _hash_unknown(
    workspace: Workspace,
    folders: list[FolderState],
    store: bool,
    stamp_ns: int,
    progress: Progress,
) -> int:
    unknown = bytes(32)
    wanted: list[FolderScan] = []
    places: dict[bytes, tuple[FolderState, list[int]]] = {}
    for state in folders:
        rows = _unknown_rows(state.digests, unknown)
        if not rows:
            continue
        places[state.scan.rel] = (state, rows)
        wanted.append(state.scan if len(rows) == len(state.scan.names) else _pick(state.scan, rows))
    if not wanted:
        return 0
    done = dict.fromkeys(places, 0)
    digests = {rel: bytearray(state.digests) for rel, (state, _) in places.items()}
    pending: dict[bytes, dict[bytes, int]] = {
        rel: {state.scan.names[row]: row for row in rows} for rel, (state, rows) in places.items()
    }
    from assay.store.ingest import ingest

    options = _ingest_options(workspace, store, stamp_ns)
    for batch, result in ingest(
        workspace.cache, workspace.root, wanted, options, progress=progress
    ):
        state = places[batch.rel][0]
        rows_by_name = pending[batch.rel]
        column = digests[batch.rel]
        for at, name in enumerate(batch.names):
            row = rows_by_name[name]
            column[row * 32 : row * 32 + 32] = result.digests[at * 32 : at * 32 + 32]
            if at in result.restated:
                low = row * STAT_FIELDS
                state.scan.stats[low : low + STAT_FIELDS] = array("q", result.restated[at])
        done[batch.rel] += len(batch.names)
    for rel, (state, _) in places.items():
        state.digests = bytes(digests[rel])
        state.is_new_to_index = True
    return sum(done.values())


def _unknown_rows(digests: bytes, unknown: bytes) -> list[int]:
    if unknown not in digests:  # a quick look that is almost always the last
        return []
    return [at // 32 for at in range(0, len(digests), 32) if digests[at : at + 32] == unknown]


def _pick(scan: FolderScan, rows: list[int]) -> FolderScan:
    stats = array("q")
    for row in rows:
        stats.extend(scan.stats[row * STAT_FIELDS : (row + 1) * STAT_FIELDS])
    return FolderScan(scan.rel, [scan.names[row] for row in rows], stats, scan.is_empty)


def remember(
    workspace: Workspace, state: PathState, stamp_ns: int, known: dict[bytes, FolderRow]
) -> None:
    """Write what a look found into the index."""
    index = workspace.index
    rows = [
        FolderRow(
            f.scan.rel,
            b"\0".join(f.scan.names),
            f.scan.stats.tobytes(),
            f.digests,
            stamp_ns,
            is_racy(f.scan.stats, stamp_ns),
        )
        for f in state.folders
        if f.is_new_to_index
    ]
    here = {f.scan.rel for f in state.folders}
    with index.transaction():
        index.put_folders(rows)
        index.drop_folders(path for path in known if path not in here)
        index.put_output(state.path, state.digest, rows_sum(state.folders), workspace.options)


def rows_sum(folders: Iterable[FolderState]) -> bytes:
    """What the index remembers a root digest with (see :func:`assay.store.index.sum_rows`)."""
    return sum_rows(
        (f.scan.rel, b"\0".join(f.scan.names), f.scan.stats.tobytes(), f.digests) for f in folders
    )


def manifest_of(folders: list[FolderState], top: bytes) -> Manifest:
    """The manifest of scanned folders, paths relative to ``top``."""
    paths: list[bytes] = []
    sizes, modes = array("q"), array("q")
    digests: list[bytes] = []
    skip = len(top) + 1 if top else 0
    for state in folders:
        scan = state.scan
        prefix = scan.rel[skip:] + b"/" if len(scan.rel) > len(top) else b""
        if scan.is_empty and prefix:
            paths.append(prefix[:-1])
            sizes.append(0)
            modes.append(stat.S_IFDIR)
            digests.append(bytes(32))
        paths += [prefix + name for name in scan.names] if prefix else scan.names
        sizes.extend(scan.stats[0::STAT_FIELDS])
        modes.extend(scan.stats[4::STAT_FIELDS])
        digests.append(state.digests)
    kinds = bytes(map(_KINDS.__getitem__, map(_mode_key, modes)))
    column = b"".join(digests)
    if not all(map(lt, paths, islice(paths, 1, None))):
        order = sorted(range(len(paths)), key=paths.__getitem__)
        column = b"".join([column[at * 32 : at * 32 + 32] for at in order])
        paths = [paths[at] for at in order]
        sizes = array("q", [sizes[at] for at in order])
        kinds = bytes([kinds[at] for at in order])
    return Manifest(paths=paths, sizes=array("Q", sizes.tobytes()), kinds=kinds, digests=column)


def _mode_key(mode: int) -> int:
    return mode & 0o170100


_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFREG | 0o100: EXECUTABLE,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFLNK | 0o100: SYMLINK,
    stat.S_IFDIR: FOLDER,
}
