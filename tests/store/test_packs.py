"""Packs: frozen bytes, and whatever happens to a file, an error of ours or the right bytes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from assay.core.digest import ObjectKind, object_digest
from assay.errors import AssayError, IntegrityError
from assay.store.packs import (
    PACK_TARGET_BYTES,
    ROW,
    ROW_BYTES,
    Location,
    PackWriter,
    SealedPack,
    pack_path,
    read_object,
    read_rows,
    unpack_rows,
)
from store_folders import blob

Objects = list[tuple[int, bytes]]
SOME: Objects = [(0, b"first"), (1, b"a node"), (0, b""), (0, bytes(range(256)) * 40)]


def write(folder: Path, objects: Objects) -> SealedPack:
    folder.mkdir(exist_ok=True)
    writer = PackWriter(str(folder / "packs"), str(folder))
    for kind, data in objects:
        writer.append(object_digest(kind, data), kind, data)
    pack = writer.seal()
    assert pack is not None
    return pack


def file_of(folder: Path, pack: SealedPack) -> Path:
    return Path(pack_path(str(folder / "packs"), pack.id))


def read_all(path: Path) -> list[tuple[int, bytes]]:
    rows = unpack_rows(read_rows(str(path)).rows)
    fd = os.open(path, os.O_RDONLY)
    try:
        return [(row.kind, read_object(fd, row, where=str(path))) for row in rows]
    finally:
        os.close(fd)


# -- frozen for ever ------------------------------------------------------------------------

FROZEN_ID = "a7f4d3e7d2767ade10b81f21d1afa7271b149a0215c8e54ca7a77b9ad7490770"
FROZEN = (
    "4153595041434b31010000000000000068656c6c6f6e6f6465af1349b9f5f9a1a6a0404dea36dcc9"
    "499bcb25c9adc112b7cc9a93cae41f32620000000000000000190000000000000000000000000000"
    "0000000000ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f000000"
    "00000000001000000000000000050000000500000000000000ee8a7dc0c7e529c954e14bc36151c8"
    "2d504a94454c4df199ce419dec71e576710000000000000000150000000000000004000000040000"
    "000100000019000000000000000300000000000000a7f4d3e7d2767ade10b81f21d1afa7271b149a"
    "0215c8e54ca7a77b9ad749077041535950454e4431"
)


def test_the_bytes_of_a_pack_never_change(tmp_path: Path) -> None:
    pack = write(tmp_path, [(0, b"hello"), (1, b"node"), (0, b"")])
    assert pack.id.hex() == FROZEN_ID
    assert file_of(tmp_path, pack).read_bytes().hex() == FROZEN


def test_a_pack_that_was_written_long_ago_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pack"
    path.write_bytes(bytes.fromhex(FROZEN))
    assert sorted(read_all(path)) == [(0, b""), (0, b"hello"), (1, b"node")]


# -- laws -----------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.binary(max_size=300), st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=20
    ).map(lambda found: [(kind, data) for data, kind in found.items()])
)
def test_what_went_in_comes_out_sorted_by_digest(objects: Objects) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pack = write(folder, objects)
        assert pack.count == len(objects)
        assert pack.id == blake3(pack.rows).digest()
        assert sorted(read_all(file_of(folder, pack))) == sorted(objects)
        digests = [row.digest for row in unpack_rows(pack.rows)]
        assert digests == sorted(object_digest(kind, data) for kind, data in objects)
        found = read_rows(str(file_of(folder, pack)))
        assert found == pack
        assert os.listdir(folder) == ["packs"], "no temporary file stays"


def test_a_published_pack_is_read_only(tmp_path: Path) -> None:
    pack = write(tmp_path, SOME)
    assert file_of(tmp_path, pack).stat().st_mode & 0o777 == 0o444


def test_large_objects_pass_through_the_write_buffer_unharmed(tmp_path: Path) -> None:
    objects = [(0, bytes([n]) * 700_000) for n in range(5)]
    assert sorted(read_all(file_of(tmp_path, write(tmp_path, objects)))) == objects


def test_a_pack_is_full_at_its_target_size(tmp_path: Path) -> None:
    writer = PackWriter(str(tmp_path / "packs"), str(tmp_path))
    data = bytes(8 << 20)
    for _ in range(PACK_TARGET_BYTES // len(data)):
        assert not writer.is_full
        writer.append(blob(data), 0, data)
    assert writer.is_full
    writer.abandon()
    assert not list(tmp_path.iterdir())


def test_sealing_nothing_makes_no_file(tmp_path: Path) -> None:
    assert PackWriter(str(tmp_path / "packs"), str(tmp_path)).seal() is None
    assert not list(tmp_path.iterdir())


def test_a_writer_goes_on_after_sealing(tmp_path: Path) -> None:
    writer = PackWriter(str(tmp_path / "packs"), str(tmp_path))
    seen = []
    for data in (b"one", b"two"):
        writer.append(blob(data), 0, data)
        pack = writer.seal()
        assert pack is not None
        seen += read_all(file_of(tmp_path, pack))
    assert seen == [(0, b"one"), (0, b"two")]


# -- damage ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("sound")
    return file_of(folder, write(folder, SOME)).read_bytes()


def test_a_pack_cut_anywhere_is_refused(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.pack"
    rows = len(sound) - 56 - len(SOME) * ROW_BYTES
    cuts = {0, 1, 8, 15, 16, 17, rows - 1, rows, rows + 1, rows + ROW_BYTES, len(sound) - 56}
    cuts |= {len(sound) - 55, len(sound) - 8, len(sound) - 1, *range(0, len(sound), 97)}
    for cut in sorted(cuts):
        path.write_bytes(sound[:cut])
        with pytest.raises(IntegrityError) as caught:
            read_rows(str(path))
        assert caught.value.code == "pack-invalid"
        assert str(path) in caught.value.paths


def test_a_flipped_bit_anywhere_that_matters_is_found(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "flipped.pack"
    undetected = []
    for at in [*range(40), *range(40, len(sound) - 500, 101), *range(len(sound) - 500, len(sound))]:
        for bit in (1, 128):
            path.write_bytes(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
            try:
                read_all(path)
                undetected.append(at)
            except IntegrityError:
                pass
    assert set(undetected) <= set(range(12, 16)), "all but four unused bytes are guarded"


def test_damage_to_one_object_leaves_the_others_readable(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.pack"
    at = sound.index(b"first")
    path.write_bytes(sound[:at] + b"F" + sound[at + 1 :])
    good = 0
    fd = os.open(path, os.O_RDONLY)
    for row in unpack_rows(read_rows(str(path)).rows):
        try:
            read_object(fd, row, where="here")
            good += 1
        except IntegrityError as error:
            assert error.code == "object-damaged"  # noqa: PT017 - one of several rows
            assert row.digest.hex() in error.what  # noqa: PT017
            assert "here" in error.what  # noqa: PT017
    os.close(fd)
    assert good == len(SOME) - 1


def test_a_pack_of_the_future_is_refused_as_such(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.pack"
    path.write_bytes(sound[:8] + (2).to_bytes(4, "little") + sound[12:])
    with pytest.raises(IntegrityError) as caught:
        read_rows(str(path))
    assert caught.value.code == "store-newer-format"


@given(st.binary(max_size=300), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_any_file_is_a_pack_or_refused(data: bytes, offset: int, count: int) -> None:
    trailer = ROW.pack(bytes(32), bytes(8), 0, 0, 0, 0, 0, 0)[:0] + b"".join(
        (offset.to_bytes(8, "little"), count.to_bytes(8, "little"), bytes(32), b"ASYPEND1")
    )
    with tempfile.NamedTemporaryFile() as file:
        for content in (data, b"ASYPACK1\1\0\0\0" + data, b"ASYPACK1\1\0\0\0" + data + trailer):
            Path(file.name).write_bytes(content)
            with pytest.raises(IntegrityError):
                read_rows(file.name)


NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 400)


@given(
    st.binary(min_size=32, max_size=32),
    NUMBERS,
    st.integers(0, 2**32 - 1) | st.integers(0, 400),
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_a_row_that_leads_anywhere_gives_an_error_and_allocates_little(
    digest: bytes, offset: int, stored: int, length: int, kind: int, encoding: int
) -> None:
    row = Location(digest, bytes(8), offset, stored, length, kind, encoding)
    with tempfile.TemporaryFile() as file:
        file.write(bytes(200))
        file.flush()
        with pytest.raises(AssayError) as caught:
            read_object(file.fileno(), row, where="p")
        assert caught.value.code in ("object-damaged", "store-newer-format")


def test_an_object_of_one_kind_does_not_pass_as_another(tmp_path: Path) -> None:
    pack = write(tmp_path, [(0, b"same bytes")])
    row = unpack_rows(pack.rows)[0]
    with file_of(tmp_path, pack).open("rb") as file, pytest.raises(IntegrityError):
        read_object(file.fileno(), row._replace(kind=ObjectKind.NODE), where="p")


def test_a_writer_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    writer = PackWriter(str(tmp_path / "packs"), str(tmp_path))
    writer.append(blob(b"x"), 0, b"x")
    writer.abandon()
    writer.abandon()
    assert not list(tmp_path.iterdir())
    assert writer.seal() is None
