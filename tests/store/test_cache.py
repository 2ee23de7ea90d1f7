"""The cache: what went in comes out, what is gone counts as missing, many may write at once."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core.digest import ObjectKind, object_digest
from assay.errors import IntegrityError, NotFound, Temporary
from assay.store.cache import Cache
from assay.store.ingest import write_loose
from assay.store.packs import read_rows
from store_folders import Disk, blob, check_everything, store


def fresh(cache: Cache) -> Cache:
    """The same folder as another process would open it."""
    return Cache(cache.root)


def only_pack(cache: Cache) -> Path:
    (path,) = Path(cache.packs_folder).rglob("*.pack")
    path.chmod(0o644)
    return path


# -- layout ---------------------------------------------------------------------------------


def test_a_new_cache_says_its_format(tmp_path: Path) -> None:
    Cache(str(tmp_path / "deep" / "cache")).ensure()
    text = (tmp_path / "deep" / "cache" / "format.json").read_text()
    assert json.loads(text) == {"format": 1}


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"format": "1"}', "{}", "[" * 9000, "\xff"])
def test_a_format_that_cannot_be_read_is_refused(cache: Cache, text: str) -> None:
    Path(cache.root, "format.json").write_text(text, encoding="latin-1")
    with pytest.raises(IntegrityError) as caught:
        fresh(cache).ensure()
    assert caught.value.code == "cache-invalid"


def test_a_cache_of_the_future_is_refused_as_such(cache: Cache) -> None:
    Path(cache.root, "format.json").write_text('{"format": 2}')
    with pytest.raises(IntegrityError) as caught:
        fresh(cache).ensure()
    assert caught.value.code == "store-newer-format"


def test_a_folder_that_somebody_tidied_away_comes_back(cache: Cache) -> None:
    for name in ("tmp", "packs", "index"):
        os.rmdir(os.path.join(cache.root, name))
    (digest,) = store(fresh(cache), b"x")
    assert fresh(cache).read(digest, 0) == b"x"


def test_nothing_is_read_or_made_before_it_is_asked_for(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "none"))
    assert cache.missing([blob(b"x")]) == {blob(b"x")}
    assert not cache.has(blob(b"x"))
    assert list(cache.loose_digests()) == []
    assert not (tmp_path / "none").exists()


# -- reading what was written -----------------------------------------------------------------


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(st.binary(max_size=40), st.sampled_from([0, 1]), max_size=6), max_size=14
    )
)
def test_a_cache_is_a_dictionary_of_digests(rounds: list[dict[bytes, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        cache = Cache(os.path.join(name, "cache"))
        cache.ensure()
        known: dict[bytes, tuple[int, bytes]] = {}
        for objects in rounds:
            for kind in (0, 1):
                group = {object_digest(kind, d): d for d, k in objects.items() if k == kind}
                with cache.writing():
                    cache.put(kind, group)
                known |= {digest: (kind, data) for digest, data in group.items()}
        absent = {blob(b"absent %d" % n) for n in range(50)}
        for view in (cache, Cache(cache.root)):
            assert view.missing([*known, *absent]) == absent
            for digest, (kind, data) in known.items():
                assert view.has(digest)
                assert view.read(digest, kind) == data
        assert check_everything(Path(cache.root)) == set(known)
        assert not os.listdir(cache.tmp_folder)
        assert len(os.listdir(cache.index_folder)) <= 9, "segments are merged as they grow many"
        cache.close()


def test_an_object_of_another_kind_is_not_there(cache: Cache) -> None:
    (digest,) = store(cache, b"x")
    with pytest.raises(NotFound) as caught:
        cache.read(digest, ObjectKind.NODE)
    assert caught.value.code == "object-missing"


def test_what_is_here_is_not_stored_again(cache: Cache) -> None:
    store(cache, b"a", b"b")
    store(fresh(cache), b"a", b"b")
    assert len(list(Path(cache.packs_folder).rglob("*.pack"))) == 1


def test_a_large_object_lies_loose_and_reads_like_any_other(cache: Cache) -> None:
    data = os.urandom(300_000)
    write_loose(cache, blob(data), data)
    assert cache.has(blob(data))
    assert cache.read(blob(data), 0) == data
    assert list(cache.loose_digests()) == [blob(data)]
    assert cache.missing([blob(data), blob(b"y")]) == {blob(b"y")}
    with cache.open_blob(blob(data)) as file:
        assert file.read() == data


def test_stray_files_among_loose_objects_do_no_harm(cache: Cache) -> None:
    write_loose(cache, blob(b"x"), b"x")
    for name in (".DS_Store", "zz/a", "ab/cd", "ab/" + "0" * 61):
        path = Path(cache.root, "objects", name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert list(cache.loose_digests()) == [blob(b"x")]


# -- what is gone or damaged ------------------------------------------------------------------


def test_objects_of_a_pack_that_is_gone_count_as_missing_and_can_be_stored_again(
    cache: Cache,
) -> None:
    digests = store(cache, b"a", b"b")
    only_pack(cache).unlink()
    view = fresh(cache)
    assert view.missing(digests) == set(digests)
    assert not view.has(digests[0])
    with pytest.raises(NotFound):
        view.read(digests[0], 0)
    store(view, b"a", b"b")
    assert fresh(cache).read(digests[0], 0) == b"a"


@pytest.mark.parametrize("cut", [0, 10, 40, -1])
def test_objects_of_a_pack_that_was_cut_count_as_missing(cache: Cache, cut: int) -> None:
    digests = store(cache, b"a" * 50, b"b" * 50)
    path = only_pack(cache)
    path.write_bytes(path.read_bytes()[:cut])
    assert fresh(cache).missing(digests) == set(digests)
    store(fresh(cache), b"a" * 50, b"b" * 50)
    assert fresh(cache).read(digests[1], 0) == b"b" * 50


def test_a_refresh_sees_a_pack_that_went(cache: Cache) -> None:
    digests = store(cache, b"a")
    assert cache.has(digests[0])
    only_pack(cache).unlink()
    cache.refresh()
    assert not cache.has(digests[0])


def test_a_reader_that_listed_a_pack_before_it_went_finds_the_object_missing(cache: Cache) -> None:
    digests = store(cache, b"a")
    view = fresh(cache)
    assert view.has(digests[0])
    only_pack(cache).unlink()
    with pytest.raises(NotFound) as caught:
        view.read(digests[0], 0)
    assert caught.value.code == "object-missing"


def test_a_reader_follows_an_object_to_another_pack(cache: Cache) -> None:
    (digest,) = store(cache, b"a")
    reader = fresh(cache)
    assert reader.has(digest)
    old = read_rows(str(only_pack(cache)))
    writer = cache.pack_writer()
    for data in (b"a", b"more"):
        writer.append(blob(data), 0, data)
    new = writer.seal()
    assert new is not None
    cache.publish_packs([new])
    cache.replace_segments(cache.segments(), {new.id: new.size_bytes})
    os.unlink(cache.pack_path(old.id))
    assert reader.read(digest, 0) == b"a"


@pytest.mark.parametrize("at", [16, 20])
def test_a_damaged_object_is_named_and_never_returned(cache: Cache, at: int) -> None:
    digests = store(cache, b"a" * 8)
    path = only_pack(cache)
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"?" + data[at + 1 :])
    with pytest.raises(IntegrityError) as caught:
        fresh(cache).read(digests[0], 0)
    assert caught.value.code == "object-damaged"
    assert digests[0].hex() in caught.value.what
    assert str(path) in caught.value.paths


def test_a_damaged_loose_object_is_never_returned(cache: Cache) -> None:
    write_loose(cache, blob(b"good"), b"good")
    path = Path(cache.loose_path(blob(b"good")))
    path.chmod(0o644)
    path.write_bytes(b"evil")
    with pytest.raises(IntegrityError):
        cache.read(blob(b"good"), 0)
    with pytest.raises(IntegrityError):
        cache.open_blob(blob(b"good"))


def test_a_damaged_segment_is_named_and_does_not_keep_the_collector_out(cache: Cache) -> None:
    store(cache, b"a")
    (segment,) = Path(cache.index_folder).iterdir()
    segment.chmod(0o644)
    os.truncate(segment, 100)
    with pytest.raises(IntegrityError) as caught:
        fresh(cache).has(blob(b"a"))
    assert str(segment) in caught.value.paths
    with fresh(cache).collecting():
        pass


# -- going and coming back ---------------------------------------------------------------------


def test_what_was_collected_and_is_added_again_is_found(cache: Cache) -> None:
    digests = store(cache, b"a", b"b")
    pack = only_pack(cache)
    with cache.collecting():
        cache.replace_segments(cache.segments(), {})
        pack.unlink()
    assert fresh(cache).missing(digests) == set(digests)
    store(fresh(cache), b"a", b"b")
    assert fresh(cache).missing(digests) == set()


def test_what_was_forgotten_because_it_was_damaged_is_found_once_it_is_put_again(
    cache: Cache,
) -> None:
    digests = store(cache, b"only one")
    path = only_pack(cache)
    path.write_bytes(path.read_bytes().replace(b"only", b"ONLY"))
    view = fresh(cache)
    view.drop_rows(set(digests))
    assert view.missing(digests) == set(digests)
    store(view, b"only one")
    assert fresh(cache).read(digests[0], 0) == b"only one"


# -- several at once -----------------------------------------------------------------------------

WRITER = """
import sys
from assay.core.digest import object_digest
from assay.store.cache import Cache
cache = Cache(sys.argv[1])
for n in range(int(sys.argv[3])):
    data = [b"%s-%d-%d" % (sys.argv[2].encode(), n, k) for k in range(5)] + [b"shared %d" % n]
    with cache.writing():
        cache.put(0, {object_digest(0, d): d for d in data})
print("done")
"""


def writers(cache: Cache, names: str, rounds: int) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, cache.root, name, str(rounds)], stdout=subprocess.PIPE
        )
        for name in names
    ]


def expected(names: str, rounds: int) -> set[bytes]:
    own = {b"%s-%d-%d" % (w.encode(), n, k) for w in names for n in range(rounds) for k in range(5)}
    return {blob(data) for data in own | {b"shared %d" % n for n in range(rounds)}}


def test_concurrent_writers_lose_nothing_and_readers_never_miss_what_was_there(
    cache: Cache,
) -> None:
    before = store(cache, *(b"before %d" % n for n in range(20)))
    running = writers(cache, "abc", 15)
    looks = 0
    while any(writer.poll() is None for writer in running):
        view = fresh(cache)
        assert view.missing(before) == set()
        for digest in before:
            view.read(digest, 0)
        view.close()
        looks += 1
    assert [writer.communicate()[0] for writer in running] == [b"done\n"] * 3
    assert looks > 2
    assert check_everything(Path(cache.root)) == expected("abc", 15) | set(before)
    assert not os.listdir(cache.tmp_folder)


def test_a_reader_that_looked_before_a_merge_still_reads_after_it(cache: Cache) -> None:
    digests = store(cache, b"a")
    reader = fresh(cache)
    assert reader.has(digests[0])
    for n in range(20):
        store(cache, b"%d" % n)
    assert reader.read(digests[0], 0) == b"a"
    reader.refresh()
    assert reader.missing([blob(b"%d" % n) for n in range(20)]) == set()


def test_segments_that_a_killed_merger_left_behind_go_with_the_next_merge(cache: Cache) -> None:
    digests = [digest for n in range(3) for digest in store(cache, b"%d" % n)]
    left = {path: path.read_bytes() for path in Path(cache.index_folder).iterdir()}
    cache.replace_segments(cache.segments(), packs_of(cache))
    for path, data in left.items():
        path.write_bytes(data)
    assert fresh(cache).missing(digests) == set()
    for n in range(20):
        store(fresh(cache), b"more %d" % n)
    assert not set(left) & set(Path(cache.index_folder).iterdir())
    assert fresh(cache).missing(digests) == set()


def packs_of(cache: Cache) -> dict[bytes, int]:
    return {pack: size for segment in cache.segments() for pack, size in segment.packs.items()}


def test_a_killed_writers_temporaries_go_with_the_next_writer(cache: Cache) -> None:
    script = (
        "import os, sys\nfrom assay.store.cache import Cache\n"
        "cache = Cache(sys.argv[1])\nwriter = cache.pack_writer()\n"
        "writer.append(bytes(32), 0, bytes(2 << 20))\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, cache.root], check=False)
    assert len(os.listdir(cache.tmp_folder)) == 1
    store(cache, b"x")
    assert not os.listdir(cache.tmp_folder)


def test_temporaries_stay_while_another_writer_holds_the_lock(cache: Cache) -> None:
    # Its process id may be of another container, where it means nothing here.
    left = Path(cache.tmp_folder, "pack-4194300-abc.tmp")
    left.write_bytes(b"x")
    with cache.writing():
        other = fresh(cache)
        left.write_bytes(b"x")
        with other.writing():
            pass
        assert left.exists()
    store(fresh(cache), b"x")
    assert not left.exists()


def test_collecting_waits_for_writers(cache: Cache) -> None:
    from assay.store.locks import locked

    with (
        cache.writing(),
        pytest.raises(Temporary),
        locked(os.path.join(cache.root, "lock"), timeout_seconds=0),
    ):
        pytest.fail("collecting beside a writer")


# -- scarce means -------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_cache_as_it_was(disk: Disk) -> None:
    cache = Cache(str(disk("size=600k") / "cache"))
    (digest,) = store(cache, b"before")
    objects = {}
    for n in range(5):
        data = os.urandom(200_000) + b"%d" % n
        objects[blob(data)] = data
    with pytest.raises(Temporary) as caught, cache.writing():
        cache.put(0, objects)
    assert caught.value.code == "disk-full"
    assert not os.listdir(cache.tmp_folder)
    assert check_everything(Path(cache.root)) == {digest}
    with pytest.raises(Temporary):
        write_loose(cache, blob(bytes(900_000)), bytes(900_000))
    assert not os.listdir(cache.tmp_folder)
    assert not cache.has(blob(bytes(900_000)))
    store(cache, b"after")
    assert len(check_everything(Path(cache.root))) == 2


def test_more_packs_than_files_may_be_open_are_read(cache: Cache) -> None:
    digests = []
    for n in range(40):
        digests += store(cache, b"pack %d" % n)
    script = (
        "import resource, sys\nfrom assay.store.cache import Cache\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n"
        "cache = Cache(sys.argv[1])\n"
        "for line in sys.stdin: cache.read(bytes.fromhex(line.strip()), 0)\n"
        "print('read')\n"
    )
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 16
    done = subprocess.run(
        [sys.executable, "-c", script, cache.root],
        input="\n".join(digest.hex() for digest in digests * 2),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "read\n", done.stderr


def test_a_cache_that_nobody_closes_keeps_no_file_open(cache: Cache) -> None:
    digests = store(cache, b"some") + store(cache, b"more")
    before = open_files()
    for _ in range(5):
        reader = fresh(cache)
        assert [reader.read(digest, 0) for digest in digests] == [b"some", b"more"]
    assert len(open_files() - before) <= 2  # those of the last reader, still in use
    del reader
    assert open_files() <= before


def open_files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(number + " " + os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue  # the listing's own
    return found
