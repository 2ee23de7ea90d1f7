"""Taking in many single files at once, so that they share packs and one durable step."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterable

from assay.core.progress import SILENT, Progress
from assay.data.scan import Workspace
from assay.store.index import FileRow
from assay.store.walk import STAT_FIELDS, FolderScan, open_root, stat_row


def take_in(workspace: Workspace, paths: Iterable[bytes], *, progress: Progress = SILENT) -> None:
    """Store the files at ``paths`` and let the index remember them; for a later look to find.

    Whatever is no file is left to that look, and so is every complaint.  For use inside
    ``cache.writing()``.
    """
    rows = _rows(workspace, paths)
    if len(rows) < 2:
        return
    from assay.store.ingest import IngestOptions, ingest

    stamp = workspace.probe()
    options = IngestOptions(link_types=workspace.link_types, jobs=workspace.jobs, stamp_ns=stamp)
    found: list[FileRow] = []
    for batch, result in ingest(
        workspace.cache, workspace.root, _scans(rows), options, progress=progress
    ):
        for at, name in enumerate(batch.names):
            path = batch.rel + b"/" + name if batch.rel else name
            row = tuple(batch.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS])
            digest = result.digests[at * 32 : at * 32 + 32]
            found.append(FileRow(path, result.restated.get(at, row), digest, stamp))
    workspace.index.put_files(found)


def _rows(workspace: Workspace, paths: Iterable[bytes]) -> dict[bytes, tuple[int, ...]]:
    """Stat rows of the files whose content is not known to be in the cache."""
    rows: dict[bytes, tuple[int, ...]] = {}
    known: dict[bytes, bytes] = {}
    root_fd = open_root(workspace.root)
    try:
        for path in paths:
            try:
                found = os.stat(path, dir_fd=root_fd)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                rows[path] = stat_row(found)
                digest = workspace.index.file_digest(path, rows[path])
                if digest is not None:
                    known[path] = digest
    finally:
        os.close(root_fd)
    missing = workspace.cache.missing(known.values())
    return {p: row for p, row in rows.items() if known.get(p) is None or known[p] in missing}


def _scans(rows: dict[bytes, tuple[int, ...]]) -> list[FolderScan]:
    folders: dict[bytes, list[bytes]] = {}
    for path in sorted(rows):
        folders.setdefault(path.rpartition(b"/")[0], []).append(path)
    scans = []
    for folder, paths in folders.items():
        stats = array("q")
        for path in paths:
            stats.extend(rows[path])
        scans.append(FolderScan(folder, [p.rpartition(b"/")[2] for p in paths], stats, False))
    return scans
