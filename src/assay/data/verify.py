"""``verify``: read every byte again and say what does not match, in workspace, cache and remote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.core.digest import ObjectKind
from assay.core.progress import SILENT, Progress
from assay.data.model import Tracked, printable
from assay.data.outputs import Selection
from assay.data.scan import A_FOLDER, ABSENT, Workspace
from assay.data.survey import survey
from assay.data.transfer import needed_by
from assay.errors import AssayError, IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.durable import READ
from assay.store.hashing import hash_large
from assay.store.index import WorkspaceIndex
from assay.store.packs import read_object, read_rows, unpack_rows
from assay.store.segments import Segment


@dataclass(kw_only=True)
class VerifyReport:
    """What was found.

    ``damaged`` and ``missing`` map digests to where they should be good; ``problems`` are
    files of the store that cannot be read at all; ``changed`` are tracked paths of the
    workspace that differ from their pointers; ``healed`` are digests made good again;
    ``kinds`` says what is damaged or missing.
    """

    checked: int = 0
    size_bytes: int = 0
    damaged: dict[bytes, str] = field(default_factory=dict)
    missing: dict[bytes, str] = field(default_factory=dict)
    problems: list[AssayError] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    healed: list[bytes] = field(default_factory=list)
    kinds: dict[bytes, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether everything that was checked is as recorded."""
        return not (self.damaged or self.missing or self.problems or self.changed)


def verify_cache(cache: Cache, report: VerifyReport, *, progress: Progress = SILENT) -> None:
    """Hash every object of the cache."""
    try:
        if os.path.isdir(cache.root):
            cache.ensure()
        segments = cache.segments()
    except IntegrityError as error:
        report.problems.append(error)
        segments = []
    for segment in segments:
        try:
            segment.check()
        except IntegrityError as error:
            report.problems.append(error)
    packs = {pack: size for segment in segments for pack, size in segment.packs.items()}
    task = progress.task("verifying cache", size_bytes=sum(packs.values()))
    for pack in packs:
        path = cache.pack_path(pack)
        try:
            _verify_pack(cache, path, report)
        except FileNotFoundError:
            report.problems.append(_gone(path))
            _note_lost(cache, segments, pack, report)
        except IntegrityError as error:
            report.problems.append(error)
            _note_lost(cache, segments, pack, report)
        task.advance(1, packs[pack])
    for digest in cache.loose_digests():
        path = cache.loose_path(digest)
        fd = os.open(path, READ)
        try:
            size = os.fstat(fd).st_size
            if hash_large(fd) != digest:
                report.damaged[digest] = path
                report.kinds[digest] = ObjectKind.BLOB
        finally:
            os.close(fd)
        report.checked += 1
        report.size_bytes += size
        task.advance(1, size)
    task.done()


def _verify_pack(cache: Cache, path: str, report: VerifyReport) -> None:
    rows = unpack_rows(read_rows(path).rows)
    fd = os.open(path, READ)
    try:
        for row in sorted(rows, key=lambda row: row.offset):
            found = cache.locate(row.digest)
            if found is None:
                continue  # dropped after damage: no longer counted as here
            report.checked += 1
            report.size_bytes += row.length
            try:
                read_object(fd, row, where=path)
            except IntegrityError:
                if cache.pack_name(found.pack) == path:
                    report.damaged[row.digest] = path
                    report.kinds[row.digest] = row.kind
    finally:
        os.close(fd)


def _note_lost(cache: Cache, segments: list[Segment], pack: bytes, report: VerifyReport) -> None:
    """What only an unreadable pack held is missing."""
    for segment in segments:
        for row in segment.locations():
            if row.pack == pack[:8] and not cache.has(row.digest):
                report.missing[row.digest] = cache.pack_path(pack)
                report.kinds[row.digest] = row.kind


def _gone(path: str) -> IntegrityError:
    return IntegrityError(
        "pack-missing",
        f"Pack {path} is gone.",
        why="Something outside assay removed it.",
        fix="Run `assay verify --repair`, which fetches what it held from a remote.",
        paths=(path,),
    )


def verify_references(cache: Cache, tracked: list[Tracked], report: VerifyReport) -> None:
    """Find objects that pointers need and the cache does not hold."""
    for item in tracked:
        try:
            needed = needed_by(cache, Selection(tracked=item))
            absent = cache.missing(needed.objects)
        except (IntegrityError, NotFound):
            continue  # what is damaged is reported by verify_cache
        for digest in absent:
            report.missing.setdefault(digest, item.name)
            report.kinds[digest] = needed.objects[digest]


def verify_workspace(
    workspace: Workspace,
    selections: list[Selection],
    report: VerifyReport,
    *,
    progress: Progress = SILENT,
) -> None:
    """Hash every tracked file anew, trusting no index, and compare with the pointers."""
    fresh = WorkspaceIndex(":memory:")
    blind = Workspace(
        root=workspace.root,
        index=fresh,
        cache=workspace.cache,
        rules=workspace.rules,
        probe=workspace.probe,
        keep_links=workspace.keep_links,
        link_types=workspace.link_types,
        jobs=workspace.jobs,
    )
    try:
        for tracked in _distinct(selections):
            state = survey(blind, tracked.path, progress=progress)
            report.checked += state.file_count
            report.size_bytes += state.size_bytes
            if state.kind == ABSENT:
                continue
            same = state.digest == tracked.root_digest
            if not same or (state.kind == A_FOLDER) != tracked.output.is_folder:
                report.changed.append(printable(tracked.path))
    finally:
        fresh.close()


def _distinct(selections: list[Selection]) -> Iterator[Tracked]:
    seen: set[bytes] = set()
    for selection in selections:
        if selection.tracked.path not in seen:
            seen.add(selection.tracked.path)
            yield selection.tracked
