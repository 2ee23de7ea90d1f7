"""A packed remote gives back what was pushed, sends only what is missing, and stays an index."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from assay.errors import IntegrityError, NotFound
from assay.store.cache import Cache
from assay.store.objectstore.local import LocalStore
from assay.store.remote.packed.index import PACKS, PINS, RemoteIndex, pack_key, tombstone_key
from assay.store.remote.packed.pins import DAY_NS, LIFETIME_NS
from assay.store.remote.packed.remote import FORMAT_KEY, PackedRemote
from assay.testing.objectstore_memory import Clock, MemoryStore
from remote_caches import (
    BLOB,
    NODE,
    add_large,
    blobs,
    contents,
    kinds,
    make_cache,
    nodes,
)


def push(remote: PackedRemote, cache: Cache, wanted: dict[bytes, int]) -> int:
    return remote.push(cache, wanted, roots=list(wanted)[:1]).objects


def pack_keys(remote: PackedRemote) -> set[str]:
    return {row.key for row in remote.store.list(PACKS)}


def test_what_was_pushed_arrives_in_another_cache(packed: PackedRemote, tmp_path: Path) -> None:
    small, trees = blobs(300), nodes(5)
    cache = make_cache(tmp_path / "a", small)
    with cache.writing():
        cache.put(NODE, trees)
    large = add_large(cache)
    wanted = {**kinds(small), **kinds(trees, kind=NODE), large: BLOB}
    report = packed.push(cache, wanted, roots=list(trees))
    assert report.objects == len(wanted)
    assert report.packs == 2
    assert packed.missing(set(wanted)) == set()

    other = Cache(str(tmp_path / "b"))
    fetched = packed.fetch(other, wanted)
    assert (fetched.fetched, fetched.missing, fetched.damaged) == (len(wanted), set(), {})
    assert contents(other, wanted) == contents(cache, wanted)
    assert packed.fetch(other, wanted).fetched == 0


def test_a_second_push_sends_nothing_and_a_third_only_the_new(
    packed: PackedRemote, tmp_path: Path
) -> None:
    old, new = blobs(50, seed=1), blobs(50, seed=2)
    cache = make_cache(tmp_path / "a", old, new)
    assert push(packed, cache, kinds(old)) == 50
    before = pack_keys(packed)
    assert push(packed, cache, kinds(old)) == 0
    assert pack_keys(packed) == before
    assert packed.missing(kinds(old, new).keys()) == new.keys()
    assert push(packed, cache, kinds(old, new)) == 50


def test_a_pack_that_is_mostly_wanted_travels_as_it_is(
    packed: PackedRemote, tmp_path: Path
) -> None:
    objects = blobs(100, size=2000)
    cache = make_cache(tmp_path / "a", objects)
    wanted = dict(list(kinds(objects).items())[:95])
    push(packed, cache, wanted)
    (local,) = (tmp_path / "a" / "packs").glob("*/*.pack")
    (key,) = pack_keys(packed)
    assert key.endswith(local.name)
    assert packed.store.get(key) == local.read_bytes()
    other = Cache(str(tmp_path / "b"))
    packed.fetch(other, wanted)
    (copy,) = (tmp_path / "b" / "packs").glob("*/*.pack")
    assert copy.name == local.name


def test_of_other_packs_only_what_is_wanted_travels(packed: PackedRemote, tmp_path: Path) -> None:
    first, second = blobs(100, seed=1, size=2000), blobs(100, seed=2, size=2000)
    cache = make_cache(tmp_path / "a", first, second)
    wanted = dict.fromkeys([*list(first)[::3], *list(second)[::4]], BLOB)
    report = packed.push(cache, wanted, roots=[])
    assert (report.objects, report.packs) == (len(wanted), 1)
    assert packed.missing(kinds(first, second).keys()) == kinds(first, second).keys() - wanted
    some = dict(list(wanted.items())[::2])
    other = Cache(str(tmp_path / "b"))
    assert packed.fetch(other, some).fetched == len(some)
    assert contents(other, some) == contents(cache, some)


def test_small_loose_objects_travel_in_packs(packed: PackedRemote, tmp_path: Path) -> None:
    cache = make_cache(tmp_path / "a")
    wanted = {add_large(cache, size, seed=size): BLOB for size in (1, 10, 1000, 300_000)}
    report = packed.push(cache, wanted, roots=[])
    assert (report.objects, report.packs) == (4, 1)
    other = Cache(str(tmp_path / "b"))
    packed.fetch(other, wanted)
    assert contents(other, wanted) == contents(cache, wanted)


def test_an_empty_object_travels(packed: PackedRemote, tmp_path: Path) -> None:
    empty = {bytes.fromhex("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"): b""}
    cache = make_cache(tmp_path / "a", empty)
    push(packed, cache, kinds(empty))
    other = Cache(str(tmp_path / "b"))
    packed.fetch(other, kinds(empty))
    assert contents(other, kinds(empty)) == empty


def test_one_object_can_be_read_without_fetching(packed: PackedRemote, tmp_path: Path) -> None:
    trees = nodes(3)
    cache = make_cache(tmp_path / "a", trees, kind=NODE)
    push(packed, cache, kinds(trees, kind=NODE))
    for digest, data in trees.items():
        assert packed.read_object(digest, NODE) == data
        with pytest.raises(IntegrityError):
            packed.read_object(digest, BLOB)  # one kind is never passed off as another
    with pytest.raises(NotFound) as caught:
        packed.read_object(bytes(32), NODE)
    assert caught.value.code == "remote-object-missing"


def test_what_nobody_pushed_is_missing(packed: PackedRemote, tmp_path: Path) -> None:
    objects = blobs(3)
    cache = Cache(str(tmp_path / "a"))
    if isinstance(packed.store, LocalStore):
        packed.store.create()
    assert packed.missing(set(objects)) == objects.keys()
    assert packed.fetch(cache, kinds(objects)).missing == objects.keys()
    push(packed, make_cache(tmp_path / "b", objects), kinds(objects))
    other = blobs(2, seed=9)
    assert packed.fetch(cache, kinds(objects, other)).missing == other.keys()


def test_an_object_that_the_cache_lacks_stops_the_push(
    packed: PackedRemote, tmp_path: Path
) -> None:
    objects = blobs(3)
    cache = make_cache(tmp_path / "a", objects)
    with pytest.raises(NotFound) as caught:
        push(packed, cache, {**kinds(objects), bytes(32): BLOB})
    assert caught.value.code == "object-missing"
    assert packed.missing(set(objects)) == objects.keys()
    assert list(packed.store.list(PINS)) == []


def test_a_damaged_local_object_never_reaches_the_remote(
    packed: PackedRemote, tmp_path: Path
) -> None:
    objects = blobs(100, size=2000)
    cache = make_cache(tmp_path / "a", objects)
    (pack,) = (tmp_path / "a" / "packs").glob("*/*.pack")
    victim = cache.locate(list(objects)[50])
    assert victim is not None
    flip(pack, victim.offset)
    with pytest.raises(IntegrityError) as caught:
        push(packed, cache, kinds(objects))
    assert caught.value.code == "object-damaged"
    assert victim.digest.hex() in caught.value.what
    assert pack_keys(packed) == set()
    assert packed.missing(set(objects)) == objects.keys()

    # What is not damaged can be pushed, out of the same pack.
    good = {digest: BLOB for digest in objects if digest != victim.digest}
    assert push(packed, cache, good) == len(good)
    assert packed.missing(set(objects)) == {victim.digest}


def test_a_damaged_large_object_never_reaches_the_remote(
    packed: PackedRemote, tmp_path: Path
) -> None:
    cache = make_cache(tmp_path / "a")
    digest = add_large(cache, 9_000_000)
    flip(Path(cache.loose_path(digest)), 8_999_999)
    with pytest.raises(IntegrityError):
        push(packed, cache, {digest: BLOB})
    assert packed.missing({digest}) == {digest}


def flip(path: Path, at: int) -> None:
    os.chmod(path, 0o644)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_row_counts_only_with_its_pack(packed: PackedRemote, tmp_path: Path) -> None:
    first, second = blobs(20, seed=1), blobs(20, seed=2)
    cache = make_cache(tmp_path / "a", first, second)
    push(packed, cache, kinds(first))
    (gone,) = pack_keys(packed)
    push(packed, cache, kinds(second))
    data = packed.store.get(gone)
    packed.store.put(gone, data[:-1])
    assert packed.missing(kinds(first, second).keys()) == first.keys()
    packed.store.delete(gone)
    assert packed.missing(kinds(first, second).keys()) == first.keys()
    assert push(packed, cache, kinds(first, second)) == 20
    assert packed.missing(kinds(first, second).keys()) == set()
    assert packed.store.get(gone) == data


def test_a_tombstoned_name_is_dead(packed: PackedRemote, tmp_path: Path) -> None:
    objects = blobs(20)
    cache = make_cache(tmp_path / "a", objects)
    large = add_large(cache)
    wanted = {**kinds(objects), large: BLOB}
    push(packed, cache, wanted)
    condemned = {row.key for row in packed.store.list("") if row.key[0] in "po"} - {
        row.key for row in packed.store.list(PINS)
    }
    for key in condemned:
        packed.store.put(tombstone_key(key), b"")
    assert packed.missing(set(wanted)) == wanted.keys()
    # Readers are served as long as anything is there; a push sends all again, by other names.
    assert packed.fetch(Cache(str(tmp_path / "b")), wanted).fetched == len(wanted)
    assert push(packed, cache, wanted) == len(wanted)
    assert packed.missing(set(wanted)) == set()
    for key in condemned:
        packed.store.delete(key)
    assert packed.missing(set(wanted)) == set()
    assert packed.fetch(Cache(str(tmp_path / "c")), wanted).fetched == len(wanted)


def test_a_pack_left_by_a_killed_push_is_not_sent_twice(
    packed: PackedRemote, tmp_path: Path
) -> None:
    objects = blobs(50)
    cache = make_cache(tmp_path / "a", objects)
    push(packed, cache, kinds(objects))
    (key,) = pack_keys(packed)
    stamp = packed.store.head(key)
    for row in list(packed.store.list("index/")):
        packed.store.delete(row.key)
    assert packed.missing(set(objects)) == objects.keys()
    push(packed, cache, kinds(objects))
    assert packed.missing(set(objects)) == set()
    assert packed.store.head(key) == stamp


def test_many_pushes_leave_few_segments(memory: MemoryStore, tmp_path: Path) -> None:
    remote = PackedRemote(memory, state_dir=str(tmp_path / "state"))
    everything: dict[bytes, int] = {}
    for seed in range(40):
        objects = blobs(5, seed=seed)
        push(remote, make_cache(tmp_path / str(seed), objects), kinds(objects))
        everything |= kinds(objects)
    assert len(RemoteIndex(memory, None).load().segments) <= 17
    assert remote.missing(set(everything)) == set()
    assert PackedRemote(memory).missing(set(everything)) == set()
    cache = Cache(str(tmp_path / "all"))
    assert remote.fetch(cache, everything).fetched == len(everything)


def test_a_segment_that_a_merge_replaced_does_not_hide_its_equal(
    memory: MemoryStore, tmp_path: Path
) -> None:
    remote = PackedRemote(memory)
    objects = blobs(5)
    cache = make_cache(tmp_path / "a", objects)
    push(remote, cache, kinds(objects))
    for seed in range(1, 20):
        other = blobs(5, seed=seed)
        push(remote, make_cache(tmp_path / str(seed), other), kinds(other))
    (key,) = (pack_key(p) for p in RemoteIndex(memory, None).load().packs if holds(cache, p))
    memory.delete(key)
    push(remote, cache, kinds(objects))
    assert remote.missing(set(objects)) == set()
    assert PackedRemote(memory).missing(set(objects)) == set()


def holds(cache: Cache, pack_id: bytes) -> bool:
    return os.path.exists(cache.pack_path(pack_id))


# -- pins -----------------------------------------------------------------------------------


def test_a_push_pins_its_roots_and_everything_it_relies_on(
    memory: MemoryStore, tmp_path: Path
) -> None:
    old, new = blobs(20, seed=1), blobs(20, seed=2)
    cache = make_cache(tmp_path / "a", old, new)
    large = add_large(cache)
    remote = PackedRemote(memory)
    remote.push(cache, kinds(old), roots=[])
    first = {row.key for row in memory.list(PINS)}
    remote.push(cache, {**kinds(old, new), large: BLOB}, roots=[large])
    (key,) = {row.key for row in memory.list(PINS)} - first
    pin = json.loads(memory.get(key))
    assert pin["roots"] == [large.hex()]
    assert set(pin["keys"]) == {
        row.key for row in memory.list("") if row.key.startswith((PACKS, "objects/"))
    }


def test_a_push_whose_pin_ran_out_starts_over(clock: Clock, tmp_path: Path) -> None:
    store = MemoryStore(clock)
    naps = iter([LIFETIME_NS + DAY_NS])

    def observe(operation: str, key: str) -> None:
        if operation == "put" and key.startswith(PACKS):
            clock.advance(next(naps, 0))

    objects = blobs(20)
    cache = make_cache(tmp_path / "a", objects)
    push(PackedRemote(store.watched(observe)), cache, kinds(objects))
    pins = list(store.list(PINS))
    assert len(pins) == 2
    assert max(pin.mtime_ns for pin in pins) == clock()
    assert PackedRemote(store).missing(set(objects)) == set()


# -- the place --------------------------------------------------------------------------------


def test_a_remote_of_a_newer_format_is_refused(packed: PackedRemote, tmp_path: Path) -> None:
    packed.store.create()
    packed.store.put(FORMAT_KEY, b'{"format": 2, "layout": "packed"}')
    objects = blobs(1)
    cache = make_cache(tmp_path / "a", objects)
    for use in (
        lambda: packed.missing(set(objects)),
        lambda: push(packed, cache, kinds(objects)),
        lambda: packed.fetch(cache, kinds(blobs(1, seed=2))),
    ):
        with pytest.raises(IntegrityError) as caught:
            use()
        assert caught.value.code == "store-newer-format"
    assert [row.key for row in packed.store.list("")] == [FORMAT_KEY]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b'{"format": "1"}', b'{"format": 1, "layout": "plain"}']
)
def test_a_folder_that_is_something_else_is_refused(packed: PackedRemote, content: bytes) -> None:
    packed.store.create()
    packed.store.put(FORMAT_KEY, content)
    with pytest.raises(IntegrityError) as caught:
        packed.missing({bytes(32)})
    assert caught.value.code == "remote-invalid"


def test_an_unmounted_remote_is_not_made_anew(tmp_path: Path) -> None:
    objects = blobs(3)
    cache = make_cache(tmp_path / "a", objects)
    place, state = tmp_path / "nas", str(tmp_path / "state")
    push(PackedRemote(LocalStore(str(place)), state_dir=state), cache, kinds(objects))
    shutil.rmtree(place)
    for _ in range(2):  # gone, then an empty mount point
        for use in (
            lambda remote: remote.missing(set(objects)),
            lambda remote: push(remote, cache, kinds(objects)),
            lambda remote: remote.fetch(Cache(str(tmp_path / "b")), kinds(objects)),
        ):
            with pytest.raises(NotFound) as caught:
                use(PackedRemote(LocalStore(str(place)), state_dir=state))
            assert caught.value.code == "remote-missing"
        place.mkdir(exist_ok=True)
    assert list(place.iterdir()) == []


def test_the_state_folder_may_vanish_or_lie(tmp_path: Path) -> None:
    objects = blobs(300)
    cache = make_cache(tmp_path / "a", objects)
    state = tmp_path / "state"
    store = LocalStore(str(tmp_path / "remote"))
    push(PackedRemote(store, state_dir=str(state)), cache, kinds(objects))
    assert PackedRemote(store, state_dir=str(state)).missing(set(objects)) == set()
    (copy,) = (state / "index").iterdir()
    for content in (b"", b"junk", copy.read_bytes()[:-1], copy.read_bytes()[:-40] + bytes(40)):
        copy.write_bytes(content)
        assert PackedRemote(store, state_dir=str(state)).missing(set(objects)) == set()
    shutil.rmtree(state)
    assert PackedRemote(store, state_dir=str(state)).missing(set(objects)) == set()
