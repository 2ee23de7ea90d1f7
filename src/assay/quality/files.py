"""Contract files: `contracts/NAME.yaml` to a contract, with errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn, TypeVar

from assay.core.yaml_reader import YamlProblem, read_mapping
from assay.errors import InvalidInput
from assay.quality.located import lines_of
from assay.quality.model import (
    FORMAT,
    LISTABLE,
    MEASURED,
    ORDERED,
    ColumnRule,
    ColumnType,
    Contract,
    Reading,
    Scalar,
    TableFormat,
)
from assay.quality.pattern import pattern_problem
from assay.quality.values import parse_bound

MAX_FILE_BYTES = 4 << 20
_TOP = {"format", "description", "data", "read", "extra_columns", "rows", "columns"}
_READ = {"format", "delimiter", "null_values", "files"}
_COLUMN = {
    *("type", "required", "nullable", "max_null_fraction", "min", "max", "allowed"),
    *("pattern", "unique", "min_length", "max_length"),
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """The file that is being read, for its errors."""

    name: str
    lines: Mapping[tuple[str, ...], int]

    def wrong(self, path: tuple[str, ...], why: str) -> NoReturn:
        place = self.name
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                place += f":{self.lines[path[:end]]}"
                break
        raise InvalidInput(
            "contract-invalid",
            f"{place}: {'.'.join(path) or 'the contract'}: {why}.",
            fix="Correct the contract; docs/reference/contracts.md describes each field.",
            paths=(self.name,),
        )


def parse_contract(data: bytes, name: str) -> Contract:
    """The contract in a file's bytes.

    :class:`InvalidInput` ``contract-invalid`` or ``contract-newer-format`` names file, line
    and key.
    """
    if len(data) > MAX_FILE_BYTES:
        _Text(name=name, lines={}).wrong((), f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        fields = read_mapping(data)
    except YamlProblem as problem:
        place = {(): problem.line} if problem.line else {}
        text = _Text(name=f"{name}:{place[()]}" if place else name, lines={})
        text.wrong((), problem.why)
    lines, twice = lines_of(data)
    text = _Text(name=name, lines=lines)
    if twice:
        text.wrong(twice[0], "it is there twice")
    _check_format(fields, text)
    return _contract(fields, text)


def _check_format(fields: Mapping[str, Any], text: _Text) -> None:
    number = fields.get("format")
    if type(number) is not int or number < 1:
        text.wrong(("format",), f"a contract begins with `format: {FORMAT}`")
    if number > FORMAT:
        raise InvalidInput(
            "contract-newer-format",
            f"{text.name}:{text.lines.get(('format',), 1)}: format {number} is newer than this "
            "version of assay knows.",
            why=f"It reads contracts up to format {FORMAT}.",
            fix="Upgrade assay, or use a contract in an older format.",
            paths=(text.name,),
        )


def _contract(fields: Mapping[str, Any], text: _Text) -> Contract:
    get = _Getter(fields, (), text)
    columns: dict[Any, Any] = get.value("columns", dict, "a mapping from column to rule") or {}
    extra_columns = get.choice("extra_columns", ("allow", "forbid")) or "forbid"
    rows = _Getter(get.value("rows", dict, "a mapping with min and max") or {}, ("rows",), text)
    low, high = rows.count("min"), rows.count("max")
    if low is not None and high is not None and low > high:
        text.wrong(("rows", "min"), f"{low} is above the maximum {high}")
    return Contract(
        columns=tuple(_column(name, rule, text) for name, rule in columns.items()),
        data=get.value("data", str, "a path"),
        description=get.value("description", str, "text"),
        allows_extra_columns=extra_columns == "allow",
        min_rows=low,
        max_rows=high,
        reading=_reading(get.value("read", dict, "a mapping") or {}, text),
        extra=_unknown(fields, _TOP) | _nested("rows", _unknown(rows.fields, {"min", "max"})),
    )


def _nested(name: str, unknown: dict[str, Any]) -> dict[str, Any]:
    return {name: unknown} if unknown else {}


def _unknown(fields: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in set(known)}


def _reading(fields: Mapping[str, Any], text: _Text) -> Reading:
    get = _Getter(fields, ("read",), text)
    format_ = get.choice("format", tuple(TableFormat))
    delimiter = get.value("delimiter", str, "one character")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        text.wrong(("read", "delimiter"), "it must be one character, and no quote or line end")
    nulls: list[Any] | None = get.value("null_values", list, "a list of texts")
    if nulls is not None and not all(isinstance(each, str) for each in nulls):
        text.wrong(("read", "null_values"), "each must be text (in quotes)")
    return Reading(
        format=TableFormat(format_) if format_ else None,
        delimiter=delimiter,
        null_values=("",) if nulls is None else tuple(nulls),
        files=get.value("files", str, "a glob such as '*.csv'"),
        extra=_unknown(fields, _READ),
    )


def _column(name: Any, fields: Any, text: _Text) -> ColumnRule:
    path = ("columns", str(name))
    if not isinstance(name, str):
        text.wrong(path, "a column's name must be text (in quotes)")
    if not isinstance(fields, dict):
        text.wrong(path, "a rule is a mapping, such as `{type: string}`")
    get = _Getter(fields, path, text)
    type_ = ColumnType(get.choice("type", tuple(ColumnType)) or "any")
    allowed: list[Any] | None = get.value("allowed", list, "a list of values")
    rule = ColumnRule(
        name=name,
        type=type_,
        required=get.truth("required", default=True),
        max_null_fraction=_null_fraction(get),
        minimum=get.scalar("min"),
        maximum=get.scalar("max"),
        allowed=None if allowed is None else tuple(map(_plain, allowed)),
        pattern=get.value("pattern", str, "a regular expression in quotes"),
        unique=get.truth("unique", default=False),
        min_length=get.count("min_length"),
        max_length=get.count("max_length"),
        extra=_unknown(fields, _COLUMN),
    )
    _check_values(rule, path, text)
    _check_text(rule, path, text)
    return rule


def _null_fraction(get: _Getter) -> float:
    nullable = get.truth("nullable", default=None)
    fraction = get.fields.get("max_null_fraction")
    if fraction is None:
        return 1.0 if nullable else 0.0
    path = (*get.path, "max_null_fraction")
    if type(fraction) not in (int, float) or not 0 <= fraction <= 1:
        get.text.wrong(path, "it must be a number from 0 to 1")
    if nullable is False and fraction > 0:
        get.text.wrong(path, "it contradicts `nullable: false`")
    return float(fraction)


def _check_values(rule: ColumnRule, path: tuple[str, ...], text: _Text) -> None:
    bounds = {"min": rule.minimum, "max": rule.maximum}
    parsed: dict[str, Any] = {}
    for name, value in bounds.items():
        if value is not None:
            if rule.type not in ORDERED:
                text.wrong((*path, name), f"a column of type {rule.type} has no order")
            parsed[name] = _parsed(rule.type, value, (*path, name), text)
    if len(parsed) == 2 and parsed["min"] > parsed["max"]:
        text.wrong((*path, "min"), f"{rule.minimum} is above the maximum {rule.maximum}")
    if rule.allowed is not None:
        if rule.type not in LISTABLE:
            text.wrong((*path, "allowed"), f"values of type {rule.type} cannot be listed")
        for value in rule.allowed:
            _parsed(rule.type, value, (*path, "allowed"), text)


def _check_text(rule: ColumnRule, path: tuple[str, ...], text: _Text) -> None:
    for name, length in (("min_length", rule.min_length), ("max_length", rule.max_length)):
        if length is not None and rule.type not in MEASURED:
            text.wrong((*path, name), f"a value of type {rule.type} has no length")
    if rule.pattern is not None:
        problem = pattern_problem(rule.pattern)
        if rule.type is not ColumnType.STRING:
            problem = "only a column of type string has a pattern"
        if problem:
            text.wrong((*path, "pattern"), problem)


def _parsed(type_: ColumnType, value: Scalar, path: tuple[str, ...], text: _Text) -> Any:
    parsed = parse_bound(type_, value)
    if parsed is None:
        hint = " (text is written in quotes)" if type_ is ColumnType.STRING else ""
        text.wrong(path, f"{str(value)[:80]!r} is not of type {type_}{hint}")
    return parsed


def _plain(value: Any) -> Any:
    """YAML reads a bare date as one; here dates are text."""
    return value.isoformat() if isinstance(value, (date, datetime)) else value


@dataclass(frozen=True, slots=True)
class _Getter:
    """Typed access to the fields of one mapping."""

    fields: Mapping[str, Any]
    path: tuple[str, ...]
    text: _Text

    def value(self, name: str, kind: Callable[..., T], what: str) -> T | None:
        """The field where it is of the kind."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, kind):  # type: ignore[arg-type]
            self.text.wrong((*self.path, name), f"it must be {what}")
        return value

    def choice(self, name: str, words: tuple[str, ...]) -> str | None:
        """The field where it is one of the words."""
        value = self.fields.get(name)
        if value is not None and (not isinstance(value, str) or value not in words):
            self.text.wrong((*self.path, name), f"it must be one of {', '.join(words)}")
        return value

    def truth(self, name: str, *, default: Any) -> Any:
        """The field where it is true or false."""
        value = self.fields.get(name, default)
        if value is not default and not isinstance(value, bool):
            self.text.wrong((*self.path, name), "it must be true or false")
        return value

    def count(self, name: str) -> int | None:
        """The field where it counts something."""
        value = self.fields.get(name)
        if value is None:
            return None
        if type(value) is not int or value < 0:
            self.text.wrong((*self.path, name), "it must be a whole number, 0 or more")
        return value

    def scalar(self, name: str) -> Scalar | None:
        """The field where it is a single value."""
        value = _plain(self.fields.get(name))
        if value is not None and not isinstance(value, (str, int, float)):
            self.text.wrong((*self.path, name), "it must be a single value")
        return value
