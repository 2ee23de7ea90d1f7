"""Segments: a table of places that answers like a dictionary, from any bytes without harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import AssayError, IntegrityError
from assay.store.packs import ROW, ROW_BYTES, SealedPack
from assay.store.segments import Segment, encode_segment, live_segments, rows_with_prefix

PACK = bytes(range(32))


def row(digest: bytes, pack: bytes = PACK[:8], offset: int = 16) -> bytes:
    return ROW.pack(digest, pack, offset, 5, 5, 0, 0, 0)


def opened(data: bytes) -> Segment:
    return Segment(data, "s.seg")


DIGESTS = st.sets(
    st.binary(min_size=32, max_size=32)
    | st.integers(0, 255).map(lambda first: bytes([first]) + bytes(31))
    | st.sampled_from([bytes(32), b"\xff" * 32, bytes(31) + b"\1"]),
    max_size=40,
)


@given(DIGESTS, DIGESTS)
def test_find_agrees_with_the_rows_for_every_digest(
    present: set[bytes], others: set[bytes]
) -> None:
    segment_id, data = encode_segment([(PACK, 99)], [row(digest) for digest in present])
    segment = opened(data)
    segment.check()
    assert segment.id == segment_id
    assert segment.count == len(present)
    assert segment.digests() == sorted(present)
    assert segment.rows() == [row(digest) for digest in sorted(present)]
    assert [found.digest for found in segment.locations()] == sorted(present)
    for digest in present | others:
        found = segment.find(digest)
        assert (found is not None) == (digest in present)
        if found is not None:
            assert (found.digest, found.pack, found.offset) == (digest, PACK[:8], 16)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20), st.randoms())
def test_equal_digests_collapse_and_order_does_not_matter(
    digests: list[bytes], chance: object
) -> None:
    rows = [row(digest, offset=n) for n, digest in enumerate(digests + digests)]
    shuffled = rows[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = encode_segment([(PACK, 1)], rows), encode_segment([(PACK, 1)], shuffled)
    assert one == other
    assert opened(one[1]).digests() == sorted(set(digests))


def test_the_bytes_of_a_segment_never_change() -> None:
    segment_id, data = encode_segment(
        [(PACK, 1000)], [row(b"\x07" * 32), row(b"\xfe" * 32)], supersedes=[b"\x11" * 32]
    )
    assert segment_id.hex() == "dae155ab4be09beaa37642ccee16c128d7b8ef71493a5c28effe40454e926572"
    assert blake3(data[:-32]).digest() == data[-32:] == segment_id
    assert data[:104].hex() == (
        "4153595345474d310100000001000000020000000000000001000000000000000001020304050607"
        "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fe8030000000000001111111111111111"
        "111111111111111111111111111111111111111111111111"
    )
    assert data[104 + 256 * 8 :].hex() == (
        "07070707070707070707070707070707070707070707070707070707070707070001020304050607"
        "1000000000000000050000000500000000000000fefefefefefefefefefefefefefefefefefefefe"
        "fefefefefefefefefefefefe00010203040506071000000000000000050000000500000000000000"
        "dae155ab4be09beaa37642ccee16c128d7b8ef71493a5c28effe40454e926572"
    )
    assert len(data) == 32 + 40 + 32 + 256 * 8 + 2 * ROW_BYTES + 32


def test_what_it_says_of_its_packs_and_predecessors_reads_back() -> None:
    other = b"\x55" * 32
    _, data = encode_segment([(other, 7), (PACK, 2**40)], [], supersedes=[other, PACK, other])
    segment = opened(data)
    assert segment.packs == {PACK: 2**40, other: 7}
    assert segment.supersedes == [PACK, other]


def test_rows_of_a_pack_get_its_name() -> None:
    rows = ROW.pack(b"\1" * 32, bytes(8), 16, 3, 3, 1, 0, 0)
    pack = SealedPack(id=blake3(rows).digest(), rows=rows, size_bytes=200)
    assert rows_with_prefix(pack) == [row(b"\1" * 32, pack.id[:8])[:48] + rows[48:]]


@pytest.mark.parametrize("count", [3, 40_000])
def test_small_and_mapped_files_answer_alike(tmp_path: Path, count: int) -> None:
    digests = [blake3(n.to_bytes(4, "big")).digest() for n in range(count)]
    segment_id, data = encode_segment([(PACK, 1)], [row(digest) for digest in digests])
    path = tmp_path / "s.seg"
    path.write_bytes(data)
    segment = Segment.open(str(path))
    segment.check()
    assert segment.id == segment_id
    assert len(segment.rows()) == count
    for digest in digests[:: max(1, count // 200)]:
        found = segment.find(digest)
        assert found is not None
        assert found.digest == digest
    assert segment.find(b"\0" * 32) is None


def made(*digests: bytes, supersedes: tuple[bytes, ...] = ()) -> Segment:
    return opened(encode_segment([(PACK, 1)], [row(d) for d in digests], supersedes=supersedes)[1])


def test_a_segment_that_another_supersedes_does_not_count() -> None:
    first, second = made(b"\1" * 32), made(b"\2" * 32)
    merged = made(b"\1" * 32, b"\2" * 32, supersedes=(first.id, second.id))
    last = made(b"\3" * 32, supersedes=(merged.id,))
    assert live_segments([first, second, merged]) == [merged]
    assert live_segments([merged, first]) == [merged]
    assert live_segments([last, merged, first, second]) == [last]
    assert live_segments([last, first]) == [last, first], "what merged it is gone"


# -- damage ---------------------------------------------------------------------------------

SOUND = encode_segment(
    [(PACK, 1000)],
    [row(blake3(bytes([n])).digest()) for n in range(30)],
    supersedes=[b"\x11" * 32],
)[1]


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 71, 104, 2151, 2152, 2153, -93, -92, -32, -1])
def test_a_segment_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(IntegrityError) as caught:
        opened(SOUND[:cut])
    assert caught.value.code == "segment-invalid"
    assert caught.value.paths == ("s.seg",)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.seg").touch()
    with pytest.raises(IntegrityError):
        Segment.open(str(tmp_path / "e.seg"))


def test_every_flipped_byte_is_found_by_the_check() -> None:
    for at in range(len(SOUND)):
        bent = SOUND[:at] + bytes([SOUND[at] ^ 0x10]) + SOUND[at + 1 :]
        with pytest.raises(IntegrityError):
            opened(bent).check()


def test_a_segment_of_the_future_is_refused_as_such() -> None:
    with pytest.raises(IntegrityError) as caught:
        opened(SOUND[:8] + (2).to_bytes(4, "little") + SOUND[12:])
    assert caught.value.code == "store-newer-format"


@given(
    st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(1, 255)), max_size=6)
    | st.lists(st.tuples(st.integers(0, 2300), st.integers(1, 255)), max_size=6),
    st.binary(min_size=32, max_size=32),
)
def test_a_bent_segment_answers_or_refuses_but_never_fails(
    flips: list[tuple[int, int]], digest: bytes
) -> None:
    bent = bytearray(SOUND)
    for at, mask in flips:
        bent[at] ^= mask
    try:
        segment = opened(bytes(bent))
    except AssayError:
        return
    tail = bytes(bent[-32:])
    for wanted in (digest, tail, bytes(bent[-64:-32]), SOUND[2152:2184]):
        found = segment.find(wanted)
        assert found is None or found.digest == wanted
    assert len(segment.rows()) == len(list(segment.locations())) == segment.count


@given(st.binary(max_size=400) | st.binary(max_size=100).map(lambda more: SOUND[:32] + more))
def test_any_bytes_are_a_segment_or_refused(data: bytes) -> None:
    with pytest.raises(AssayError):
        opened(data)


def test_a_fan_out_that_leads_past_the_rows_is_refused() -> None:
    at = 32 + 40 + 32
    for place, value in ((0, 2**63), (5, 31), (254, 2**64 - 1)):
        bent = bytearray(SOUND)
        bent[at + 8 * place : at + 8 * place + 8] = value.to_bytes(8, "little")
        with pytest.raises(IntegrityError):
            opened(bytes(bent))
