"""What every object store must do: a test class to inherit, given a fixture ``store``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.errors import Bug, IntegrityError, NotFound
from assay.store.objectstore.port import Buffer, ObjectStore

LARGE = bytes(range(256)) * (9 << 12)


def keys_of(store: ObjectStore, prefix: str = "") -> set[str]:
    """The keys in a listing."""
    return {row.key for row in store.list(prefix)}


class ObjectStoreSuite:
    """Inherit, and define a fixture ``store`` that gives an empty store."""

    # -- bytes ----------------------------------------------------------------------------

    @pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one byte", "large"])
    def test_what_was_put_is_what_is_got(self, store: ObjectStore, data: bytes) -> None:
        assert store.put("a/b.c_d-e", data)
        assert store.get("a/b.c_d-e") == data
        stat = store.head("a/b.c_d-e")
        assert stat is not None
        assert stat.size == len(data)

    def test_a_put_replaces(self, store: ObjectStore) -> None:
        store.put("k", b"a long first value")
        store.put("k", b"second")
        assert store.get("k") == b"second"

    def test_any_buffer_can_be_put(self, store: ObjectStore) -> None:
        store.put("k", memoryview(bytearray(b"_value_"))[1:-1])
        assert store.get("k") == b"value"

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [(0, 3, b"012"), (4, 3, b"456"), (8, 9, b"89"), (10, 1, b""), (99, 5, b""), (3, 0, b"")],
    )
    def test_a_range_ends_with_the_object(
        self, store: ObjectStore, start: int, length: int, expected: bytes
    ) -> None:
        store.put("k", b"0123456789")
        assert store.get_range("k", start, length) == expected

    def test_blocks_are_joined_though_their_buffer_is_reused(self, store: ObjectStore) -> None:
        def blocks() -> Iterator[Buffer]:
            buffer = bytearray(1000)
            for turn in range(5):
                buffer[:] = bytes([turn]) * 1000
                yield memoryview(buffer)

        assert store.put_blocks("k", blocks()) == 5000
        assert store.get("k") == b"".join(bytes([turn]) * 1000 for turn in range(5))

    @pytest.mark.parametrize("before", [None, b"old"])
    def test_an_error_in_the_blocks_leaves_the_key_as_it_was(
        self, store: ObjectStore, before: bytes | None
    ) -> None:
        if before is not None:
            store.put("k", before)

        def blocks() -> Iterator[Buffer]:
            yield b"half"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.put_blocks("k", blocks())
        assert keys_of(store) == ({"k"} if before is not None else set())
        if before is not None:
            assert store.get("k") == before

    def test_files_travel_both_ways(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "out").write_bytes(LARGE)
        store.put_file("dir/k", str(tmp_path / "out"))
        store.get_file("dir/k", str(tmp_path / "in"), len(LARGE))
        assert (tmp_path / "in").read_bytes() == LARGE

    def test_a_file_of_another_size_is_refused(self, store: ObjectStore, tmp_path: Path) -> None:
        store.put("k", b"123")
        with pytest.raises(IntegrityError) as caught:
            store.get_file("k", str(tmp_path / "in"), 4)
        assert caught.value.code == "remote-size-differs"

    def test_many_are_put_at_once(self, store: ObjectStore) -> None:
        items = {f"d{n % 7}/k{n}": b"%d" % n for n in range(100)}
        assert store.put_many(iter(items.items())) == 100
        assert {key: store.get(key) for key in keys_of(store)} == items

    def test_a_copy_has_the_same_bytes(self, store: ObjectStore) -> None:
        store.put("a/k", b"value")
        store.copy("a/k", "b/k")
        assert (store.get("a/k"), store.get("b/k")) == (b"value", b"value")

    # -- absence --------------------------------------------------------------------------

    def test_what_is_absent_is_said_to_be(self, store: ObjectStore, tmp_path: Path) -> None:
        store.put("a/other", b"")
        assert store.head("a/k") is None
        assert store.head("b/k") is None
        for read in (
            lambda: store.get("a/k"),
            lambda: store.get_range("b/k", 0, 1),
            lambda: store.get_file("a/k", str(tmp_path / "in"), 1),
            lambda: store.copy("a/k", "a/l"),
        ):
            with pytest.raises(NotFound) as caught:
                read()
            assert caught.value.code == "remote-object-missing"

    def test_a_key_is_not_a_folder(self, store: ObjectStore) -> None:
        store.put("a/b", b"")
        assert store.head("a") is None
        assert store.head("a/b/c") is None

    def test_deleting_twice_is_fine(self, store: ObjectStore) -> None:
        store.put("a/k", b"")
        store.delete("a/k")
        store.delete("a/k")
        store.delete("never/was")
        assert keys_of(store) == set()

    # -- listing --------------------------------------------------------------------------

    def test_a_listing_follows_prefixes_of_names(self, store: ObjectStore) -> None:
        for key in ("a/b", "a/bc", "a/c/d", "ab", "b/a"):
            store.put(key, key.encode())
        assert keys_of(store) == {"a/b", "a/bc", "a/c/d", "ab", "b/a"}
        assert keys_of(store, "a") == {"a/b", "a/bc", "a/c/d", "ab"}
        assert keys_of(store, "a/") == {"a/b", "a/bc", "a/c/d"}
        assert keys_of(store, "a/b") == {"a/b", "a/bc"}
        assert keys_of(store, "a/c/") == {"a/c/d"}
        assert keys_of(store, "nothing/") == set()

    def test_a_listing_says_what_head_says(self, store: ObjectStore) -> None:
        store.put("a/k", b"value")
        (row,) = store.list("a/")
        assert (row.size, row.mtime_ns) == store.head("a/k")

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "é"])
    def test_what_is_not_a_key_is_a_bug(self, store: ObjectStore, key: str) -> None:
        with pytest.raises(Bug):
            store.put(key, b"")
        with pytest.raises(Bug):
            store.get(key)

    # -- time -----------------------------------------------------------------------------

    def test_times_are_by_the_stores_clock(self, store: ObjectStore) -> None:
        before = store.now_ns()
        store.put("k", b"")
        stat = store.head("k")
        assert stat is not None
        assert before <= stat.mtime_ns <= store.now_ns()

    def test_asking_the_time_leaves_nothing(self, store: ObjectStore) -> None:
        store.now_ns()
        assert keys_of(store) == set()

    # -- several at once ------------------------------------------------------------------

    def test_only_one_creates(self, store: ObjectStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            turns = list(
                pool.map(lambda n: store.put("format", b"%d" % n, create_only=True), range(8))
            )
        assert turns.count(True) == 1
        assert store.get("format") == b"%d" % turns.index(True)

    def test_a_reader_sees_the_old_bytes_or_the_new(self, store: ObjectStore) -> None:
        values = [bytes([turn]) * 100_000 for turn in range(2)]
        store.put("k", values[0])
        stop = threading.Event()

        def write() -> None:
            turn = 0
            while not stop.is_set():
                turn = 1 - turn
                store.put("k", values[turn])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(30):
                assert store.get("k") in values
        finally:
            stop.set()
            writer.join()

    def test_the_same_key_can_be_put_by_many(self, store: ObjectStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: store.put("packs/aa/k", LARGE), range(8)))
        assert store.get("packs/aa/k") == LARGE

    def test_unfinished_writes_can_be_swept(self, store: ObjectStore) -> None:
        store.put("k", b"kept")
        assert store.sweep_unfinished(store.now_ns()) == 0
        assert keys_of(store) == {"k"}
