"""Checking signatures: which of some keys really signed an envelope.  Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from assay.attestations.envelope import RAW, SSHSIG, Envelope, Signature
from assay.attestations.ssh_key import PublicKey, from_blob, ssh_string, take_string

NAMESPACE = "assay"
"""What OpenSSH signatures of ours are for; one made for Git or for files does not count."""

_MAGIC = b"SSHSIG"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}


def signers(envelope: Envelope, keys: Iterable[PublicKey]) -> list[PublicKey]:
    """Those of ``keys`` that made a valid signature on the envelope, without repetition."""
    by_id = {key.fingerprint: key for key in keys}
    data = envelope.signed_bytes
    found: dict[str, PublicKey] = {}
    for signature in envelope.signatures:
        key = by_id.get(signature.key_id)
        if key is not None and _is_valid(signature, key, data):
            found[signature.key_id] = key
    return list(found.values())


def _is_valid(signature: Signature, key: PublicKey, data: bytes) -> bool:
    if signature.form == RAW:
        return _verifies(key.raw, signature.value, data)
    if signature.form == SSHSIG:
        try:
            raw, covered = open_sshsig(signature.value, key, data)
        except ValueError:
            return False
        return _verifies(key.raw, raw, covered)
    return False  # a form of the future vouches for nothing here


def _verifies(raw_key: bytes, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_sshsig(blob: bytes, key: PublicKey, data: bytes) -> tuple[bytes, bytes]:
    """``(Ed25519 signature, the bytes that it covers)`` of OpenSSH's signature format.

    Raises :class:`ValueError` for another key, another namespace or malformed bytes.
    https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
    """
    if not blob.startswith(_MAGIC) or blob[6:10] != b"\0\0\0\1":
        raise ValueError("it is not an SSH signature")
    key_blob, at = take_string(blob, 10)
    namespace, at = take_string(blob, at)
    reserved, at = take_string(blob, at)
    hash_name, at = take_string(blob, at)
    inner, end = take_string(blob, at)
    if end != len(blob) or namespace != NAMESPACE.encode() or hash_name not in _HASHES:
        raise ValueError("it is for something else")
    if from_blob(key_blob).raw != key.raw:
        raise ValueError("another key made it")
    algorithm, at = take_string(inner, 0)
    raw, end = take_string(inner, at)
    if algorithm != b"ssh-ed25519" or end != len(inner):
        raise ValueError("it is no Ed25519 signature")
    digest = _HASHES[hash_name](data).digest()
    covered = _MAGIC + b"".join(map(ssh_string, (namespace, reserved, hash_name, digest)))
    return raw, covered
