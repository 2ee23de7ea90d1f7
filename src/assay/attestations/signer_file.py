"""Signing with a private key in a file, as `assay policy init` and `ssh-keygen` write it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from assay.attestations.envelope import Signature
from assay.attestations.ssh_key import PublicKey
from assay.errors import Conflict, InvalidInput, NotFound, Untrusted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAX_BYTES = 1 << 16
_FIX = "Use an Ed25519 key in OpenSSH's format: `ssh-keygen -t ed25519`."


class EncryptedKey(Exception):
    """The key needs a passphrase: only an agent can use it without asking."""


class FileSigner:
    """Signs with one Ed25519 key that was loaded from a file."""

    def __init__(self, private: Ed25519PrivateKey, comment: str = "") -> None:
        self._private = private
        self._key = PublicKey(raw=private.public_key().public_bytes_raw(), comment=comment)

    @property
    def key(self) -> PublicKey:
        """The public half."""
        return self._key

    def sign(self, data: bytes) -> Signature:
        """A plain Ed25519 signature over ``data``."""
        return Signature(key_id=self._key.fingerprint, value=self._private.sign(data))


def load_key(path: str) -> FileSigner:
    """The signer of an OpenSSH private key file.

    Raises :class:`EncryptedKey`, :class:`NotFound` ``signing-key-missing``,
    :class:`InvalidInput` ``key-invalid`` or ``key-unsupported``, and :class:`Untrusted`
    ``signing-key-exposed`` for a file that others may read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    data = _read(path)
    try:
        private = load_ssh_private_key(data, None)
    except UnsupportedAlgorithm as error:
        raise _unsupported(path, str(error)) from None
    except (TypeError, ValueError) as error:
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            raise EncryptedKey(path) from None
        raise InvalidInput(
            "key-invalid",
            f"{path} is not a private key.",
            why=_first_line(str(error)),
            fix=_FIX,
            paths=(path,),
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _unsupported(path, "It is not an Ed25519 key")
    return FileSigner(private, os.path.basename(path))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES)
    except OSError as error:
        raise NotFound(
            "signing-key-missing",
            f"There is no signing key at {path}.",
            why=f"{error.strerror}.",
            fix="Make one with `assay policy init`, or name one: `assay config signing.key PATH`.",
            paths=(path,),
        ) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise Untrusted(
            "signing-key-exposed",
            f"Others may read the private key {path}.",
            why="Whoever reads it can sign in your name.",
            fix=f"chmod 600 {path}",
            paths=(path,),
        )
    return data


def _unsupported(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        "key-unsupported",
        f"{path} cannot be signed with.",
        why=_first_line(why),
        fix=_FIX,
        paths=(path,),
    )


def _first_line(text: str) -> str:
    return f"{text.splitlines()[0][:200].rstrip('.') if text else 'It cannot be read'}."


def make_key(path: str, comment: str) -> FileSigner:
    """Write a new key pair to ``path`` and ``path.pub``; an existing file is never replaced."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from assay.store.durable import make_folder, write_atomic

    if os.path.lexists(path):
        raise Conflict(
            "target-exists", f"{path} exists already.", fix="Name another place.", paths=(path,)
        )
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    signer = FileSigner(private, comment)
    make_folder(os.path.dirname(path))
    write_atomic(path, text, mode=0o600)
    write_atomic(f"{path}.pub", f"{signer.key.line}\n".encode())
    return signer
