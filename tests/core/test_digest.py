"""Digests: content hashes as everybody's BLAKE3, every other kind under its own context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.digest import ObjectKind, object_digest, parse_hex
from assay.errors import InvalidInput

# BLAKE3 of nothing, as the specification's test vectors give it.
EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def test_the_digest_of_file_content_is_what_b3sum_prints() -> None:
    assert object_digest(ObjectKind.BLOB, b"").hex() == EMPTY


FROZEN = {
    ObjectKind.BLOB: "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
    ObjectKind.NODE: "3cc82976829a8b82dec774455939244d39ac2ddec4f2d74535f44c5353393431",
    ObjectKind.RECIPE: "0cb5b95d050c3adfad4c217eaf0d69b48fca308cb376e6d20007067d390485f2",
    ObjectKind.CHUNK: "fb21cead2c97be1b9638331507ed4946b502dd69589475d12f28cd829af4fcf3",
}


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_the_digest_of_each_kind_never_changes(kind: ObjectKind) -> None:
    assert object_digest(kind, b"abc").hex() == FROZEN[kind]


@given(st.binary(max_size=100))
def test_no_bytes_of_one_kind_pass_as_another(data: bytes) -> None:
    assert len({object_digest(kind, data) for kind in ObjectKind}) == len(ObjectKind)


@given(st.binary(min_size=32, max_size=32))
def test_hex_of_either_case_reads_back(raw: bytes) -> None:
    assert parse_hex(raw.hex()) == parse_hex(raw.hex().upper()) == raw


@given(st.text(max_size=70) | st.text("0123456789abcdef ", min_size=60, max_size=70))
def test_any_other_text_is_refused_by_name(text: str) -> None:
    if len(text) == 64 and set(text) <= set("0123456789abcdefABCDEF"):
        assert parse_hex(text).hex() == text.lower()
        return
    with pytest.raises(InvalidInput) as caught:
        parse_hex(text, where="x.assay")
    assert caught.value.code == "digest-invalid"
    assert "x.assay" in caught.value.what
