"""The envelope around a signed statement: DSSE v1, bytes in and bytes out.

The signature covers the payload's bytes as they stand, with their type before them (the
protocol's pre-authentication encoding), so nothing has to be spelled canonically.
https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from assay.errors import IntegrityError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BYTES = 16 << 20
_MOST_SIGNATURES = 64

RAW = ""
"""A plain Ed25519 signature, which every DSSE verifier understands."""
SSHSIG = "sshsig"
"""The same within OpenSSH's signature format, as keys in an agent or a token make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature; ``key_id`` is the key's SSH fingerprint, ``form`` how ``value`` is spelled."""

    key_id: str
    value: bytes
    form: str = RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload and the signatures over it; none means that nobody vouches for it."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()

    @property
    def signed_bytes(self) -> bytes:
        """What a signature covers."""
        return signed_bytes(self.payload)

    def encode(self) -> bytes:
        """The envelope as it is stored."""
        signatures = []
        for signature in self.signatures:
            fields = {"keyid": signature.key_id, "sig": _text(signature.value)}
            if signature.form != RAW:
                fields["form"] = signature.form
            signatures.append(fields)
        value = {
            "payloadType": PAYLOAD_TYPE,
            "payload": _text(self.payload),
            "signatures": signatures,
        }
        return json.dumps(value, indent=1).encode("ascii") + b"\n"


def signed_bytes(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding of a payload of our type."""
    kind = PAYLOAD_TYPE.encode("ascii")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def decode(data: bytes, *, where: str) -> Envelope:
    """An envelope from its bytes; raises :class:`IntegrityError` ``attestation-invalid``."""
    if len(data) > MAX_BYTES:
        raise invalid(where, "it is far too large")
    try:
        value = json.loads(data)
        if not isinstance(value, dict) or value.get("payloadType") != PAYLOAD_TYPE:
            raise invalid(where, f"its payload is not of the type {PAYLOAD_TYPE}")
        listed = value.get("signatures")
        if not isinstance(listed, list) or len(listed) > _MOST_SIGNATURES:
            raise invalid(where, "it has no list of signatures")
        return Envelope(
            payload=_bytes(value["payload"]), signatures=tuple(_signature(item) for item in listed)
        )
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise invalid(where, "it is not a DSSE envelope") from None


def _signature(item: object) -> Signature:
    if not isinstance(item, dict):
        raise TypeError
    key_id, form = item.get("keyid", ""), item.get("form", RAW)
    if not isinstance(key_id, str) or not isinstance(form, str):
        raise TypeError
    return Signature(key_id=key_id, value=_bytes(item["sig"]), form=form)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError
    return base64.b64decode(text, validate=True)


def invalid(where: str, why: str) -> IntegrityError:
    """The error for a record that cannot be read."""
    return IntegrityError(
        "attestation-invalid",
        f"{where} is not a valid record: {why}.",
        why="It was edited, damaged, or not written by assay.",
        fix="Fetch it again from the repository that it came from, or report it to its owners.",
    )
