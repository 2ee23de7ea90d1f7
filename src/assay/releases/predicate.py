"""Reading what a statement says, field by field: wrong kinds are refused, unknown fields kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.attestations.envelope import invalid

_HEX = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A mapping of a record, named ``where`` in errors.

    Every method raises :class:`assay.errors.IntegrityError` ``attestation-invalid``.
    """

    values: Mapping[str, Any]
    where: str

    def text(self, key: str, *, default: str | None = None) -> str:
        """Text; ``default`` where the field is absent or null."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        found: str = self._of(key, value, lambda v: isinstance(v, str))
        return found

    def hex(self, key: str) -> str:
        """A digest of 32 bytes in hexadecimal."""
        found: str = self._of(key, self.values.get(key), _is(_HEX))
        return found

    def optional_hex(self, key: str) -> str | None:
        """The same, or None where the field is null."""
        return None if self.values.get(key) is None else self.hex(key)

    def commit(self, key: str) -> str:
        """A full commit id of Git."""
        found: str = self._of(key, self.values.get(key), _is(_COMMIT))
        return found

    def count(self, key: str, *, least: int = 0) -> int:
        """A whole number."""
        found: int = self._of(
            key,
            self.values.get(key),
            lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= least,
        )
        return found

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        found: bool = self._of(key, value, lambda v: isinstance(v, bool))
        return found

    def number(self, key: str) -> float:
        """A number."""
        found: float = self._of(
            key,
            self.values.get(key),
            lambda v: isinstance(v, int | float) and not isinstance(v, bool),
        )
        return found

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A mapping with text as keys; empty where the field is absent or null."""
        value = self.values.get(key)
        if value is None:
            return {}
        found: Mapping[str, Any] = self._of(
            key, value, lambda v: isinstance(v, dict) and all(isinstance(k, str) for k in v)
        )
        return found

    def below(self, key: str) -> Fields:
        """A mapping as fields."""
        return Fields(values=self.mapping(key), where=f"{self.where}: {key}")

    def rows(self, key: str) -> list[Fields]:
        """A list of mappings."""
        value = self.values.get(key) or []
        listed: list[Any] = self._of(
            key, value, lambda v: isinstance(v, list) and all(isinstance(i, dict) for i in v)
        )
        return [
            Fields(values=item, where=f"{self.where}: {key}[{at}]")
            for at, item in enumerate(listed)
        ]

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.values.get(key) or []
        listed = self._of(
            key, value, lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v)
        )
        return tuple(listed)

    def _of(self, key: str, value: Any, fits: Callable[[Any], bool]) -> Any:
        if not fits(value):
            raise invalid(self.where, f"its field {key!r} is missing or of the wrong kind")
        return value


def _is(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
