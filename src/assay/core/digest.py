"""Digests: the names of bytes, and how text spells them.

Inside the program a digest is raw ``bytes`` of the algorithm's width; hexadecimal appears only
at the edges (pointers, JSON, messages).  File content hashes as plain BLAKE3, so that
``b3sum`` agrees.  Every other kind of object hashes under a BLAKE3 derive-key context that
names kind and format (BLAKE3 specification, section 2.3), so that bytes of one kind can never
be passed off as another.
"""

from __future__ import annotations

from enum import IntEnum

from assay.errors import InvalidInput

DIGEST_WIDTH = 32
"""Width of a native digest in bytes."""


class ObjectKind(IntEnum):
    """What an object is; the value stands in pack rows on disk."""

    BLOB = 0
    NODE = 1
    RECIPE = 2
    CHUNK = 3


_CONTEXTS = {
    ObjectKind.NODE: "assay 2026 manifest node format 1",
    ObjectKind.RECIPE: "assay 2026 chunk recipe format 1",
    ObjectKind.CHUNK: "assay 2026 chunk format 1",
}


def object_digest(kind: int, data: bytes) -> bytes:
    """The 32-byte digest of an object's plain bytes."""
    from blake3 import blake3

    if kind == ObjectKind.BLOB:
        return blake3(data).digest()
    return blake3(data, derive_key_context=_CONTEXTS[ObjectKind(kind)]).digest()


def parse_hex(text: str, *, width: int = DIGEST_WIDTH, where: str = "digest") -> bytes:
    """Raw digest from lower- or upper-case hex; :class:`InvalidInput` names ``where``."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != width or len(text) != 2 * width:
        raise InvalidInput(
            "digest-invalid",
            f"{where}: {text[:80]!r} is not a digest.",
            why=f"A digest here is {2 * width} hexadecimal digits.",
            fix="Restore the file from Git, or add the data again.",
        )
    return raw
