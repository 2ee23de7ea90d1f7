"""The text of pointers: one canonical spelling, read and written without a YAML library.

Importing one costs more than ``status`` may take.  What this module wrote itself it also reads,
by a strict line reader; other text is edited in place, so that comments and order survive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from assay.core.yaml_reader import YamlProblem, read_mapping

_LINE = re.compile(r"(- |  )(blake3|md5|size|nfiles|isexec|hash|path): (.+)")
_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.@+=-]*(?: [A-Za-z0-9_/.@+=-]+)*")
# What some YAML library reads as something else than text.
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"}
_NUMERIC = re.compile(r"[0-9.+_:eE-]+")
_NUMERIC_DIGEST = re.compile(r"[0-9]+(?:e[0-9]+)?|0b[01]+")


def read_canonical(data: bytes) -> dict[str, Any] | None:
    """Fields of text in exactly the form of :func:`write_canonical`, else ``None``."""
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    if lines[0] != "outs:" or lines[-1] != "":
        return None
    outs: list[dict[str, Any]] = []
    for line in lines[1:-1]:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        lead, key, text = match.groups()
        if lead == "- ":
            outs.append({})
        value = _scalar(key, text)
        if not outs or key in outs[-1] or value is None:
            return None
        outs[-1][key] = value
    return {"outs": outs}


def _scalar(key: str, text: str) -> object:
    if key in ("size", "nfiles"):
        return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) else None
    if key == "isexec":
        return True if text == "true" else None
    if key in ("blake3", "md5"):
        bare = text[1:-1] if text[0] == "'" else text
        is_hex = re.fullmatch(r"[0-9a-f]+(\.dir)?", bare) is not None
        return bare if is_hex and _digest_text(bare) == text else None
    if text[0] == '"':
        try:
            value = json.loads(text)
        except ValueError:
            return None
        return value if isinstance(value, str) and _quoted(value) == text else None
    return text if _is_plain(text) else None


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS
        and _NUMERIC.fullmatch(text) is None
    )


def _quoted(text: str) -> str:
    if _is_plain(text):
        return text
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    # Not JSON's own escapes above U+FFFF: YAML would read a surrogate pair as two characters.
    if char.isprintable() or char > "\uffff":
        return json.dumps(char, ensure_ascii=False)[1:-1]
    return f"\\u{ord(char):04x}"


def _digest_text(text: str) -> str:
    """A digest as YAML spells it: one that looks like a number is quoted, as DVC does."""
    return f"'{text}'" if _NUMERIC_DIGEST.fullmatch(text) else text


def write_canonical(items: list[dict[str, Any]]) -> bytes:
    """The text of a pointer that holds nothing but these outputs."""
    lines = ["outs:"]
    for item in items:
        lead = "- "
        for key, value in item.items():
            lines.append(f"{lead}{key}: {_spelled(key, value)}")
            lead = "  "
    return ("\n".join(lines) + "\n").encode("utf-8")


def _spelled(key: str, value: object) -> str:
    if isinstance(value, int):
        return "true" if value is True else str(value)
    return _quoted(str(value)) if key == "path" else _digest_text(str(value))


def edit(previous: bytes | None, wanted: dict[str, Any]) -> bytes:
    """``previous`` with only what differs from ``wanted`` changed; the rest keeps its form.

    Raises :class:`YamlProblem` when ``previous`` cannot be read.
    """
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    known = read_mapping(previous) if previous else {}
    yaml = YAML()
    yaml.width = 1 << 16
    yaml.preserve_quotes = True
    out = StringIO()
    try:
        document = yaml.load(previous.decode("utf-8")) if previous else {}
        old, said, items = document.get("outs"), known.get("outs"), wanted["outs"]
        if _are_mappings(old, len(items)) and _are_mappings(said, len(items)):
            for target, item, fields in zip(old, items, said, strict=True):
                _update(target, item, fields)
            wanted = {**wanted, "outs": said}
        _update(document, wanted, known)
        yaml.dump(document, out)
    except (YAMLError, ValueError, KeyError) as error:
        problem = str(getattr(error, "problem", None) or error).split("\n")[0]
        raise YamlProblem(problem) from None
    return out.getvalue().encode("utf-8")


def _are_mappings(value: object, count: int) -> TypeGuard[list[dict[str, Any]]]:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(item, dict) for item in value)
    )


def _update(target: Any, wanted: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Change in ``target`` what differs between ``known``, as it was read, and ``wanted``."""
    for key in [key for key in target if key not in wanted]:
        del target[key]
    for key, value in wanted.items():
        if key not in target or key not in known or known[key] != value:
            target[key] = _escapable(value)


def _escapable(value: Any) -> Any:
    """``value`` with text marked for escapes where it holds what YAML would fold or refuse."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str) and not value.isprintable():
        return DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        return {key: _escapable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escapable(item) for item in value]
    return value
