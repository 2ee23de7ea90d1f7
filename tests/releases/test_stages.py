"""What a stage wrote: found for paths inside its outputs, and compared as far as it can be."""

from __future__ import annotations

from collections.abc import Callable

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import FILE, Entry, from_entries
from assay.core.pointer import Output
from assay.pipelines.files import read_pipeline
from assay.pipelines.model import LockEntry, Pipeline
from assay.releases.contents import Content
from assay.releases.stages import Making, is_as_recorded, making_of

TEXT = b"""\
stages:
  one: {cmd: a, outs: [made: {cache: false}]}
  two: {cmd: b, outs: [made-too]}
"""


def entry(data: bytes) -> Entry:
    return Entry(b"x", len(data), FILE, object_digest(ObjectKind.BLOB, data))


def folder(data: bytes) -> Content:
    """A folder that Git keeps, with one file in it."""
    return Content(rows=from_entries([entry(data)]), is_file=False)


def making(path: bytes, recorded: Output | None) -> Making | None:
    stages, _ = read_pipeline(TEXT, path=b"sub/assay.yaml")
    lock = {} if recorded is None else {"one": LockEntry(command="a", outs=(recorded,))}
    pipeline = Pipeline(
        path=b"sub/assay.yaml", lock_path=b"sub/assay.lock", stages=stages, lock=lock
    )
    return making_of([pipeline], path)


def look(data: bytes) -> Callable[[bytes], Content]:
    def at(path: bytes) -> Content:
        assert path == b"sub/made"
        return folder(data)

    return at


def test_a_path_is_made_by_the_stage_whose_output_is_or_holds_it() -> None:
    for path, stage in [(b"sub/made", "one"), (b"sub/made/x", "one"), (b"sub/made-too/x", "two")]:
        found = making(path, None)
        assert found is not None
        assert found.stage.name == stage
        assert found.recorded is None
    for path in (b"made", b"sub", b"sub/made-", b"sub/mad"):
        assert making(path, None) is None


def test_nothing_is_as_recorded_where_nothing_is() -> None:
    digest = folder(b"a").digest
    for recorded in (None, Output(path="made", digest=None, is_folder=True)):
        found = making(b"sub/made", recorded)
        assert found is not None
        assert not is_as_recorded(found, b"sub/made", digest, look(b"a"))


def test_what_git_keeps_is_compared_as_a_whole() -> None:
    recorded = Output(path="made", digest=folder(b"a").digest, is_folder=True)
    found = making(b"sub/made/x", recorded)
    assert found is not None
    assert found.recorded == recorded
    same, other = entry(b"a").digest, entry(b"b").digest
    assert is_as_recorded(found, b"sub/made/x", same, look(b"a"))
    assert not is_as_recorded(found, b"sub/made/x", other, look(b"b"))
    assert is_as_recorded(found, b"sub/made", folder(b"a").digest, look(b"b"))
    assert not is_as_recorded(found, b"sub/made", folder(b"b").digest, look(b"a"))
