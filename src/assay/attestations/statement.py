"""Statements: what a record says of which digests, as in-toto Statements v1.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.attestations.envelope import invalid
from assay.errors import Bug, Untrusted

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
FORMAT = 1

_CONTEXT = "assay 2026 statement format 1"
_URN = "urn:assay:"
_MOST_SUBJECTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A name with its digests, by the name of the algorithm (hexadecimal)."""

    name: str
    digest: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``kind`` says what the predicate is: ``release``, ``gate-result``, ``channel`` …"""

    kind: str
    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Any]

    def payload(self) -> bytes:
        """The statement's bytes; once signed they are kept as they are."""
        _require_finite(self.predicate)
        value = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": s.name, "digest": dict(s.digest)} for s in self.subjects],
            "predicateType": f"{_URN}{self.kind}:{FORMAT}",
            "predicate": {"format": FORMAT, **self.predicate},
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def statement_digest(payload: bytes) -> str:
    """The name of a statement, hexadecimal: BLAKE3 of its bytes, in a context of its own."""
    from blake3 import blake3

    return blake3(payload, derive_key_context=_CONTEXT).hexdigest()


def parse_statement(payload: bytes, *, kind: str, where: str) -> Statement:
    """The statement of a payload that must be of ``kind``.

    Raises :class:`IntegrityError` ``attestation-invalid``, :class:`Untrusted`
    ``attestation-newer-format``.  Unknown fields are kept.
    """
    try:
        value = json.loads(payload)
        listed = value["subject"]
        if not isinstance(listed, list):
            raise TypeError
        subjects = tuple(_subject(item) for item in listed)
        predicate, predicate_type = value["predicate"], value["predicateType"]
        stated = value["_type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise invalid(where, "its payload is not an in-toto statement") from None
    if stated != STATEMENT_TYPE or not isinstance(predicate, dict):
        raise invalid(where, "its payload is not an in-toto statement")
    said, _, version = str(predicate_type).removeprefix(_URN).rpartition(":")
    if said != kind or not str(predicate_type).startswith(_URN):
        raise invalid(where, f"it is about {str(predicate_type)[:60]!r}, not a {kind}")
    if version != str(FORMAT):
        raise Untrusted(
            "attestation-newer-format",
            f"{where} has format {version[:20]!r}; this program reads format {FORMAT}.",
            why="A newer assay wrote it, so what it demands cannot be known.",
            fix="Upgrade assay.",
        )
    if len(subjects) > _MOST_SUBJECTS:
        raise invalid(where, "it has far too many subjects")
    return Statement(kind=kind, subjects=subjects, predicate=predicate)


def _subject(item: Any) -> Subject:
    name, digest = item["name"], item["digest"]
    if not isinstance(name, str) or not isinstance(digest, dict):
        raise TypeError
    if not all(isinstance(part, str) for pair in digest.items() for part in pair):
        raise TypeError
    return Subject(name=name, digest=digest)


def _require_finite(value: object) -> None:
    """JSON has no word for infinities, and another reader would refuse ours."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Bug("statement-not-finite", "A number that is not finite reached a statement.")
    if isinstance(value, Mapping):
        for item in value.values():
            _require_finite(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_finite(item)
