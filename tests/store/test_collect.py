"""Collecting packs that hold damaged bytes: good copies are kept, and nothing bad comes back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import IntegrityError
from assay.store.cache import Cache
from assay.store.collect import apply_collect, discard, plan_collect
from assay.store.collected import undo
from projects import overwrite
from store_folders import blob, check_everything, store

KEPT, OTHER, WASTE = b"kept" * 10, b"other" * 10, b"waste" * 1000
LIVE = {blob(KEPT), blob(OTHER)}


def pack(cache: Cache, *contents: bytes) -> Path:
    """Pack objects anew, whether or not they are here."""
    writer = cache.pack_writer()
    for data in contents:
        writer.append(blob(data), 0, data)
    sealed = writer.seal()
    assert sealed is not None
    cache.publish_packs([sealed])
    return Path(cache.pack_path(sealed.id))


def spoil(path: Path, content: bytes) -> None:
    overwrite(path, lambda data: data.replace(content, bytes(len(content))))


def collect(cache: Cache) -> str:
    with cache.collecting():
        return apply_collect(cache, plan_collect(cache, LIVE), LIVE, now_ns=1, command="gc")


@pytest.mark.parametrize("bad", [0, 1])
def test_a_damaged_copy_is_left_for_a_good_one_in_another_pack(cache: Cache, bad: int) -> None:
    packs = [pack(cache, KEPT, OTHER, WASTE), pack(cache, KEPT, WASTE, b"more")]
    spoil(packs[bad], KEPT)
    collect(cache)
    assert not any(path.exists() for path in packs)
    assert check_everything(Path(cache.root)) == LIVE


@pytest.mark.parametrize("bad", [0, 1])
def test_a_good_copy_is_found_in_a_pack_that_stays(cache: Cache, bad: int) -> None:
    thin, full = pack(cache, KEPT, OTHER, WASTE), pack(cache, KEPT)
    spoil((thin, full)[bad], KEPT)
    collect(cache)
    assert not thin.exists()
    assert check_everything(Path(cache.root)) == LIVE


def test_what_was_dropped_as_damaged_is_not_read_again(cache: Cache) -> None:
    path = pack(cache, KEPT, OTHER, WASTE)
    spoil(path, KEPT)
    with cache.writing():
        discard(cache, {blob(KEPT)})
    store(cache, KEPT)
    collect(cache)
    assert check_everything(Path(cache.root)) == LIVE


def test_undo_lists_the_good_one_of_two_copies(cache: Cache) -> None:
    packs = [pack(cache, WASTE, b"beside it %d" % n) for n in range(8)]
    for path in packs[1:]:
        spoil(path, WASTE)
    collect(cache)
    with cache.collecting():
        undo(cache)
    assert cache.read(blob(WASTE), 0) == WASTE
    assert check_everything(Path(cache.root)) >= {blob(b"beside it %d" % n) for n in range(8)}


def test_without_a_good_copy_nothing_is_collected(cache: Cache) -> None:
    path = pack(cache, KEPT, OTHER, WASTE)
    spoil(path, KEPT)
    with pytest.raises(IntegrityError) as caught:
        collect(cache)
    assert caught.value.code == "object-damaged"
    assert path.exists()
    assert cache.read(blob(OTHER), 0) == OTHER
    assert not os.path.exists(os.path.join(cache.root, "trash"))
