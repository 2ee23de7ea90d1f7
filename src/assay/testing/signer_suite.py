"""What every signer must do: a test class to inherit, given a fixture ``signer``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.attestations.envelope import RAW, SSHSIG, Envelope, decode
from assay.attestations.signature import signers
from assay.attestations.signer import Signer, seal
from assay.attestations.ssh_key import PublicKey, parse_public_key

STRANGER = PublicKey(raw=bytes(range(32)))
"""A key that signed nothing."""


class SignerSuite:
    """Inherit, and define a fixture ``signer`` that gives a signer whose key may be used."""

    @pytest.mark.parametrize("size", [0, 1, 1000, 3 << 20])
    def test_what_it_signs_verifies_with_its_public_half(self, signer: Signer, size: int) -> None:
        envelope = seal(b"\xff" * size, signer)
        assert signers(envelope, [STRANGER, signer.key]) == [signer.key]
        assert signers(decode(envelope.encode(), where="it"), [signer.key]) == [signer.key]

    def test_nothing_verifies_with_another_key(self, signer: Signer) -> None:
        envelope = seal(b"payload", signer)
        assert signers(envelope, [STRANGER]) == []
        (signature,) = envelope.signatures
        claimed = replace(signature, key_id=STRANGER.fingerprint)
        assert signers(Envelope(payload=b"payload", signatures=(claimed,)), [STRANGER]) == []

    def test_it_vouches_for_nothing_but_the_payload(self, signer: Signer) -> None:
        signatures = seal(b"payload", signer).signatures
        for other in (b"", b"payloae", b"payload\0", b"payloa"):
            assert signers(Envelope(payload=other, signatures=signatures), [signer.key]) == []

    def test_a_signature_with_any_byte_changed_vouches_for_nothing(self, signer: Signer) -> None:
        (signature,) = seal(b"payload", signer).signatures
        for at in range(len(signature.value)):
            value = bytearray(signature.value)
            value[at] ^= 1
            changed = replace(signature, value=bytes(value))
            envelope = Envelope(payload=b"payload", signatures=(changed,))
            assert signers(envelope, [signer.key]) == [], f"byte {at}"
        for cut in (0, 1, len(signature.value) - 1):
            changed = replace(signature, value=signature.value[:cut])
            envelope = Envelope(payload=b"payload", signatures=(changed,))
            assert signers(envelope, [signer.key]) == [], f"cut to {cut}"

    def test_its_form_belongs_to_it(self, signer: Signer) -> None:
        (signature,) = seal(b"payload", signer).signatures
        other = SSHSIG if signature.form == RAW else RAW
        for form in (other, "a form of the future"):
            changed = replace(signature, form=form)
            envelope = Envelope(payload=b"payload", signatures=(changed,))
            assert signers(envelope, [signer.key]) == []

    def test_it_names_its_key_by_the_fingerprint(self, signer: Signer) -> None:
        (signature,) = seal(b"payload", signer).signatures
        assert signature.key_id == signer.key.fingerprint
        assert parse_public_key(signer.key.line, where="it").raw == signer.key.raw

    def test_signatures_of_several_stand_beside_each_other(self, signer: Signer) -> None:
        (first,) = seal(b"payload", signer).signatures
        (second,) = seal(b"payload", signer).signatures
        noise = replace(first, value=b"x" * 64)
        envelope = Envelope(payload=b"payload", signatures=(noise, first, second))
        assert signers(envelope, [signer.key]) == [signer.key]
