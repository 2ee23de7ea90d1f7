"""Values of each column type: which texts and native values are one, and how they compare."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from assay.quality.model import ColumnType, Scalar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
# What is left to `int` and `float`, which also take underscores, blanks, words and any digits.
_INTEGER_LETTERS = re.compile(r"[0-9+-]*")
_NUMBER_LETTERS = re.compile(r"[0-9+.eE-]*")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_PADDED = re.compile(r"[+-]?0[0-9]")

_NATIVE: dict[ColumnType, frozenset[type]] = {
    ColumnType.STRING: frozenset({str}),
    ColumnType.INTEGER: frozenset({int}),
    ColumnType.NUMBER: frozenset({int, float, Decimal}),
    ColumnType.BOOLEAN: frozenset({bool}),
    ColumnType.LIST: frozenset({list}),
    ColumnType.OBJECT: frozenset({dict}),
}


def parse(type_: ColumnType, values: Sequence[Any], *, is_text: bool) -> list[Any] | None:
    """The values as comparable Python values, or ``None`` when one is not of the type.

    ``is_text``: they are cells of a text table, so that a number is its spelling.
    """
    if type_ is ColumnType.ANY:
        return list(values)
    if type_ in (ColumnType.DATE, ColumnType.DATETIME):
        return _texts(type_, values) if set(map(type, values)) <= {str} else None
    if not is_text:
        return list(values) if set(map(type, values)) <= _NATIVE[type_] else None
    if type_ is ColumnType.STRING:
        return list(values)
    return _texts(type_, values)


def _texts(type_: ColumnType, values: Sequence[str]) -> list[Any] | None:
    try:
        return _PARSERS[type_](values)
    except (ValueError, KeyError, OverflowError, RecursionError):
        return None


def _integers(values: Sequence[str]) -> list[Any] | None:
    return list(map(int, values)) if _INTEGER_LETTERS.fullmatch("".join(values)) else None


def _numbers(values: Sequence[str]) -> list[Any] | None:
    return list(map(float, values)) if _NUMBER_LETTERS.fullmatch("".join(values)) else None


def _truths(values: Sequence[str]) -> list[Any] | None:
    return [_TRUTH[value] for value in values]


def _dates(values: Sequence[str]) -> list[Any] | None:
    if not all(map(_DATE.fullmatch, values)):
        return None
    return list(map(date.fromisoformat, values))


def _datetimes(values: Sequence[str]) -> list[Any] | None:
    return list(map(_moment, values)) if all(map(_DATETIME.fullmatch, values)) else None


def _moment(text: str) -> datetime:
    """A point in time; one without an offset is taken as UTC, so that all can be compared."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(kind: type) -> Callable[[Sequence[str]], list[Any] | None]:
    def parse_all(values: Sequence[str]) -> list[Any] | None:
        parsed = list(map(json.loads, values))
        return parsed if set(map(type, parsed)) <= {kind} else None

    return parse_all


_PARSERS: dict[ColumnType, Callable[[Sequence[str]], list[Any] | None]] = {
    ColumnType.INTEGER: _integers,
    ColumnType.NUMBER: _numbers,
    ColumnType.BOOLEAN: _truths,
    ColumnType.DATE: _dates,
    ColumnType.DATETIME: _datetimes,
    ColumnType.LIST: _json(list),
    ColumnType.OBJECT: _json(dict),
}


def is_padded(values: Sequence[str]) -> bool:
    """Whether a spelling has leading zeros: a code such as a postcode, not a quantity."""
    return any(map(_PADDED.match, values))


def parse_bound(type_: ColumnType, value: Scalar) -> Any:
    """A bound or allowed value as :func:`parse` gives values; ``None`` when it cannot be one."""
    if type_ is ColumnType.NUMBER and type(value) in (int, float):
        return None if value != value else value
    parsed = parse(type_, [value], is_text=False)
    return parsed[0] if parsed else None


def key(value: Any) -> bytes:
    """Bytes that are equal for equal values of one type."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, datetime):
        return repr(value - _EPOCH).encode()
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, default=repr).encode()
    if isinstance(value, (float, Decimal)) and -1e300 < value < 1e300:
        whole = int(value)
        return str(whole).encode() if whole == value else repr(float(value)).encode()
    return value if isinstance(value, bytes) else str(value).encode()


def shown(value: Any) -> str:
    """A value for an example: bounded, whatever it is."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
