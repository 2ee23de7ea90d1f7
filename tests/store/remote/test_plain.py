"""A plain remote is one file per object, named so that b3sum can check it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from assay.errors import IntegrityError, InvalidInput, NotFound
from assay.store.cache import Cache
from assay.store.objectstore.local import LocalStore
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.plain.remote import PlainRemote
from assay.store.remote.resolve import open_remote
from assay.testing.objectstore_memory import MemoryStore
from remote_caches import BLOB, NODE, add_large, blobs, contents, kinds, make_cache, nodes


@pytest.fixture(params=["local", "memory"])
def plain(request: pytest.FixtureRequest, tmp_path: Path, memory: MemoryStore) -> PlainRemote:
    if request.param == "memory":
        return PlainRemote(memory)
    return PlainRemote(LocalStore(str(tmp_path / "remote")), state_dir=str(tmp_path / "state"))


def test_what_was_pushed_arrives_in_another_cache(plain: PlainRemote, tmp_path: Path) -> None:
    small, trees = blobs(300), nodes(5)
    cache = make_cache(tmp_path / "a", small)
    with cache.writing():
        cache.put(NODE, trees)
    wanted = {**kinds(small), **kinds(trees, kind=NODE), add_large(cache): BLOB}
    assert plain.push(cache, wanted, roots=list(trees)).objects == len(wanted)
    assert plain.missing(set(wanted)) == set()
    assert plain.push(cache, wanted, roots=list(trees)).objects == 0
    other = Cache(str(tmp_path / "b"))
    assert plain.fetch(other, wanted).fetched == len(wanted)
    assert contents(other, wanted) == contents(cache, wanted)
    for digest, data in trees.items():
        assert plain.read_object(digest, NODE) == data


def test_each_file_is_what_its_name_says(tmp_path: Path) -> None:
    small = blobs(30)
    cache = make_cache(tmp_path / "a", small)
    wanted = {**kinds(small), add_large(cache): BLOB}
    remote = PlainRemote(LocalStore(str(tmp_path / "remote")))
    remote.push(cache, wanted, roots=[])
    files = list((tmp_path / "remote" / "files" / "blake3").glob("*/*"))
    assert len(files) == len(wanted)
    for file in files:
        assert blake3(file.read_bytes()).hexdigest() == file.parent.name + file.name


def test_what_others_put_there_is_found(tmp_path: Path) -> None:
    data = b"put there by hand"
    name = blake3(data).hexdigest()
    folder = tmp_path / "remote" / "files" / "blake3" / name[:2]
    folder.mkdir(parents=True)
    (folder / name[2:]).write_bytes(data)
    (folder / "notes.txt").write_bytes(b"not an object")
    remote = PlainRemote(LocalStore(str(tmp_path / "remote")))
    wanted = {bytes.fromhex(name): BLOB}
    assert remote.missing({*wanted, *blobs(100)}) == set(blobs(100))
    cache = Cache(str(tmp_path / "a"))
    assert remote.fetch(cache, wanted).fetched == 1
    assert contents(cache, wanted) == {bytes.fromhex(name): data}


def test_manifests_come_after_what_they_list(memory: MemoryStore, tmp_path: Path) -> None:
    small, trees = blobs(20), nodes(4)
    cache = make_cache(tmp_path / "a", small)
    with cache.writing():
        cache.put(NODE, trees)
    order: list[str] = []
    remote = PlainRemote(
        memory.watched(lambda what, key: order.append(key) if what == "put" else None)
    )
    root = max(trees)
    remote.push(cache, {**kinds(small), **kinds(trees, kind=NODE)}, roots=[root])
    ranks = [
        2 if (digest := bytes.fromhex(key[len("files/blake3/") :].replace("/", ""))) == root
        else int(digest in trees)
        for key in order
    ]  # fmt: skip
    assert ranks == sorted(ranks)


def test_a_damaged_local_object_never_reaches_the_remote(
    plain: PlainRemote, tmp_path: Path
) -> None:
    objects = blobs(5)
    cache = make_cache(tmp_path / "a", objects)
    (pack,) = (tmp_path / "a" / "packs").glob("*/*.pack")
    place = cache.locate(next(iter(objects)))
    assert place is not None
    data = bytearray(pack.read_bytes())
    data[place.offset] ^= 1
    os.chmod(pack, 0o644)
    pack.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        plain.push(cache, kinds(objects), roots=[])
    assert caught.value.code == "object-damaged"
    assert place.digest in plain.missing(set(objects))


def test_an_object_that_the_cache_lacks_stops_the_push(plain: PlainRemote, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        plain.push(make_cache(tmp_path / "a"), {bytes(32): BLOB}, roots=[])
    assert caught.value.code == "object-missing"


def test_an_unmounted_remote_is_not_made_anew(tmp_path: Path) -> None:
    objects = blobs(3)
    cache = make_cache(tmp_path / "a", objects)
    place, state = tmp_path / "nas", str(tmp_path / "state")
    PlainRemote(LocalStore(str(place)), state_dir=state).push(cache, kinds(objects), roots=[])
    shutil.rmtree(place)
    for _ in range(2):  # gone, then an empty mount point
        with pytest.raises(NotFound) as caught:
            PlainRemote(LocalStore(str(place)), state_dir=state).push(
                cache, kinds(objects), roots=[]
            )
        assert caught.value.code == "remote-missing"
        place.mkdir(exist_ok=True)
    assert list(place.iterdir()) == []


# -- which remote a url means -----------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "file://", "file://localhost"])
def test_a_path_and_a_file_url_mean_a_folder(prefix: str, tmp_path: Path) -> None:
    packed = open_remote(f"{prefix}{tmp_path}/r", state_dir=str(tmp_path / "s"))
    plain = open_remote(f"{prefix}{tmp_path}/r", layout="plain")
    assert isinstance(packed, PackedRemote)
    assert isinstance(plain, PlainRemote)
    assert packed.describe() == plain.describe() == str(tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert not (tmp_path / "s").exists()


def test_other_urls_and_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_remote("gopher://host/x")
    assert caught.value.code == "remote-url-unknown"
    with pytest.raises(InvalidInput) as caught:
        open_remote(str(tmp_path), layout="round")
    assert caught.value.code == "remote-layout-unknown"


@pytest.mark.skipif(shutil.which("b3sum") is None, reason="b3sum is not installed")
def test_b3sum_agrees(tmp_path: Path) -> None:
    objects = blobs(3)
    remote = PlainRemote(LocalStore(str(tmp_path / "remote")))
    remote.push(make_cache(tmp_path / "a", objects), kinds(objects), roots=[])
    for file in (tmp_path / "remote" / "files" / "blake3").glob("*/*"):
        said = subprocess.run(["b3sum", file], capture_output=True, text=True, check=True).stdout
        assert said.startswith(file.parent.name + file.name)
