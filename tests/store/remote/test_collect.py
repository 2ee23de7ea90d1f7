"""A collection condemns what nothing needs, waits, looks again, and only then deletes."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from assay.core.digest import object_digest
from assay.core.manifest import Manifest
from assay.core.prolly import encode
from assay.errors import IntegrityError
from assay.store.cache import Cache
from assay.store.remote.packed.index import INDEX, OBJECTS, PACKS, PINS, TOMBSTONES, tombstone_key
from assay.store.remote.packed.pins import DAY_NS, PinRecord, decode_pin, encode_pin
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.packed.sweep import RemoteCollectReport
from assay.testing.objectstore_memory import Clock, MemoryStore, damage
from remote_caches import BLOB, NODE, add_large, blobs, contents, kinds, make_cache

GRACE_NS = 14 * DAY_NS


@pytest.fixture
def remote(memory: MemoryStore) -> PackedRemote:
    return PackedRemote(memory)


def collect(remote: PackedRemote, live: dict[bytes, int], **more: object) -> RemoteCollectReport:
    report = remote.collect(live, dry_run=False, grace_ns=GRACE_NS, **more)  # type: ignore[arg-type]
    assert report is not None
    return report


def collect_twice(remote: PackedRemote, clock: Clock, live: dict[bytes, int]) -> None:
    """With more time before, between and after than any pin or tombstone lives."""
    for _ in range(2):
        clock.advance(GRACE_NS + DAY_NS)
        collect(remote, live)


def keys(remote: PackedRemote, prefix: str) -> set[str]:
    return {row.key for row in remote.store.list(prefix)}


def test_what_nothing_needs_goes_after_two_looks(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    dead, alive = blobs(10, seed=1), blobs(10, seed=2)
    cache = make_cache(tmp_path / "a", dead, alive)
    large = add_large(cache)
    remote.push(cache, {**kinds(dead), large: BLOB}, roots=[])
    remote.push(cache, kinds(alive), roots=[])
    everything = keys(remote, PACKS) | keys(remote, OBJECTS)

    clock.advance(GRACE_NS + DAY_NS)
    first = collect(remote, kinds(alive))
    assert (first.condemned, first.swept, first.plan.objects) == (2, 0, 11)
    assert keys(remote, PACKS) | keys(remote, OBJECTS) == everything
    assert remote.missing({*dead, large}) == {*dead, large}

    clock.advance(GRACE_NS - 1)
    assert collect(remote, kinds(alive)).swept == 0
    clock.advance(1)
    second = collect(remote, kinds(alive))
    assert second.swept == 2
    assert second.freed_bytes > 700_000
    assert len(keys(remote, PACKS) | keys(remote, OBJECTS)) == 1
    other = Cache(str(tmp_path / "b"))
    assert remote.fetch(other, kinds(alive)).fetched == 10

    collect_twice(remote, clock, kinds(alive))
    assert keys(remote, TOMBSTONES) | keys(remote, PINS) == set()
    assert len(keys(remote, INDEX)) == 2  # one of them only replaces another
    assert remote.missing(set(alive)) == set()


def test_a_dry_run_changes_nothing(
    remote: PackedRemote, clock: Clock, memory: MemoryStore, tmp_path: Path
) -> None:
    dead = blobs(10)
    remote.push(make_cache(tmp_path / "a", dead), kinds(dead), roots=[])
    clock.advance(GRACE_NS + DAY_NS)
    before = dict(memory.files)
    report = remote.collect({}, grace_ns=GRACE_NS)
    assert report is not None
    assert (report.is_applied, report.plan.objects, len(report.plan.condemn)) == (False, 10, 1)
    assert memory.files == before


def test_without_grace_both_looks_are_taken_at_once(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    dead, alive = blobs(10, seed=1), blobs(10, seed=2)
    cache = make_cache(tmp_path / "a", dead, alive)
    remote.push(cache, kinds(dead), roots=[])
    clock.advance(GRACE_NS + DAY_NS)
    remote.push(cache, kinds(alive), roots=[])
    report = remote.collect({}, grace_ns=0, dry_run=False)
    assert report is not None
    assert (report.condemned, report.swept) == (1, 1)
    # The second push's pin is young, whatever Git says.
    assert remote.missing({*dead, *alive}) == dead.keys()


def test_what_a_young_pin_lists_stays(remote: PackedRemote, clock: Clock, tmp_path: Path) -> None:
    objects = blobs(10)
    cache = make_cache(tmp_path / "a", objects)
    large = add_large(cache)
    remote.push(cache, {**kinds(objects), large: BLOB}, roots=[])
    for _ in range(2):
        clock.advance(6 * DAY_NS)
        assert collect(remote, {}).condemned == 0
    clock.advance(3 * DAY_NS)
    assert collect(remote, {}).condemned == 2


def test_manifests_are_followed(remote: PackedRemote, clock: Clock, tmp_path: Path) -> None:
    files, dead = blobs(500, seed=1), blobs(5, seed=2)
    tree = encode(
        Manifest(
            paths=sorted(b"dir%d/file%04d" % (n % 7, n) for n in range(500)),
            sizes=array("Q", map(len, files.values())),
            kinds=bytes(500),
            digests=b"".join(files),
        )
    )
    assert len(tree.nodes) > 1
    cache = make_cache(tmp_path / "a", files, dead)
    with cache.writing():
        cache.put(NODE, tree.nodes)
    wanted = {**kinds(files), **kinds(tree.nodes, kind=NODE)}
    remote.push(cache, {**wanted, **kinds(dead)}, roots=[tree.root])
    collect_twice(remote, clock, {tree.root: NODE})
    clock.advance(GRACE_NS)
    collect(remote, {tree.root: NODE})
    assert remote.missing({*wanted, *dead}) == dead.keys()

    clone = Cache(str(tmp_path / "b"))
    remote.fetch(clone, wanted)
    assert contents(clone, wanted) == {**files, **tree.nodes}


def test_a_damaged_manifest_stops_the_collection(
    remote: PackedRemote, clock: Clock, memory: MemoryStore, tmp_path: Path
) -> None:
    files = blobs(2)
    tree = encode(
        Manifest(
            paths=[b"a", b"b"], sizes=array("Q", [1, 1]), kinds=bytes(2), digests=b"".join(files)
        )
    )
    cache = make_cache(tmp_path / "a", files)
    with cache.writing():
        cache.put(NODE, tree.nodes)
    remote.push(cache, {**kinds(files), tree.root: NODE}, roots=[tree.root])
    for key in keys(remote, PACKS):
        if tree.nodes[tree.root] in memory.files[key][0]:
            damage(memory, key, memory.files[key][0].index(tree.nodes[tree.root]))
    clock.advance(GRACE_NS + DAY_NS)
    with pytest.raises(IntegrityError) as caught:
        collect(remote, {tree.root: NODE})
    assert caught.value.code == "object-damaged"
    assert keys(remote, TOMBSTONES) == set()
    # A cache that knows the manifest is as good.
    assert collect(remote, {tree.root: NODE}, cache=cache).condemned == 0


def test_a_root_that_was_never_pushed_here_is_no_trouble(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    objects = blobs(3)
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    clock.advance(GRACE_NS + DAY_NS)
    assert collect(remote, {bytes(31) + b"x": NODE}).condemned == 1


def test_a_pack_of_which_little_is_needed_is_rewritten(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    objects = blobs(50)
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    (old,) = keys(remote, PACKS)
    kept = dict(list(kinds(objects).items())[:5])
    clock.advance(GRACE_NS + DAY_NS)
    report = collect(remote, kept)
    assert (report.condemned, len(report.plan.rewrite)) == (1, 1)
    assert remote.missing(set(objects)) == objects.keys() - kept
    clock.advance(GRACE_NS)
    collect(remote, kept)
    (new,) = keys(remote, PACKS)
    assert new != old
    other = Cache(str(tmp_path / "b"))
    assert remote.fetch(other, kinds(objects)).missing == objects.keys() - kept
    assert contents(other, kept) == {digest: objects[digest] for digest in kept}


def test_what_is_needed_again_is_copied_out_before_its_pack_goes(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    objects = blobs(50)
    cache = make_cache(tmp_path / "a", objects)
    large = add_large(cache)
    remote.push(cache, {**kinds(objects), large: BLOB}, roots=[])
    clock.advance(GRACE_NS + DAY_NS)
    collect(remote, {})
    clock.advance(GRACE_NS)
    needed = {**dict(list(kinds(objects).items())[:5]), large: BLOB}
    report = collect(remote, needed)
    assert report.swept == 2
    assert remote.missing({*objects, large}) == objects.keys() - needed.keys()
    other = Cache(str(tmp_path / "b"))
    assert remote.fetch(other, needed).fetched == 6
    assert contents(other, needed) == contents(cache, needed)


def test_a_needed_object_that_cannot_be_copied_out_keeps_its_pack(
    remote: PackedRemote, clock: Clock, memory: MemoryStore, tmp_path: Path
) -> None:
    objects = blobs(10)
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    (key,) = keys(remote, PACKS)
    clock.advance(GRACE_NS + DAY_NS)
    collect(remote, {})
    clock.advance(GRACE_NS)
    bad = next(iter(objects))
    damage(memory, key, memory.files[key][0].index(objects[bad]))
    report = collect(remote, kinds(objects))
    assert (report.swept, report.damaged) == (0, {bad})
    assert key in keys(remote, PACKS)
    assert remote.missing(set(objects)) == {bad}


def test_what_a_killed_push_left_goes_when_its_pin_is_old(
    remote: PackedRemote, clock: Clock, tmp_path: Path
) -> None:
    objects = blobs(10)
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    for key in keys(remote, INDEX):
        remote.store.delete(key)
    assert collect(remote, {}).condemned == 0
    collect_twice(remote, clock, {})
    clock.advance(GRACE_NS)
    collect(remote, {})
    assert keys(remote, PACKS) == set()


def test_of_two_copies_one_goes(remote: PackedRemote, clock: Clock, tmp_path: Path) -> None:
    shared, more = blobs(20, seed=1), blobs(20, seed=2)
    remote.push(make_cache(tmp_path / "a", shared), kinds(shared), roots=[])
    (key,) = keys(remote, PACKS)
    remote.store.put(tombstone_key(key), b"")
    remote.push(make_cache(tmp_path / "b", {**shared, **more}), kinds(shared, more), roots=[])
    remote.store.delete(tombstone_key(key))
    assert len(keys(remote, PACKS)) == 2
    collect_twice(remote, clock, kinds(shared, more))
    clock.advance(GRACE_NS)
    collect(remote, kinds(shared, more))
    assert len(keys(remote, PACKS)) == 1
    assert remote.missing({*shared, *more}) == set()


def test_two_places_of_an_object_both_outlive_a_merge(
    remote: PackedRemote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from assay.store.remote.packed import segments

    shared, more = blobs(20, seed=1), blobs(20, seed=2)
    remote.push(make_cache(tmp_path / "a", shared), kinds(shared), roots=[])
    (key,) = keys(remote, PACKS)
    remote.store.put(tombstone_key(key), b"")
    monkeypatch.setattr(segments, "MERGE_ABOVE", 1)
    remote.push(make_cache(tmp_path / "b", {**shared, **more}), kinds(shared, more), roots=[])
    remote.store.delete(tombstone_key(key))
    view = PackedRemote(remote.store).index.load()
    assert all(len(view.copies(digest)) == 2 for digest in shared)


# -- pins -----------------------------------------------------------------------------------


def test_a_pin_survives_being_written() -> None:
    root = object_digest(BLOB, b"x")
    data = encode_pin([root], ["packs/aa/b.pack", "objects/aa/b"])
    assert decode_pin(data, "pins/a.json", 7) == PinRecord(
        key="pins/a.json",
        mtime_ns=7,
        roots=frozenset([root]),
        keys=frozenset(["packs/aa/b.pack", "objects/aa/b"]),
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b'{"format":0}', b'{"format":1,"roots":["zz"],"keys":[]}',
     b'{"format":1,"roots":[],"keys":[1]}', b'{"format":1,"roots":7,"keys":[]}', b"[" * 100_000],
)  # fmt: skip
def test_a_pin_that_cannot_be_read_stops_the_collection(
    remote: PackedRemote, clock: Clock, data: bytes, tmp_path: Path
) -> None:
    objects = blobs(3)
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    clock.advance(GRACE_NS + DAY_NS)
    remote.store.put("pins/x.json", data)
    with pytest.raises(IntegrityError) as caught:
        collect(remote, {})
    assert caught.value.code == "pin-invalid"
    assert keys(remote, TOMBSTONES) == set()


def test_a_pin_of_the_future_stops_the_collection(remote: PackedRemote, clock: Clock) -> None:
    remote.push(Cache("unused"), {}, roots=[])
    remote.store.put("pins/x.json", b'{"format":2}')
    with pytest.raises(IntegrityError) as caught:
        collect(remote, {})
    assert caught.value.code == "store-newer-format"
