"""How a contract is spelled in YAML: every field in a fixed order, with comments where given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.quality.model import FORMAT, ColumnRule, Contract, Reading

Notes = Mapping[tuple[str, ...], str]
"""Comments by the path of the field that they explain."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def spell(contract: Contract, notes: Notes | None = None) -> bytes:
    """The bytes of a contract's file; what :func:`assay.quality.files.parse_contract` reads."""
    lines = [*_lines(_fields(contract), (), notes or {}, 0)]
    top = (notes or {}).get(())
    return "\n".join([*(_comment(top) if top else ()), *lines, ""]).encode("utf-8")


def _comment(text: str) -> list[str]:
    return [f"# {_printable(line)}".rstrip() for line in text.split("\n")]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _fields(contract: Contract) -> dict[str, Any]:
    rows = {"min": contract.min_rows, "max": contract.max_rows, **contract.extra.get("rows", {})}
    wanted = {
        "format": FORMAT,
        "description": contract.description,
        "data": contract.data,
        "read": _reading(contract.reading) or None,
        "extra_columns": "allow" if contract.allows_extra_columns else "forbid",
        "rows": _present(rows) or None,
        "columns": {rule.name: _column(rule) for rule in contract.columns},
        **{name: value for name, value in contract.extra.items() if name != "rows"},
    }
    return _present(wanted)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _reading(reading: Reading) -> dict[str, Any]:
    nulls = None if reading.null_values == ("",) else list(reading.null_values)
    fields = {
        "format": None if reading.format is None else str(reading.format),
        "delimiter": reading.delimiter,
        "null_values": nulls,
        "files": reading.files,
        **reading.extra,
    }
    return _present(fields)


def _column(rule: ColumnRule) -> dict[str, Any]:
    is_partly = 0 < rule.max_null_fraction < 1
    fields = {
        "type": str(rule.type),
        "required": None if rule.required else False,
        "nullable": rule.max_null_fraction > 0,
        "max_null_fraction": rule.max_null_fraction if is_partly else None,
        "min": rule.minimum,
        "max": rule.maximum,
        "allowed": None if rule.allowed is None else list(rule.allowed),
        "pattern": rule.pattern,
        "unique": rule.unique or None,
        "min_length": rule.min_length,
        "max_length": rule.max_length,
        **rule.extra,
    }
    return _present(fields)


def _lines(
    fields: Mapping[Any, Any], path: tuple[str, ...], notes: Notes, depth: int
) -> Iterator[str]:
    indent = "  " * depth
    for name, value in fields.items():
        here = (*path, str(name))
        note = notes.get(here, "")
        remark = f"  # {_printable(note)}" if note else ""
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_scalar(name)}:{remark}"
            yield from _lines(value, here, notes, depth + 1)
        else:
            yield f"{indent}{_scalar(name)}: {_flow(value)}{remark}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    return _text(str(value))


def _float(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _text(text: str) -> str:
    is_plain = set(text) <= _WORD and text.lower() not in _NOT_TEXT and text
    return text if is_plain else '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    point = ord(char)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
