"""The parts of a release as they are written: artifacts at their paths, and the commit's code."""

from __future__ import annotations

from collections.abc import Mapping

from assay.core.digest import ObjectKind
from assay.core.manifest import split_digests
from assay.core.prolly import walk
from assay.releases.contents import Content, Snapshot, bound_content, code_rows, placed_rows
from assay.releases.part import Part
from assay.releases.release import Release

_ABSENT = bytes(32)

Contents = Mapping[bytes, Content]
"""What each artifact holds, by its path."""


def contents_of(snapshot: Snapshot, release: Release) -> dict[bytes, Content]:
    """What each artifact holds at the commit, which must be exactly what the release binds."""
    return {a.path: bound_content(snapshot, a) for a in release.artifacts}


def part_at(path: bytes, content: Content) -> Part:
    """What lies at ``path``, to be written there."""
    rows, folder = placed_rows(path, content)
    return Part(folder=folder, rows=rows, content=content)


def artifact_parts(release: Release, contents: Contents) -> list[Part]:
    """The artifacts of a release, each at its path."""
    return [part_at(a.path, contents[a.path]) for a in release.artifacts]


def whole_parts(snapshot: Snapshot, home: str, release: Release, contents: Contents) -> list[Part]:
    """Everything of a release: its artifacts, and Git's files but for the folder ``home``."""
    code = code_rows(snapshot, home, list(release.artifacts))
    return [*artifact_parts(release, contents), Part(folder=b"", rows=code.rows, content=code)]


def blobs_of(content: Content) -> set[bytes]:
    """Digests of an artifact's file contents."""
    found = set(split_digests(content.rows.digests))
    found.discard(_ABSENT)
    return found


def all_objects(snapshot: Snapshot, contents: Contents) -> dict[bytes, int]:
    """Every object of the artifacts that the cache keeps: what must be here to write them again."""
    found: dict[bytes, int] = {}
    for content in contents.values():
        if content.tracked is not None:
            found.update(objects_of(snapshot, content))
    return found


def objects_of(snapshot: Snapshot, content: Content) -> dict[bytes, int]:
    """Every object that a cached artifact needs, with the manifest nodes of its tracked path."""
    found = dict.fromkeys(blobs_of(content), int(ObjectKind.BLOB))
    tracked = content.tracked
    if tracked is not None and tracked.output.is_folder:

        def is_known(digest: bytes) -> bool:
            found[digest] = int(ObjectKind.NODE)
            return False

        for _ in walk(tracked.root_digest, snapshot.read_node, known=is_known):
            continue
    return found
