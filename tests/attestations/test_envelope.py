"""Envelopes are DSSE's: the bytes that are signed, and any bytes at all when they are read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope

from assay.attestations.envelope import (
    MAX_BYTES,
    PAYLOAD_TYPE,
    RAW,
    SSHSIG,
    Envelope,
    Signature,
    decode,
    signed_bytes,
)
from assay.errors import IntegrityError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
BASE64 = st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode())
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "payloadType": st.just(PAYLOAD_TYPE) | JSON,
        "payload": BASE64 | JSON,
        "signatures": JSON
        | st.lists(
            st.fixed_dictionaries(
                {}, optional={"keyid": JSON, "sig": BASE64 | JSON, "form": JSON, "x": JSON}
            )
            | JSON,
            max_size=3,
        ),
        "x": JSON,
    },
)
SIGNATURES = st.builds(
    Signature, key_id=st.text(max_size=60), value=st.binary(max_size=80), form=st.just(RAW)
) | st.builds(Signature, key_id=st.text(), value=st.binary(), form=st.just(SSHSIG) | st.text())


def test_what_is_signed_is_the_encoding_of_the_protocol() -> None:
    assert signed_bytes(b"hello world") == (
        b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
    )
    # The vector of the specification, so that whoever we are compared with can be relied on.
    other = OtherEnvelope(b"hello world", "http://example.com/HelloWorld", {})
    assert other.pae() == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.binary())
def test_another_implementation_signs_the_same_bytes(payload: bytes) -> None:
    assert signed_bytes(payload) == OtherEnvelope(payload, PAYLOAD_TYPE, {}).pae()


@given(st.binary(), st.lists(SIGNATURES, max_size=4))
def test_an_envelope_is_read_as_it_was_written(payload: bytes, listed: list[Signature]) -> None:
    envelope = Envelope(payload=payload, signatures=tuple(listed))
    assert decode(envelope.encode(), where="it") == envelope


def is_read(data: bytes) -> bool:
    """Whether some bytes are an envelope; anything but a value or a format error fails."""
    try:
        decode(data, where="it")
    except IntegrityError:
        return False
    return True


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_an_envelope_or_refused(data: bytes) -> None:
    is_read(data)


@given(NEARLY)
def test_anything_like_an_envelope_is_one_or_refused(value: Any) -> None:
    is_read(json.dumps(value).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": "application/vnd.in-toto+json; x"},
        {"payloadType": None},
        {"payload": "not base64!"},
        {"payload": "YQ"},
        {"payload": "ÿQ=="},
        {"payload": 1},
        {"signatures": {}},
        {"signatures": None},
        {"signatures": [{"keyid": "k", "sig": "%%"}]},
        {"signatures": [{"keyid": 1, "sig": "YQ=="}]},
        {"signatures": [{"keyid": "k", "sig": "YQ==", "form": 1}]},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": ["x"]},
        {"signatures": [{"keyid": "k", "sig": "YQ=="}] * 65},
    ],
)
def test_what_only_looks_like_an_envelope_is_refused(change: dict[str, object]) -> None:
    good = {"payloadType": PAYLOAD_TYPE, "payload": "YQ==", "signatures": []}
    assert is_read(json.dumps(good).encode())
    assert not is_read(json.dumps({**good, **change}).encode())


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 200_000, b" " * (MAX_BYTES + 1)])
def test_neither_depth_nor_size_bring_the_reader_down(data: bytes) -> None:
    assert not is_read(data)
