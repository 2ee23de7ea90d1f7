"""Whoever holds a key signs alike; OpenSSH and another library check and make the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from assay.api.releases.signing import load_signer
from assay.attestations.envelope import SSHSIG, Envelope, Signature, signed_bytes
from assay.attestations.signature import signers
from assay.attestations.signer import seal
from assay.attestations.signer_agent import AgentSigner, agent_signer
from assay.attestations.signer_file import FileSigner, load_key, make_key
from assay.attestations.ssh_key import PublicKey
from assay.errors import AssayError
from assay.testing.signer_suite import SignerSuite
from bots import CHANNELS, POLICY_REF, Bots, release_ref
from openssh import PASSPHRASE, add_to_agent, agent, keygen, run, signature


class TestFileSigner(SignerSuite):
    @pytest.fixture
    def signer(self, tmp_path: Path) -> FileSigner:
        return make_key(str(tmp_path / "key"), "somebody")


class TestFileSignerWithAKeyOfOpenSSH(SignerSuite):
    @pytest.fixture
    def signer(self, tmp_path: Path) -> FileSigner:
        return load_key(str(keygen(tmp_path / "key")))


class TestAgentSigner(SignerSuite):
    @pytest.fixture
    def signer(self, tmp_path: Path) -> Iterator[AgentSigner]:
        key = keygen(tmp_path / "key", passphrase=PASSPHRASE)
        with agent() as environ:
            add_to_agent(key, environ, tmp_path)
            # From here on only the agent has it.
            key.unlink()
            yield agent_signer(str(key), {**os.environ, **environ})


def test_a_key_with_a_passphrase_signs_through_the_agent_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keygen(tmp_path / "key", passphrase=PASSPHRASE)
    with agent() as environ:
        monkeypatch.setenv("SSH_AUTH_SOCK", environ["SSH_AUTH_SOCK"])
        for path in (str(key), f"{key}.pub"):
            signer = load_signer(path)
            with pytest.raises(AssayError) as caught:
                signer.sign(b"data")
            assert (caught.value.code, caught.value.exit_code) == ("signing-failed", 12)
            assert "ssh-add" in caught.value.fix
        add_to_agent(key, environ, tmp_path)
        assert signers(seal(b"data", signer), [signer.key]) == [signer.key]


def test_without_an_agent_a_key_with_a_passphrase_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\ntouch {asked}\necho x\n")
    askpass.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(askpass))
    monkeypatch.setenv("DISPLAY", ":9")
    signer = load_signer(str(keygen(tmp_path / "key", passphrase=PASSPHRASE)))
    with pytest.raises(AssayError) as caught:
        signer.sign(b"data")
    assert caught.value.code == "signing-failed"
    assert not asked.exists()


def test_a_key_with_a_passphrase_needs_its_public_half_beside_it(tmp_path: Path) -> None:
    key = keygen(tmp_path / "key", passphrase=PASSPHRASE)
    Path(f"{key}.pub").unlink()
    with pytest.raises(AssayError) as caught:
        load_signer(str(key))
    assert (caught.value.code, caught.value.exit_code) == ("signing-key-missing", 3)
    assert "ssh-keygen -y" in caught.value.fix


def openssh_envelope(key: Path, payload: bytes, *, namespace: str) -> tuple[Envelope, PublicKey]:
    """An envelope signed by `ssh-keygen -Y sign`, and the key that did."""
    public = load_key(str(key)).key
    value = signature(key, signed_bytes(payload), namespace=namespace)
    listed = (Signature(key_id=public.fingerprint, value=value, form=SSHSIG),)
    return Envelope(payload=payload, signatures=listed), public


@pytest.mark.parametrize("namespace", ["assay", "git", "file", "assay2", "ASSAY"])
def test_a_signature_of_openssh_counts_only_in_our_namespace(
    tmp_path: Path, namespace: str
) -> None:
    envelope, key = openssh_envelope(keygen(tmp_path / "key"), b"payload", namespace=namespace)
    assert signers(envelope, [key]) == ([key] if namespace == "assay" else [])


def test_a_signature_of_openssh_by_a_key_of_another_type_does_not_count(tmp_path: Path) -> None:
    envelope, key = openssh_envelope(keygen(tmp_path / "key"), b"payload", namespace="assay")
    rsa = keygen(tmp_path / "rsa", kind="rsa")
    value = signature(rsa, envelope.signed_bytes, namespace="assay")
    listed = (Signature(key_id=key.fingerprint, value=value, form=SSHSIG),)
    assert signers(Envelope(payload=b"payload", signatures=listed), [key]) == []


def test_openssh_verifies_what_the_agent_signed(tmp_path: Path) -> None:
    import base64

    key = keygen(tmp_path / "key", passphrase=PASSPHRASE)
    with agent() as environ:
        add_to_agent(key, environ, tmp_path)
        signer = agent_signer(str(key), {**os.environ, **environ})
        made = signer.sign(signed_bytes(b"payload"))
    text = base64.b64encode(made.value).decode()
    rows = [text[at : at + 70] for at in range(0, len(text), 70)]
    begin, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
    (tmp_path / "sig").write_text("\n".join([begin, *rows, end, ""]))
    (tmp_path / "allowed").write_text(f"ana {signer.key.line}\n")
    allowed = ("-f", tmp_path / "allowed", "-I", "ana", "-n", "assay")
    data = signed_bytes(b"payload")
    said = run("ssh-keygen", "-Y", "verify", *allowed, "-s", tmp_path / "sig", input=data)
    assert "Good" in said


# -- an independent verifier ------------------------------------------------------------------


def other_key(key: PublicKey) -> SSlibKey:
    """A key as the other library has it."""
    return SSlibKey(key.fingerprint, "ed25519", "ed25519", {"public": key.raw.hex()})


def verify_elsewhere(record: bytes, key: PublicKey) -> dict[str, object]:
    """What another DSSE implementation says of an envelope; the statement in it."""
    envelope = OtherEnvelope.from_dict(json.loads(record))
    envelope.verify([other_key(key)], 1)
    statement: dict[str, object] = json.loads(envelope.payload)
    return statement


def records(bots: Bots) -> dict[str, bytes]:
    """Every envelope that the hub has, by what it is."""
    found: dict[str, bytes] = {}
    for ref in (POLICY_REF, release_ref("1.0.0"), CHANNELS, "refs/assay/quarantine/bot"):
        for name, data in bots.hub.files(ref).items():
            if name.endswith(".json") and not name.startswith("runs/"):
                found[f"{ref}:{name}"] = data
    return found


def test_another_library_verifies_every_record_and_refuses_it_tampered(released: Bots) -> None:
    released.assay("quarantine", "bot@1.0.0", "-m", "wrong")
    key = released.key("ana").key
    kinds = set()
    for name, data in records(released).items():
        statement = verify_elsewhere(data, key)
        assert statement["_type"] == "https://in-toto.io/Statement/v1", name
        kinds.add(str(statement["predicateType"]).split(":")[2])
        with pytest.raises(VerificationError):
            verify_elsewhere(data, released.key("eve").key)
        value = json.loads(data)
        payload = value["payload"]
        swapped = "B" if payload[20] == "A" else "A"
        value["payload"] = payload[:20] + swapped + payload[21:]
        with pytest.raises(VerificationError):
            verify_elsewhere(json.dumps(value).encode(), key)
    assert kinds == {"policy", "release", "gate-result", "channel", "quarantine"}
