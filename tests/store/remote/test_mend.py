"""Verify reads everything and names what is bad; repair mends what the cache has good copies of."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.store.cache import Cache
from assay.store.remote.packed.index import INDEX, OBJECTS, PACKS
from assay.store.remote.packed.pins import DAY_NS
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.plain.remote import PlainRemote
from assay.store.remote.port import Remote
from assay.testing.objectstore_memory import Clock, MemoryStore, damage
from remote_caches import BLOB, NODE, add_large, blobs, contents, kinds, make_cache, nodes


class Shared:
    """A remote with packs, nodes and a large object, and the cache they came from."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self.objects, self.trees = blobs(40, seed=1), nodes(3)
        self.cache = make_cache(folder / "source", self.objects)
        with self.cache.writing():
            self.cache.put(NODE, self.trees)
        self.large = add_large(self.cache)
        self.wanted = {
            **kinds(self.objects),
            **kinds(self.trees, kind=NODE),
            self.large: BLOB,
        }
        remote.push(self.cache, self.wanted, roots=[])


@pytest.fixture(params=["packed", "plain"])
def remote(request: pytest.FixtureRequest, memory: MemoryStore) -> Remote:
    return PackedRemote(memory) if request.param == "packed" else PlainRemote(memory)


@pytest.fixture
def shared(remote: Remote, tmp_path: Path) -> Shared:
    return Shared(remote, tmp_path)


def spoil(memory: MemoryStore, data: bytes) -> str:
    """Damage the stored bytes that equal ``data``, wherever they are; the key."""
    key = next(k for k, (held, _) in sorted(memory.files.items()) if data in held)
    damage(memory, key, memory.files[key][0].index(data))
    return key


def test_a_sound_remote_is_sound(remote: Remote, shared: Shared) -> None:
    report = remote.verify()
    assert report.checked == len(shared.wanted)
    assert report.size_bytes > 700_000
    assert (report.damaged, report.missing, report.invalid) == ({}, set(), [])
    repair = remote.repair(shared.cache)
    assert (repair.repaired, repair.unrepaired) == (0, set())


def test_an_empty_remote_is_sound(remote: Remote, tmp_path: Path) -> None:
    assert remote.verify().checked == 0
    assert remote.repair(Cache(str(tmp_path / "a"))).repaired == 0


def test_a_sample_reads_a_part(remote: Remote, shared: Shared) -> None:
    assert 0 < remote.verify(sample=0.5).checked <= len(shared.wanted)
    assert remote.verify(sample=1.0).checked == len(shared.wanted)


def test_what_is_damaged_is_named_and_mended(
    remote: Remote, shared: Shared, memory: MemoryStore, tmp_path: Path
) -> None:
    node, blob = next(iter(shared.trees)), next(iter(shared.objects))
    large = Path(shared.cache.loose_path(shared.large)).read_bytes()
    where = {
        node: spoil(memory, shared.trees[node]),
        blob: spoil(memory, shared.objects[blob]),
        shared.large: spoil(memory, large),
    }
    names = set(memory.files)
    assert remote.verify().damaged == where
    report = remote.repair(shared.cache)
    assert (report.repaired, report.unrepaired) == (3, set())
    assert remote.verify().damaged == {}
    # Mended in place: same name, same bytes, nothing condemned.
    assert {name for name in memory.files if not name.startswith("pins/")} == {
        name for name in names if not name.startswith("pins/")
    }
    other = Cache(str(tmp_path / "b"))
    remote.fetch(other, shared.wanted)
    assert contents(other, shared.wanted) == contents(shared.cache, shared.wanted)


def test_what_cannot_be_mended_counts_as_missing_until_somebody_pushes_it(
    remote: Remote, shared: Shared, memory: MemoryStore, clock: Clock, tmp_path: Path
) -> None:
    blob = next(iter(shared.objects))
    spoil(memory, shared.objects[blob])
    spoil(memory, Path(shared.cache.loose_path(shared.large)).read_bytes())
    bad = {blob, shared.large}
    report = remote.repair(Cache(str(tmp_path / "empty")))
    assert (report.repaired, report.unrepaired) == (0, bad)
    assert remote.missing(set(shared.wanted)) == bad
    assert remote.verify().damaged == {}

    assert remote.push(shared.cache, shared.wanted, roots=[]).objects == 2
    assert remote.missing(set(shared.wanted)) == set()
    if isinstance(remote, PackedRemote):
        for _ in range(3):
            clock.advance(15 * DAY_NS)
            remote.collect(dict.fromkeys(shared.wanted, BLOB), dry_run=False)
    assert remote.verify().damaged == {}
    other = Cache(str(tmp_path / "b"))
    assert remote.fetch(other, shared.wanted).fetched == len(shared.wanted)


# -- what only a packed remote has ------------------------------------------------------------


@pytest.fixture
def packed(memory: MemoryStore) -> PackedRemote:
    return PackedRemote(memory)


def only(memory: MemoryStore, prefix: str) -> list[str]:
    return sorted(key for key in memory.files if key.startswith(prefix))


@pytest.mark.parametrize("at", [0, -1, -30, -100], ids=["header", "end", "id", "rows"])
def test_a_pack_that_is_not_readable_alone_is_mended(
    packed: PackedRemote, memory: MemoryStore, at: int, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    key = only(memory, PACKS)[0]
    damage(memory, key, at)
    report = packed.verify()
    assert (report.invalid, report.damaged) == ([key], {})
    packed.repair(Cache(str(tmp_path / "empty")))
    assert packed.verify().invalid == []
    assert packed.missing(set(shared.wanted)) == set()


def test_a_pack_that_is_gone_is_sent_again(
    packed: PackedRemote, memory: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    memory.files.pop(only(memory, PACKS)[0])
    missing = packed.missing(set(shared.wanted))
    assert missing
    assert packed.verify().missing == missing
    report = packed.repair(shared.cache)
    assert (report.repaired, report.unrepaired) == (len(missing), set())
    assert packed.missing(set(shared.wanted)) == set()
    assert packed.verify().missing == set()


def test_a_pack_that_is_gone_for_good_leaves_the_index(
    packed: PackedRemote, memory: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    memory.files.pop(only(memory, PACKS)[0])
    missing = packed.missing(set(shared.wanted))
    assert packed.repair(Cache(str(tmp_path / "empty"))).unrepaired == missing
    assert packed.verify().missing == set()
    assert packed.missing(set(shared.wanted)) == missing


def test_a_damaged_segment_is_rebuilt_from_the_packs(
    packed: PackedRemote, memory: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    (key,) = only(memory, INDEX)
    damage(memory, key, 500)
    assert PackedRemote(memory).verify().invalid == [key]
    PackedRemote(memory).repair(Cache(str(tmp_path / "empty")))
    fresh = PackedRemote(memory)
    assert fresh.missing(set(shared.wanted)) == set()
    assert fresh.verify().invalid == []


def test_a_lost_index_is_rebuilt_by_pushing_without_sending(
    packed: PackedRemote, memory: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    packs = {key: memory.files[key] for key in only(memory, PACKS)}
    for key in only(memory, INDEX):
        memory.files.pop(key)
    fresh = PackedRemote(memory)
    fresh.push(shared.cache, shared.wanted, roots=[])
    assert fresh.missing(set(shared.wanted)) == set()
    assert {key: memory.files[key] for key in only(memory, PACKS)} == packs


def test_a_damaged_large_object_is_replaced_in_place(
    packed: PackedRemote, memory: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(packed, tmp_path)
    (key,) = only(memory, OBJECTS)
    memory.files[key] = (b"short", 0)
    assert packed.verify().damaged == {shared.large: key}
    assert packed.repair(shared.cache).repaired == 1
    assert only(memory, OBJECTS) == [key]
    assert packed.verify().damaged == {}
