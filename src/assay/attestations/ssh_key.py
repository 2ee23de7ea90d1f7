"""OpenSSH public keys: the one line that names who may sign (RFC 4253, RFC 8709)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from assay.errors import InvalidInput

ALGORITHM = "ssh-ed25519"
_RAW_BYTES = 32
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An Ed25519 public key.  ``raw`` are its 32 bytes; ``comment`` is for people only."""

    raw: bytes
    comment: str = ""

    @property
    def blob(self) -> bytes:
        """The key in SSH's wire format."""
        return ssh_string(ALGORITHM.encode("ascii")) + ssh_string(self.raw)

    @property
    def line(self) -> str:
        """The key as a ``.pub`` file or a policy spells it."""
        text = base64.b64encode(self.blob).decode("ascii")
        return f"{ALGORITHM} {text} {self.comment}".rstrip()

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as ``ssh-keygen -l`` prints it."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def ssh_string(data: bytes) -> bytes:
    """``data`` with its length before it (RFC 4251, section 5)."""
    return len(data).to_bytes(4, "big") + data


def take_string(data: bytes, at: int) -> tuple[bytes, int]:
    """The string that begins at ``at`` and where it ends; raises :class:`ValueError`."""
    length = int.from_bytes(data[at : at + 4], "big")
    end = at + 4 + length
    if at + 4 > len(data) or end > len(data):
        raise ValueError("it is cut short")
    return data[at + 4 : end], end


def parse_public_key(line: str, *, where: str) -> PublicKey:
    """The key of one line; raises :class:`InvalidInput` ``key-invalid``, ``key-unsupported``."""
    words = line.strip().split(None, 2)
    if len(line) > _MOST_CHARACTERS or len(words) < 2:
        raise _invalid(where, "it is not TYPE BASE64 [COMMENT]")
    if words[0] != ALGORITHM:
        raise InvalidInput(
            "key-unsupported",
            f"{where}: keys of type {words[0][:40]!r} are not taken.",
            why=f"Signatures are made and checked with {ALGORITHM} keys.",
            fix="Make one: `ssh-keygen -t ed25519`, or let `assay policy init` make it.",
        )
    try:
        return from_blob(base64.b64decode(words[1], validate=True), "".join(words[2:]))
    except (ValueError, binascii.Error) as error:
        raise _invalid(where, str(error) or "its base64 is not valid") from None


def from_blob(blob: bytes, comment: str = "") -> PublicKey:
    """The key of SSH's wire format; raises :class:`ValueError`."""
    kind, at = take_string(blob, 0)
    raw, end = take_string(blob, at)
    if kind != ALGORITHM.encode("ascii") or len(raw) != _RAW_BYTES or end != len(blob):
        raise ValueError("its bytes are not an Ed25519 key")
    return PublicKey(raw=raw, comment=comment)


def _invalid(where: str, why: str) -> InvalidInput:
    return InvalidInput(
        "key-invalid",
        f"{where} is not a public key: {why}.",
        fix="Copy the whole line of the `.pub` file.",
    )
