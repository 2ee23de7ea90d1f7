"""Keys are OpenSSH's: the same lines, the same fingerprints, the same files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.attestations.signer_file import EncryptedKey, load_key, make_key
from assay.attestations.ssh_key import PublicKey, from_blob, parse_public_key, take_string
from assay.errors import AssayError, InvalidInput
from openssh import keygen, run


def public_half(path: Path) -> PublicKey:
    return parse_public_key(Path(f"{path}.pub").read_text(), where="it")


@pytest.mark.parametrize("turn", range(4))
def test_a_fingerprint_is_what_ssh_keygen_prints(tmp_path: Path, turn: int) -> None:
    path = keygen(tmp_path / "key")
    said = run("ssh-keygen", "-lf", f"{path}.pub").split(" ")
    assert public_half(path).fingerprint == said[1]
    assert load_key(str(path)).key.fingerprint == said[1]


def test_a_line_is_what_ssh_keygen_writes(tmp_path: Path) -> None:
    path = keygen(tmp_path / "key")
    assert public_half(path).line == Path(f"{path}.pub").read_text().strip()


def test_openssh_reads_a_key_that_was_made_here(tmp_path: Path) -> None:
    path = tmp_path / "below" / "key"
    signer = make_key(str(path), "somebody")
    assert run("ssh-keygen", "-y", "-f", path).split()[:2] == signer.key.line.split(" ")[:2]
    assert run("ssh-keygen", "-lf", f"{path}.pub").split(" ")[1] == signer.key.fingerprint
    assert public_half(path) == signer.key
    assert load_key(str(path)).key.raw == signer.key.raw


def test_a_private_key_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        make_key(str(path), "somebody")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes()
    with pytest.raises(AssayError) as caught:
        make_key(str(path), "somebody else")
    assert caught.value.code == "target-exists"
    assert path.read_bytes() == text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_private_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = keygen(tmp_path / "key")
    path.chmod(mode)
    with pytest.raises(AssayError) as caught:
        load_key(str(path))
    assert caught.value.code == "signing-key-exposed"
    assert caught.value.exit_code == 12


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_key_of_another_type_is_refused_as_such(tmp_path: Path, kind: str) -> None:
    path = keygen(tmp_path / "key", kind=kind)
    for read in (lambda: load_key(str(path)), lambda: public_half(path)):
        with pytest.raises(InvalidInput) as caught:
            read()
        assert caught.value.code == "key-unsupported"
        assert "ed25519" in caught.value.fix


def test_a_key_with_a_passphrase_is_known_as_one(tmp_path: Path) -> None:
    with pytest.raises(EncryptedKey):
        load_key(str(keygen(tmp_path / "key", passphrase="secret")))


def test_a_key_that_is_not_there_or_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(AssayError) as caught:
        load_key(str(path))
    assert (caught.value.code, caught.value.exit_code) == ("signing-key-missing", 3)
    for text in (b"", b"\0\xff", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", b"x" * 200_000):
        path.write_bytes(text)
        path.chmod(0o600)
        with pytest.raises(InvalidInput) as refused:
            load_key(str(path))
        assert refused.value.code in ("key-invalid", "key-unsupported")
        assert str(path) in refused.value.what


@given(st.text() | st.text(alphabet="ssh-ed25519 AB=+/\n\t", max_size=200))
def test_any_line_is_a_key_or_refused(line: str) -> None:
    try:
        key = parse_public_key(line, where="it")
    except InvalidInput:
        return
    assert parse_public_key(key.line, where="it") == key


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="ab@ -", max_size=20))
def test_a_key_is_read_as_its_line_says(raw: bytes, comment: str) -> None:
    key = PublicKey(raw=raw, comment=comment.strip())
    assert parse_public_key(key.line, where="it") == key
    assert from_blob(key.blob).raw == raw


@given(st.binary(), st.integers(min_value=0, max_value=40))
def test_any_blob_is_a_key_or_refused(data: bytes, at: int) -> None:
    for read in (lambda: from_blob(data), lambda: take_string(data, at)):
        try:
            read()
        except ValueError:
            pass


def test_a_blob_with_something_after_it_is_refused() -> None:
    blob = PublicKey(raw=bytes(32)).blob
    with pytest.raises(ValueError):
        from_blob(blob + b"\0")
