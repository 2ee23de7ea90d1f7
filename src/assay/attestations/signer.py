"""The port through which records are signed; a key file and an SSH agent stand behind it."""

from __future__ import annotations

from typing import Protocol

from assay.attestations.envelope import Envelope, Signature, signed_bytes
from assay.attestations.ssh_key import PublicKey


class Signer(Protocol):
    """Whoever holds a private key.  ``testing/signer_suite.py`` is what each must pass."""

    @property
    def key(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, data: bytes) -> Signature:
        """A signature over ``data``; raises :class:`assay.errors.Untrusted`."""
        ...


def seal(payload: bytes, signer: Signer | None) -> Envelope:
    """``payload`` in an envelope, signed where there is a signer."""
    signatures = () if signer is None else (signer.sign(signed_bytes(payload)),)
    return Envelope(payload=payload, signatures=signatures)
