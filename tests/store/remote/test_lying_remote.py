"""Whatever a remote serves, a cache holds only what matches its digest, and the rest arrives."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import AssayError, IntegrityError
from assay.store.cache import Cache
from assay.store.remote.packed.index import INDEX, OBJECTS, PACKS
from assay.store.remote.packed.pins import PINS
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.plain.remote import PlainRemote
from assay.store.remote.plain.transfer import PlainPlace
from assay.store.remote.port import Remote
from assay.store.segments import encode_segment
from assay.testing.objectstore_memory import Clock, MemoryStore, damage
from remote_caches import BLOB, NODE, add_large, blobs, contents, kinds, make_cache, nodes

Harm = Callable[[MemoryStore, str], None]


def flipped_at(share: float) -> Harm:
    def harm(store: MemoryStore, key: str) -> None:
        damage(store, key, int(len(store.files[key][0]) * share))

    return harm


def replaced(change: Callable[[bytes], bytes]) -> Harm:
    def harm(store: MemoryStore, key: str) -> None:
        data, mtime_ns = store.files[key]
        store.files[key] = (change(data), mtime_ns)

    return harm


def gone(store: MemoryStore, key: str) -> None:
    store.files.pop(key)


def swapped(store: MemoryStore, key: str) -> None:
    top = key.split("/")[0]
    other = max(k for k in store.files if k.startswith(top) and k != key)
    store.files[key], store.files[other] = store.files[other], store.files[key]


HARMS: dict[str, Harm] = {
    "flipped at the start": flipped_at(0),
    "flipped in the first quarter": flipped_at(0.25),
    "flipped in the middle": flipped_at(0.5),
    "flipped in the last quarter": flipped_at(0.75),
    "flipped at the end": flipped_at(0.999999),
    "cut in half": replaced(lambda data: data[: len(data) // 2]),
    "cut by one": replaced(lambda data: data[:-1]),
    "empty": replaced(lambda data: b""),
    "longer": replaced(lambda data: data + b"x"),
    "zeros": replaced(lambda data: bytes(len(data))),
    "noise": replaced(lambda data: random.Random(5).randbytes(len(data))),
    "swapped with another": swapped,
    "gone": gone,
}


class Shared:
    """A remote with two packs and two large objects, and the cache they came from."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.remote = remote
        first, second, trees = blobs(60, seed=1), blobs(60, seed=2), nodes(3)
        self.cache = make_cache(folder / "source", first, second)
        with self.cache.writing():
            self.cache.put(NODE, trees)
        self.large = {add_large(self.cache, seed=n): BLOB for n in range(2)}
        self.wanted = {**kinds(first, second), **kinds(trees, kind=NODE), **self.large}
        remote.push(self.cache, self.wanted, roots=list(trees))
        self.truth = contents(self.cache, self.wanted)

    def assert_sound(self, cache: Cache, wanted: dict[bytes, int], report: object) -> None:
        """Everything wanted is right, or named as missing or damaged."""
        damaged, missing = report.damaged.keys(), report.missing  # type: ignore[attr-defined]
        assert not damaged & missing
        good = {d: kind for d, kind in wanted.items() if d not in damaged | missing}
        assert contents(cache, good) == {digest: self.truth[digest] for digest in good}
        assert cache.missing(wanted) == damaged | missing
        assert damaged | missing <= wanted.keys()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(Clock())


@pytest.fixture
def shared(store: MemoryStore, tmp_path: Path) -> Shared:
    return Shared(tmp_path, PackedRemote(store))


def victims(store: MemoryStore, prefix: str) -> list[str]:
    return sorted(key for key in store.files if key.startswith(prefix))


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
@pytest.mark.parametrize("prefix", [PACKS, OBJECTS])
@pytest.mark.parametrize("share", [1, 3])
def test_bad_bytes_of_a_packed_remote_never_arrive(
    harm: Harm, prefix: str, share: int, store: MemoryStore, shared: Shared, tmp_path: Path
) -> None:
    harm(store, victims(store, prefix)[0])
    wanted = dict(list(shared.wanted.items())[::share])
    cache = Cache(str(tmp_path / "target"))
    report = PackedRemote(store).fetch(cache, wanted)
    shared.assert_sound(cache, wanted, report)
    # At most one pack or object was touched (two by the swap): the others arrive.
    assert report.fetched >= 20


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_a_bad_index_is_an_error_or_harmless(
    harm: Harm, store: MemoryStore, shared: Shared, tmp_path: Path
) -> None:
    extra = blobs(5, seed=7)
    PackedRemote(store).push(make_cache(tmp_path / "b", extra), kinds(extra), roots=[])
    harm(store, victims(store, INDEX)[0])
    cache = Cache(str(tmp_path / "target"))
    try:
        report = PackedRemote(store).fetch(cache, shared.wanted)
    except IntegrityError:
        assert cache.missing(shared.wanted) == shared.wanted.keys()
    else:
        shared.assert_sound(cache, shared.wanted, report)


def test_an_index_that_lies_is_found_out(
    store: MemoryStore, shared: Shared, tmp_path: Path
) -> None:
    """Rows that are well-formed and checksummed, and place objects where others are."""
    view = PackedRemote(store).index.load()
    rows = [row for segment in view.segments for row in segment.rows()]
    places = [row[32:] for row in rows]
    random.Random(1).shuffle(places)
    lies = [row[:32] + place for row, place in zip(rows, places, strict=True)]
    lies[0] = lies[0][:40] + b"\xff" * 8 + lies[0][48:]  # far outside the pack
    lies[1] = lies[1][:48] + b"\xff" * 8 + lies[1][56:]  # four gigabytes long
    packs = [pack for segment in view.segments for pack in segment.packs.items()]
    segment_id, data = encode_segment(packs, lies, supersedes=[s.id for s in view.segments])
    store.put(f"{INDEX}{segment_id.hex()}.seg", data)

    wanted = dict(list(shared.wanted.items())[::2])
    cache = Cache(str(tmp_path / "target"))
    report = PackedRemote(store).fetch(cache, wanted)
    shared.assert_sound(cache, wanted, report)
    assert report.damaged
    for digest, kind in wanted.items():
        try:
            assert PackedRemote(store).read_object(digest, kind) == shared.truth[digest]
        except AssayError:
            continue


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_bad_bytes_of_a_plain_remote_never_arrive(
    harm: Harm, store: MemoryStore, tmp_path: Path
) -> None:
    shared = Shared(tmp_path, PlainRemote(store))
    place = PlainPlace(store, "files/blake3/")
    for digest in (next(iter(shared.wanted)), next(iter(shared.large))):
        harm(store, place.key(digest))
    cache = Cache(str(tmp_path / "target"))
    report = PlainRemote(store).fetch(cache, shared.wanted)
    shared.assert_sound(cache, shared.wanted, report)
    assert report.fetched >= len(shared.wanted) - 3


def test_a_good_second_copy_is_used(store: MemoryStore, shared: Shared, tmp_path: Path) -> None:
    digest = next(iter(shared.wanted))
    other = make_cache(tmp_path / "b", {digest: shared.truth[digest], **blobs(30, seed=8)})
    hidden = {key: store.files.pop(key) for key in victims(store, INDEX)}
    PackedRemote(store).push(other, {digest: BLOB}, roots=[])
    store.files.update(hidden)
    view = PackedRemote(store).index.load()
    first, _ = (view.pack_id(place.pack).hex() for place in view.copies(digest))
    key = f"{PACKS}{first[:2]}/{first}.pack"
    damage(store, key, store.files[key][0].index(shared.truth[digest]))
    cache = Cache(str(tmp_path / "target"))
    report = PackedRemote(store).fetch(cache, shared.wanted)
    assert (report.missing, report.damaged) == (set(), {})
    assert contents(cache, shared.wanted) == shared.truth


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    harms=st.lists(
        st.tuples(st.integers(0), st.sampled_from(sorted(HARMS))), min_size=1, max_size=6
    ),
    share=st.integers(1, 4),
)
def test_any_harm_to_any_file_is_an_error_or_harmless(
    harms: list[tuple[int, str]],
    share: int,
    store: MemoryStore,
    shared: Shared,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other = MemoryStore(store.clock)
    other.files.update({k: v for k, v in store.files.items() if not k.startswith(PINS)})
    for at, name in harms:
        keys = sorted(other.files)
        try:
            HARMS[name](other, keys[at % len(keys)])
        except (ValueError, ZeroDivisionError, IndexError):
            continue  # nothing left there to harm
    wanted = dict(list(shared.wanted.items())[::share])
    cache = Cache(str(tmp_path_factory.mktemp("any") / "target"))
    try:
        report = PackedRemote(other).fetch(cache, wanted)
    except IntegrityError:
        assert cache.missing(wanted) == wanted.keys()
    else:
        shared.assert_sound(cache, wanted, report)
