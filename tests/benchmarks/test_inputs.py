"""The data that benchmarks run on: always the same bytes, half of them incompressible."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from benchmarks.footprint import record_footprint, rewritten_bytes
from benchmarks.inputs import TreeShape, change_files, fingerprint, make_large_file, make_tree

SHAPE = TreeShape(files=30, folders=3, file_bytes=4096, seed=7)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make_tree(tmp_path / "tree", SHAPE)
    return tmp_path / "tree"


def test_the_same_seed_makes_the_same_tree(tree: Path, tmp_path: Path) -> None:
    make_tree(tmp_path / "again", SHAPE)
    assert fingerprint(tmp_path / "again") == fingerprint(tree)
    assert fingerprint(tree)[:2] == (30, 30 * 4096)


def test_another_seed_makes_another_tree(tree: Path, tmp_path: Path) -> None:
    make_tree(tmp_path / "other", TreeShape(files=30, folders=3, file_bytes=4096, seed=8))
    assert fingerprint(tmp_path / "other")[2] != fingerprint(tree)[2]


def test_half_of_the_files_compress_and_half_do_not(tree: Path) -> None:
    sizes = [len(zlib.compress(path.read_bytes())) for path in tree.rglob("f*")]
    assert sum(size < 2048 for size in sizes) == 15
    assert sum(size > 4000 for size in sizes) == 15


def test_no_two_files_are_alike(tree: Path) -> None:
    assert len({path.read_bytes() for path in tree.rglob("f*")}) == 30


def test_a_change_concerns_just_the_named_files_and_keeps_their_length(tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("f*")}
    change_files(tree, SHAPE, SHAPE.spread(10), revision=1)
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    assert len(changed) == 10
    assert fingerprint(tree)[:2] == (30, 30 * 4096)


def test_a_large_file_has_its_size_and_two_halves(tmp_path: Path) -> None:
    path = tmp_path / "large"
    make_large_file(path, 4_000_001, seed=1)
    content = path.read_bytes()
    assert len(content) == 4_000_001
    assert len(zlib.compress(content[:1_000_000])) < 500_000
    assert len(zlib.compress(content[-1_000_000:])) > 990_000


def test_rewritten_bytes_count_new_files_whole_and_changed_ones_by_block(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "packs").mkdir(parents=True)
    index = home / "index"
    index.write_bytes(bytes(10 * 4096))
    (home / "packs" / "old").write_bytes(b"stays")
    record_footprint(home, tmp_path / "memory")

    (home / "packs" / "new").write_bytes(b"x" * 100)
    with index.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"y")

    assert rewritten_bytes(home, tmp_path / "memory") == {"packs": 100, "index": 4096}
