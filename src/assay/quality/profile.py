"""What one column looks like: types that fit, nulls, extremes, lengths, few distinct values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.quality.model import ORDERED, ColumnType
from assay.quality.uniqueness import Budget, Uniqueness
from assay.quality.values import is_padded, key, parse

MAX_ALLOWED = 20
"""At most so many distinct texts become a list of allowed values."""
_MAX_ALLOWED_CHARACTERS = 100
_EARLY_VALUES = 20_000
_FROM_TEXT = (
    ColumnType.INTEGER,
    ColumnType.NUMBER,
    ColumnType.BOOLEAN,
    ColumnType.DATE,
    ColumnType.DATETIME,
)
_FROM_STRINGS = (ColumnType.DATE, ColumnType.DATETIME)


class ColumnProfile:
    """One column, summed up batch by batch in bounded memory."""

    def __init__(self, name: str, budget: Budget) -> None:
        self.name = name
        self.values = 0
        self.extremes: dict[ColumnType, tuple[Any, Any]] = {}
        self.lengths: tuple[int, int] | None = None
        self.distinct: set[str] | None = set()
        self.unique = Uniqueness(budget)
        self._types: list[ColumnType] | None = None
        self._keyed_as: ColumnType | None = None

    @property
    def type(self) -> ColumnType:
        """The narrowest type that all values are of."""
        return self._types[0] if self._types else ColumnType.ANY

    def add(self, rows: Sequence[int], values: Sequence[Any], *, is_text: bool) -> None:
        """Take in one batch; nulls are left out."""
        pairs = [
            (row, value)
            for row, value in zip(rows, values, strict=True)
            if value is not None and value == value
        ]
        if not pairs:
            return
        real = [value for _, value in pairs]
        self.values += len(real)
        self._narrow(real, is_text)
        # No other type is proposed as unique, and keys of two types cannot be compared: the
        # memory goes back to columns that may still be unique.
        if self.type not in (ColumnType.STRING, ColumnType.INTEGER) or (
            self._keyed_as not in (None, self.type)
        ):
            self.unique.forget()
        self._keyed_as = self.type
        if set(map(type, real)) == {str}:
            self._texts(real)
        else:
            self.distinct = None
        # As the check will see it: `01` and `1` are one integer, but two texts.
        if not self.unique.is_exact:
            return
        keys = parse(self.type, real, is_text=is_text) or real
        before = self.unique.values
        self.unique.add(map(key, keys), (row for row, _ in pairs), len(real))
        # Most columns repeat early: looked at once, they leave the memory to those that do not.
        if before < _EARLY_VALUES <= self.unique.values and self.unique.repeats(1)[0]:
            self.unique.forget()

    def _texts(self, values: list[str]) -> None:
        lengths = list(map(len, values))
        low, high = self.lengths or (lengths[0], lengths[0])
        self.lengths = min(low, *lengths), max(high, *lengths)
        if self.distinct is not None:
            self.distinct.update(values)
            if len(self.distinct) > MAX_ALLOWED or self.lengths[1] > _MAX_ALLOWED_CHARACTERS:
                self.distinct = None

    def _narrow(self, values: list[Any], is_text: bool) -> None:
        if self._types is None:
            self._types = _candidates(is_text=is_text)
        for candidate in list(self._types):
            if candidate is ColumnType.NUMBER and ColumnType.INTEGER in self._types:
                continue  # whole numbers are numbers: nothing to find out yet
            parsed = parse(candidate, values, is_text=is_text)
            if parsed is None or (_is_count(candidate) and is_text and is_padded(values)):
                self._drop(candidate)
            elif candidate in ORDERED:
                self._extend(candidate, parsed)

    def _drop(self, candidate: ColumnType) -> None:
        assert self._types is not None
        self._types.remove(candidate)
        seed = self.extremes.pop(candidate, None)
        if candidate is ColumnType.INTEGER and seed and ColumnType.NUMBER in self._types:
            self.extremes[ColumnType.NUMBER] = seed

    def _extend(self, candidate: ColumnType, parsed: list[Any]) -> None:
        low, high = self.extremes.get(candidate, (parsed[0], parsed[0]))
        self.extremes[candidate] = min(low, *parsed), max(high, *parsed)


def _is_count(candidate: ColumnType) -> bool:
    return candidate in (ColumnType.INTEGER, ColumnType.NUMBER)


def _candidates(*, is_text: bool) -> list[ColumnType]:
    """Types, narrowest first, that values may be of."""
    if is_text:
        return [*_FROM_TEXT, ColumnType.STRING, ColumnType.ANY]
    native = (
        *(ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.BOOLEAN),
        *(ColumnType.LIST, ColumnType.OBJECT),
    )
    return [*native, *_FROM_STRINGS, ColumnType.STRING, ColumnType.ANY]
