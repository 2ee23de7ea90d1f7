"""Manifests: laws of the sorted columns, against the same thing written with dictionaries."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from assay.core.manifest import (
    EMPTY,
    EXECUTABLE,
    FILE,
    FOLDER,
    SYMLINK,
    Entry,
    Manifest,
    compare,
    from_entries,
    splice,
    split_digests,
)

# Neighbours of "/" in byte order are where a range of paths goes wrong.
NAMES = st.sampled_from([b"a", b"b", b"a-", b"a.", b"a0", b"a!", b"\xff", b"\x01", b"ab"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
DIGESTS = st.integers(1, 3).map(lambda n: bytes([n]) * 32)
KINDS = st.sampled_from([FILE, EXECUTABLE, SYMLINK])
ENTRIES = st.lists(
    st.builds(Entry, PATHS, st.integers(0, 2**40), KINDS, DIGESTS)
    | st.builds(Entry, PATHS, st.just(0), st.just(FOLDER), st.just(bytes(32))),
    max_size=12,
)
MANIFESTS = ENTRIES.map(from_entries)


def rows(manifest: Manifest) -> dict[bytes, Entry]:
    return {entry.path: entry for entry in manifest}


@given(ENTRIES)
def test_a_manifest_is_its_set_of_entries_sorted(entries: list[Entry]) -> None:
    manifest = from_entries(entries)
    assert rows(manifest) == {entry.path: entry for entry in entries}
    assert manifest.paths == sorted(manifest.paths)
    assert len(manifest) == len(manifest.sizes) == len(manifest.kinds)
    assert manifest.size_bytes == sum(entry.size for entry in manifest)
    assert manifest.file_count == sum(entry.kind != FOLDER for entry in manifest)


@given(MANIFESTS, PATHS)
def test_find_gives_the_row_of_exactly_that_path(manifest: Manifest, path: bytes) -> None:
    row = manifest.find(path)
    assert (row >= 0) == (path in rows(manifest))
    if row >= 0:
        assert manifest.entry(row) == rows(manifest)[path]


@given(MANIFESTS, PATHS | st.just(b""))
def test_a_sub_folder_is_one_range_of_rows(manifest: Manifest, folder: bytes) -> None:
    found = manifest.rows(manifest.folder_range(folder))
    below = folder + b"/" if folder else b""
    assert found.paths == [path for path in manifest.paths if path.startswith(below)]
    assert list(found) == [rows(manifest)[path] for path in found.paths]


@given(MANIFESTS)
def test_content_is_every_digest_that_is_not_an_empty_folder(manifest: Manifest) -> None:
    assert manifest.blob_digests() == {e.digest for e in manifest if e.kind != FOLDER}
    assert split_digests(manifest.digests) == [entry.digest for entry in manifest]


@given(MANIFESTS, PATHS, ENTRIES)
def test_splice_replaces_what_is_at_or_below_a_path_and_keeps_the_rest(
    base: Manifest, path: bytes, entries: list[Entry]
) -> None:
    inside = path + b"/"
    part = from_entries([entry._replace(path=inside + entry.path) for entry in entries])
    needed = {p[:at] for p in part.paths for at, byte in enumerate(p) if byte == ord("/")}
    expected = {
        e.path: e
        for e in base
        if e.path != path and not e.path.startswith(inside) and e.path not in needed
    }
    assert rows(splice(base, path, part)) == expected | rows(part)


@given(MANIFESTS, PATHS)
def test_splicing_nothing_removes_the_path(base: Manifest, path: bytes) -> None:
    left = splice(base, path, EMPTY)
    assert left.find(path) == -1
    assert not left.folder_range(path)


def test_splicing_into_what_was_a_file_leaves_no_file_where_a_folder_must_be() -> None:
    base = from_entries([Entry(b"a", 1, FILE, b"\1" * 32), Entry(b"c", 1, FILE, b"\1" * 32)])
    part = from_entries([Entry(b"a/b/x", 1, FILE, b"\2" * 32)])
    assert splice(base, b"a/b", part).paths == [b"a/b/x", b"c"]


@given(MANIFESTS, MANIFESTS)
def test_compare_equals_the_naive_comparison(old: Manifest, new: Manifest) -> None:
    a, b = rows(old), rows(new)
    found = compare(old, new)
    assert found.added == [b[path] for path in sorted(b.keys() - a.keys())]
    assert found.deleted == [a[path] for path in sorted(a.keys() - b.keys())]
    assert found.modified == [
        (a[path], b[path])
        for path in sorted(a.keys() & b.keys())
        if (a[path].digest, a[path].kind) != (b[path].digest, b[path].kind)
    ]
    assert bool(found) == (
        {p: (e.digest, e.kind) for p, e in a.items()}
        != {p: (e.digest, e.kind) for p, e in b.items()}
    )


def numbered(count: int) -> list[Entry]:
    return [Entry(b"%06d" % n, n, FILE, n.to_bytes(32, "big")) for n in range(1, count + 1)]


@given(
    st.integers(0, 3000),
    st.lists(st.tuples(st.sampled_from("amdkx"), st.integers(0, 3000)), max_size=12),
)
def test_compare_sees_every_change_among_thousands_of_equal_rows(
    count: int, edits: list[tuple[str, int]]
) -> None:
    entries = numbered(count)
    changed = {entry.path: entry for entry in entries}
    for what, at in edits:
        path = b"%06d" % at
        if what == "a":
            changed[path + b"x"] = Entry(path + b"x", 1, FILE, b"\7" * 32)
        elif what == "d":
            changed.pop(path, None)
        elif path in changed:
            digest = b"\7" * 32 if what == "m" else changed[path].digest
            kind = EXECUTABLE if what == "k" else changed[path].kind
            changed[path] = changed[path]._replace(digest=digest, kind=kind)
    old, new = from_entries(entries), from_entries(list(changed.values()))
    found = compare(old, new)
    before = rows(old)
    assert {e.path for e in found.added} == changed.keys() - before.keys()
    assert {e.path for e in found.deleted} == before.keys() - changed.keys()
    assert {b.path for _, b in found.modified} == {
        p for p in changed.keys() & before.keys() if changed[p] != before[p]
    }


def test_the_columns_take_digests_of_another_width() -> None:
    manifest = Manifest(
        paths=[b"a", b"b"], sizes=array("Q", [1, 2]), kinds=b"\0\0", digests=bytes(32), width=16
    )
    assert manifest.digest_at(1) == bytes(16)
    assert not compare(manifest, manifest)
