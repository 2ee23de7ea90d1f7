"""The native manifest on disk: laws of the tree, frozen bytes, and any bytes at all."""

from __future__ import annotations

import random
from array import array
from dataclasses import replace

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import (
    EMPTY,
    EXECUTABLE,
    FILE,
    FOLDER,
    SYMLINK,
    Entry,
    Manifest,
    from_entries,
)
from assay.core.prolly import (
    MAX_ENTRIES,
    MIN_ENTRIES,
    decode_node,
    encode,
    load,
    load_folder,
    walk,
)
from assay.errors import AssayError, IntegrityError


def many(count: int, *, step: int = 1) -> Manifest:
    """A data set of `count` files in folders of a thousand, always the same."""
    paths = [b"train/%03d/image-%06d.jpg" % (n // 1000, n) for n in range(0, count * step, step)]
    return Manifest(
        paths=paths,
        sizes=array("Q", [n * 7 % 100_003 for n in range(count)]),
        kinds=bytes(n % 97 == 0 for n in range(count)),
        digests=b"".join(n.to_bytes(8, "big") * 4 for n in range(1, count + 1)),
    )


# -- frozen for ever: repositories in the field depend on these bytes ------------------------

SMALL = from_entries(
    [
        Entry(b"a/run.sh", 17, EXECUTABLE, b"\x11" * 32),
        Entry(b"a/x.csv", 300, FILE, b"\x22" * 32),
        Entry(b"empty", 0, FOLDER, bytes(32)),
        Entry(b"link", 5, SYMLINK, b"\x33" * 32),
        Entry(b"\xff odd\n", 2**40, FILE, b"\x44" * 32),
    ]
)

ROOTS = {
    "small": "cb0d41eca150e60450eab0aba5206575f6bf9ddf3da4544400640534c3f8733a",
    "empty": "bcbea94c3e1de86f41471dc6ebbe32b1cf98b438cdbcad74fe7ac30a58aa8b16",
    "one": "bb5cc515c085a0db8f69caab36914fdb187f768197e7e521ab6be71f192313b8",
    "5000": "129cfc0bf2893573252c9036fb9fcd3a75b921928ca096050bbd57c1d914a38e",
    "100000": "2e4e667ef98a13d0ac372cb515a667dc0ca3a77638850b52ba9517562254c28b",
}
SETS = {
    "small": lambda: SMALL,
    "empty": lambda: EMPTY,
    "one": lambda: many(1),
    "5000": lambda: many(5000),
    "100000": lambda: many(100_000),
}


@pytest.mark.parametrize("name", list(ROOTS))
def test_the_root_of_a_known_set_never_changes(name: str) -> None:
    assert encode(SETS[name]()).root.hex() == ROOTS[name]


def test_the_bytes_of_a_node_never_change() -> None:
    tree = encode(SMALL)
    assert tree.nodes[tree.root].hex() == (
        "4153594e010020000500000022000000612f72756e2e736800612f782e63737600656d707479006c"
        "696e6b00ff206f64640a010003020011000000000000002c01000000000000000000000000000005"
        "00000000000000000000000001000011111111111111111111111111111111111111111111111111"
        "11111111111111222222222222222222222222222222222222222222222222222222222222222200"
        "00000000000000000000000000000000000000000000000000000000000000333333333333333333"
        "33333333333333333333333333333333333333333333334444444444444444444444444444444444"
        "444444444444444444444444444444"
    )
    empty = encode(EMPTY)
    assert empty.nodes[empty.root].hex() == "4153594e010020000000000000000000"


def test_the_bytes_of_a_whole_tree_never_change() -> None:
    nodes = encode(many(100_000)).nodes
    assert len(nodes) == 171
    assert (
        blake3(b"".join(nodes.values())).hexdigest()
        == "11f983a84a70d55a9ab419543c5149a91462d2d616f00cc303bb588e83d620b3"
    )


# -- laws ----------------------------------------------------------------------------------

NAMES = st.sampled_from([b"a", b"b", b"a-", b"a0", b"\xff", b"caf\xc3\xa9", b"x" * 200, b"a\nb"])
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.lists(NAMES, min_size=1, max_size=4).map(b"/".join),
        st.integers(0, 2**63 - 1),
        st.sampled_from([FILE, EXECUTABLE, SYMLINK, FOLDER]),
        st.binary(min_size=32, max_size=32),
    ),
    max_size=40,
)


@given(ENTRIES)
def test_a_manifest_reads_back_equal(entries: list[Entry]) -> None:
    manifest = from_entries(entries)
    tree = encode(manifest)
    assert load(tree.root, tree.nodes.__getitem__) == manifest


@pytest.mark.parametrize("count", [0, 1, MIN_ENTRIES, MIN_ENTRIES + 1, 3000, 20_000])
def test_a_manifest_of_any_size_reads_back_equal(count: int) -> None:
    manifest = many(count)
    tree = encode(manifest)
    assert load(tree.root, tree.nodes.__getitem__) == manifest
    for digest, data in tree.nodes.items():
        assert object_digest(ObjectKind.NODE, data) == digest
        node = decode_node(data)
        assert len(node.paths) <= MAX_ENTRIES


@given(st.integers(0, 10**9), st.integers(0, 4000))
def test_equal_sets_give_equal_roots_however_they_came_about(seed: int, count: int) -> None:
    chance = random.Random(seed)
    entries = list(many(count))
    extra = [entry._replace(path=entry.path + b"x") for entry in chance.sample(entries, count // 9)]
    chance.shuffle(entries)
    by_detour = {e.path: e for e in entries + extra}
    for entry in extra:
        del by_detour[entry.path]
    assert encode(from_entries(list(by_detour.values()))).root == encode(many(count)).root


@given(ENTRIES, st.data())
def test_any_difference_gives_another_root(entries: list[Entry], data: st.DataObject) -> None:
    manifest = from_entries(entries)
    if not len(manifest):
        return
    at = data.draw(st.integers(0, len(manifest) - 1))
    old = manifest.entry(at)
    new = data.draw(
        st.sampled_from(
            [
                old._replace(path=old.path + b"'"),
                old._replace(size=old.size ^ 1),
                old._replace(kind=(old.kind + 1) % 4),
                old._replace(digest=bytes([old.digest[0] ^ 1]) + old.digest[1:]),
            ]
        )
    )
    changed = from_entries([e for e in manifest if e.path != old.path] + [new])
    assert encode(changed).root != encode(manifest).root


def test_swapped_contents_give_another_root() -> None:
    a, b = Entry(b"a", 1, FILE, b"\1" * 32), Entry(b"b", 1, FILE, b"\2" * 32)
    swapped = [a._replace(digest=b.digest), b._replace(digest=a.digest)]
    assert encode(from_entries([a, b])).root != encode(from_entries(swapped)).root


@pytest.mark.parametrize("seed", range(5))
def test_a_small_change_rewrites_few_nodes(seed: int) -> None:
    manifest = many(100_000)
    before = encode(manifest)
    chance = random.Random(seed)
    digests = bytearray(manifest.digests)
    for row in chance.sample(range(100_000), 3):
        digests[row * 32] ^= 0xFF
    after = encode(replace(manifest, digests=bytes(digests)))
    new = after.nodes.keys() - before.nodes.keys()
    assert len(new) <= 3 * 2 + 1
    assert sum(len(after.nodes[digest]) for digest in new) < 600_000


@pytest.mark.parametrize("seed", range(5))
def test_an_insertion_and_a_removal_move_the_boundaries_only_nearby(seed: int) -> None:
    entries = list(many(50_000))
    before = encode(from_entries(entries))
    chance = random.Random(seed)
    at = chance.randrange(len(entries))
    entries.insert(at, Entry(entries[at].path + b".new", 1, FILE, b"\7" * 32))
    del entries[chance.randrange(len(entries))]
    after = encode(from_entries(entries))
    assert len(after.nodes.keys() - before.nodes.keys()) <= 8


def test_boundaries_depend_on_paths_alone() -> None:
    manifest = many(30_000)
    other = replace(manifest, digests=manifest.digests[::-1], kinds=bytes(30_000))

    def shapes(whole: Manifest) -> list[list[bytes]]:
        tree = encode(whole)
        return [node.paths for node in walk(tree.root, tree.nodes.__getitem__)]

    assert shapes(manifest) == shapes(other)


def test_no_choice_of_names_makes_a_node_too_large() -> None:
    manifest = many(60_000)
    tree = encode(manifest)
    sizes = [len(decode_node(data).paths) for data in tree.nodes.values()]
    assert max(sizes) <= MAX_ENTRIES
    # Names picked so that no boundary falls between them are cut at the upper bound.
    from zlib import crc32

    from assay.core.prolly import _CUT_BELOW, _GOLDEN

    uncut = [
        path
        for path in (b"%08d" % n for n in range(6000))
        if crc32(path) * _GOLDEN & 0xFFFFFFFF >= _CUT_BELOW
    ]
    rows = from_entries([Entry(path, 0, FILE, b"\1" * 32) for path in uncut])
    tree = encode(rows)
    assert load(tree.root, tree.nodes.__getitem__) == rows


def test_sizes_that_no_disk_can_hold_together_still_encode() -> None:
    rows = from_entries(
        [Entry(b"%05d" % n, 2**63 - 1, FILE, b"\1" * 32) for n in range(MAX_ENTRIES * 2)]
    )
    tree = encode(rows)
    assert load(tree.root, tree.nodes.__getitem__) == rows


FOLDERS = [b"", b"train", b"train/000", b"train/00", b"train/004", b"absent", b"\xff", b"a"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("count", [0, 10, 5000, 20_000])
def test_a_folder_loads_as_its_range_of_the_whole(folder: bytes, count: int) -> None:
    manifest = many(count)
    tree = encode(manifest)
    asked: list[bytes] = []

    def read(digest: bytes) -> bytes:
        asked.append(digest)
        return tree.nodes[digest]

    found = load_folder(tree.root, folder, read)
    assert list(found) == list(manifest.rows(manifest.folder_range(folder)))
    if count == 20_000 and folder == b"train/004":
        assert len(asked) < 8, "reads only the nodes that can hold the folder"


@given(ENTRIES, st.lists(NAMES, min_size=1, max_size=3).map(b"/".join))
def test_what_loads_of_a_path_is_the_file_or_the_folder(entries: list[Entry], path: bytes) -> None:
    manifest = from_entries(entries)
    tree = encode(manifest)
    found = load_folder(tree.root, path, tree.nodes.__getitem__)
    row = manifest.find(path)
    expected = [manifest.entry(row)] if row >= 0 else []
    assert list(found) == (expected or list(manifest.rows(manifest.folder_range(path))))


def test_a_file_of_a_large_tree_loads_alone() -> None:
    manifest = many(20_000)
    tree = encode(manifest)
    for path in (manifest.paths[0], manifest.paths[9999], manifest.paths[-1]):
        assert load_folder(tree.root, path, tree.nodes.__getitem__).paths == [path]


def test_known_subtrees_are_not_read() -> None:
    old = many(20_000)
    before = encode(old)
    after = encode(replace(old, kinds=bytes([1]) + old.kinds[1:]))
    read: list[bytes] = []

    def note(digest: bytes) -> bytes:
        read.append(digest)
        return after.nodes[digest]

    list(walk(after.root, note, known=before.nodes.__contains__))
    assert set(read) == after.nodes.keys() - before.nodes.keys()


# -- any bytes: a value or an error of ours -------------------------------------------------


def node(
    level: int = 0,
    paths: tuple[bytes, ...] = (b"a", b"b"),
    *,
    width: int = 32,
    kinds: bytes | None = None,
    sizes: tuple[int, ...] | None = None,
    digests: bytes | None = None,
    version: int = 1,
    names: bytes | None = None,
) -> bytes:
    """A node's bytes with any field bent."""
    count = len(paths)
    joined = b"\0".join(paths) if names is None else names
    first = (bytes(count) if kinds is None else kinds) if not level else bytes(8 * count)
    return b"".join(
        (
            b"ASYN",
            bytes([version, level, width, 0]),
            count.to_bytes(4, "little"),
            len(joined).to_bytes(4, "little"),
            joined,
            first,
            array("Q", sizes or (1,) * count).tobytes(),
            b"\5" * width * count if digests is None else digests,
        )
    )


def test_the_bent_nodes_of_these_tests_start_from_a_sound_one() -> None:
    assert decode_node(node()).paths == [b"a", b"b"]
    assert decode_node(node(1)).level == 1


BENT = {
    "cut short": node()[:-1],
    "with a byte too many": node() + b"x",
    "empty": b"",
    "of another kind of file": b"ASYPACK1" + node()[8:],
    "of version 0": node(version=0),
    "with paths out of order": node(paths=(b"b", b"a")),
    "with a path twice": node(paths=(b"a", b"a")),
    "with fewer paths than entries": node(names=b"a-b"),
    "with more paths than entries": node(names=b"a\0b\0c"),
    "with an unknown kind": node(kinds=b"\0\4"),
    "with an impossible size": node(sizes=(1, 2**63)),
    "with an odd digest width": node(width=20),
    "too deep": node(9),
    "inner, with narrow digests": node(1, width=16),
    "inner, without children": node(1, ()),
    "empty, with names": node(0, (), names=b"x"),
    "with more entries than fit": node(0, tuple(b"%06d" % n for n in range(MAX_ENTRIES + 1))),
    "claiming 4 billion entries": node()[:8] + b"\xff" * 8 + node()[16:],
}


@pytest.mark.parametrize("what", list(BENT))
def test_a_node_is_refused_when_it_is(what: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_node(BENT[what])
    assert caught.value.code == "manifest-invalid"


def test_a_node_of_the_future_is_refused_as_such() -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_node(node(version=2))
    assert caught.value.code == "manifest-newer-format"


@pytest.mark.parametrize("path", [b"../x", b"/x", b".git/config", b"a//b", b".GIT", b"C:x"])
@pytest.mark.parametrize("level", [0, 1])
def test_a_node_with_a_hostile_path_is_refused(path: bytes, level: int) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_node(node(level, (path,)))
    assert caught.value.code == "path-unsafe"


SOUND = [node(), node(1), *encode(many(400)).nodes.values()]


@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda tail: b"ASYN\1\0\x20\0" + tail)
    | st.tuples(
        st.sampled_from(SOUND),
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
    ).map(lambda bent: flipped(*bent))
)
def test_any_bytes_decode_to_a_node_or_to_an_error_of_ours(data: bytes) -> None:
    try:
        found = decode_node(data)
    except AssayError:
        return
    count = len(found.paths)
    assert len(found.sizes) == count
    assert len(found.digests) == count * found.width
    assert found.paths == sorted(set(found.paths))


def flipped(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for at, mask in flips:
        changed[at % len(changed)] ^= mask
    return bytes(changed)


PATH_TUPLES = st.lists(
    st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"a/x", b"a-"]), max_size=4, unique=True
).map(lambda paths: tuple(sorted(paths)))
KEYS = [bytes([n]) * 32 for n in range(6)]


@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.builds(
            lambda level, paths, picks: node(
                level, paths, digests=b"".join(KEYS[p] for p in picks[: len(paths)])
            ),
            st.integers(0, 3),
            PATH_TUPLES,
            st.lists(st.integers(0, 5), min_size=4, max_size=4),
        )
        | st.binary(max_size=40),
    ),
    st.sampled_from([b"", b"a", b"c"]),
)
def test_any_graph_of_nodes_loads_to_a_manifest_or_to_an_error_of_ours(
    nodes: dict[bytes, bytes], folder: bytes
) -> None:
    reads = 0

    def read(digest: bytes) -> bytes:
        nonlocal reads
        reads += 1
        assert reads <= 4 * len(KEYS), "a small graph must not unfold into a long walk"
        if digest not in nodes:
            raise IntegrityError("object-missing", "gone")
        return nodes[digest]

    try:
        whole = load(KEYS[0], read)
    except AssayError:
        return
    assert whole.paths == sorted(set(whole.paths))
    reads = 0
    part = load_folder(KEYS[0], folder, read)
    if folder and whole.find(folder) < 0:
        assert list(part) == list(whole.rows(whole.folder_range(folder)))


def test_a_node_that_lists_itself_is_refused() -> None:
    own = b"\7" * 32
    nodes = {own: node(1, (b"a", b"b"), digests=own * 2)}
    with pytest.raises(IntegrityError):
        load(own, nodes.__getitem__)


def test_children_that_overlap_across_parents_are_refused_by_every_reader() -> None:
    leaf1 = node(0, (b"a", b"d"))
    leaf2 = node(0, (b"b", b"f"))
    inner1 = node(1, (b"d",), digests=b"\1" * 32)
    inner2 = node(1, (b"f",), digests=b"\2" * 32)
    nodes = {
        b"\1" * 32: leaf1,
        b"\2" * 32: leaf2,
        b"\3" * 32: inner1,
        b"\4" * 32: inner2,
        b"\5" * 32: node(2, (b"d", b"f"), digests=b"\3" * 32 + b"\4" * 32),
    }
    with pytest.raises(IntegrityError):
        load(b"\5" * 32, nodes.__getitem__)
    with pytest.raises(IntegrityError):
        load_folder(b"\5" * 32, b"e", nodes.__getitem__)
    with pytest.raises(IntegrityError):
        list(walk(b"\5" * 32, nodes.__getitem__))


def test_leaves_of_different_widths_do_not_mix() -> None:
    nodes = {
        b"\1" * 32: node(0, (b"a",), width=16),
        b"\2" * 32: node(0, (b"b",)),
        b"\3" * 32: node(1, (b"a", b"b"), digests=b"\1" * 32 + b"\2" * 32),
    }
    with pytest.raises(IntegrityError):
        load(b"\3" * 32, nodes.__getitem__)
