"""Canonical JSON: one spelling per value, for everything that is hashed or compared.

Sorted keys, no spaces, UTF-8, integers only: the common subset of RFC 8785 that needs no
number formatting rules.  Names that are not UTF-8 (surrogate escapes) stand as ``\\udcXX``.
"""

from __future__ import annotations

import json
from typing import Any

from assay.errors import Bug


def canonical_json(value: Any) -> bytes:
    """Bytes of ``value``; floats are refused because their spelling is not unique."""
    _refuse_floats(value)
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "backslashreplace")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise Bug("canonical-float", "A float reached canonical JSON.")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)
