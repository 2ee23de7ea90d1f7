"""Whatever bytes a record of the trash, the cache or a remote holds: a value or a clear error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from any_bytes import records, value_or_error
from assay.audit.chain import parse_line
from assay.data.trash import Trash
from assay.store.cache import Cache
from assay.store.collected import collections, expire
from assay.store.packs import ROW_BYTES, TRAILER, PackWriter
from assay.store.remote.packed.pins import decode_pin
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.packed.stream import is_plausible, read_remote_rows
from assay.testing.objectstore_memory import MemoryStore

# Every example writes anew whatever it reads.
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
INFINITE = b'{"format": 1, "created_ns": Infinity, "size_bytes": 1, "command": "x", "paths": []}'
NEWER = "store-newer-format"


@once
@given(records({"format": 1, "created_ns": 5, "command": "gc", "paths": ["a"], "size_bytes": 1}))
@example(INFINITE)
def test_any_record_of_displaced_files(tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "trash"
    entry = folder / "0000000001-aa"
    (entry / "files").mkdir(parents=True, exist_ok=True)
    (entry / "entry.json").write_bytes(data)
    trash = Trash(os.fsencode(tmp_path), os.fspath(folder))
    found = value_or_error(trash.entries, "trash-invalid", "path-unsafe", NEWER, names="")
    for each in found or ():
        assert isinstance(each.created_ns, int)
        assert all(isinstance(path, str) for path in each.paths)


@once
@given(records({"format": 1, "created_ns": 5, "command": "gc", "size_bytes": 1}))
@example(INFINITE)
def test_any_record_of_a_collection(tmp_path: Path, data: bytes) -> None:
    entry = tmp_path / "trash" / "0000000001-aa"
    entry.mkdir(parents=True, exist_ok=True)
    (entry / "entry.json").write_bytes(data)
    cache = Cache(str(tmp_path))
    assert expire(cache, older_than_ns=-(10**40)) == 0
    value_or_error(lambda: collections(cache), "trash-invalid", NEWER, names="entry.json")


@given(records({"format": 1, "roots": ["ab" * 32], "keys": ["packs/ab/x.pack"]}))
@example(b'{"format": 1, "roots": ["ab"], "keys": []}')
@example(b'{"format": 1, "roots": [], "keys": "packs"}')
def test_any_pin(data: bytes) -> None:
    pin = value_or_error(
        lambda: decode_pin(data, "pins/x", 5), "pin-invalid", NEWER, names="pins/x"
    )
    if pin is not None:
        assert all(len(root) == 32 for root in pin.roots)
        assert "p" not in pin.keys, "a name was taken for a list of names"


@given(records({"format": 1, "layout": "packed"}))
def test_any_format_of_a_remote(data: bytes) -> None:
    remote = PackedRemote(MemoryStore(lambda: 1))
    remote.store.put("format.json", data)
    value_or_error(lambda: remote.missing(set()), "remote-invalid", NEWER, names="format.json")


@once
@given(records({"format": 1}))
def test_any_format_of_a_cache(tmp_path: Path, data: bytes) -> None:
    for name in ("packs", "index", "tmp"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "format.json").write_bytes(data)
    value_or_error(Cache(str(tmp_path)).ensure, "cache-invalid", NEWER, names="format.json")


@given(records({"hash": "ab" * 32, "body": {"seq": 1}}))
def test_any_line_of_a_log(data: bytes) -> None:
    value_or_error(lambda: parse_line(data, where="log:1"), "audit-entry-damaged", names="log:1")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """(key, bytes) of a pack of three objects."""
    folder = tmp_path_factory.mktemp("pack")
    writer = PackWriter(str(folder), str(folder))
    for data in (b"a", b"bb", b"ccc"):
        writer.append(blake3(data).digest(), 0, data)
    sealed = writer.seal()
    assert sealed is not None
    (path,) = folder.rglob("*.pack")
    return f"packs/{path.parent.name}/{path.name}", path.read_bytes()


@given(data=st.data())
def test_any_pack_of_a_remote(pack: tuple[str, bytes], data: st.DataObject) -> None:
    key, sound = pack
    near_the_end = st.integers(0, TRAILER.size).map(lambda n: len(sound) - n)
    at = data.draw(st.integers(0, len(sound)) | near_the_end)
    harmed = sound[:at] + data.draw(st.binary(max_size=20))
    harmed += sound[len(harmed) :] if data.draw(st.booleans()) else b""
    store = MemoryStore(lambda: 1)
    store.put(key, harmed)
    found = value_or_error(
        lambda: read_remote_rows(store, key, len(harmed)), "pack-invalid", NEWER, names=key
    )
    if found is not None:
        rows = [found.rows[at : at + ROW_BYTES] for at in range(0, len(found.rows), ROW_BYTES)]
        assert len(rows) == 3
        assert all(is_plausible(row, len(harmed)) for row in rows)
