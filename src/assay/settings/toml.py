"""Configuration files in TOML: read with the standard library, edited without losing comments."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from assay.settings.keys import KeyPath

FILE_NAME = "config.toml"
LOCAL_FILE_NAME = "config.local.toml"
FOLDER_NAME = "assay"
IS_TYPED = True

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_POSITION = re.compile(r"\(at line (\d+)")


class Malformed(ValueError):
    """The text is not TOML; carries the line where that shows."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


def parse(text: str) -> dict[str, object]:
    """The tables of a file.  Raises :class:`Malformed`."""
    if all(
        not line or line.isspace() or line.lstrip().startswith("#") for line in text.split("\n")
    ):
        return {}  # nothing but comments is the usual case, and needs no parser
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        found = _POSITION.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise Malformed(str(error), line) from error


def edit(
    text: str,
    *,
    assign: Mapping[KeyPath, object] | None = None,
    drop: tuple[KeyPath, ...] = (),
) -> str:
    """``text`` with some keys dropped, then some assigned; a table left empty goes too.

    A path in ``drop`` may name a whole table.  Comments and order of the rest stay.
    """
    import tomlkit
    from tomlkit.items import InlineTable

    document: Any = tomlkit.parse(text)
    for path in drop:
        _drop(document, path)
    for path, value in (assign or {}).items():
        table = document
        for depth, part in enumerate(path[:-1]):
            if part not in table:
                if table is document and document.as_string().strip():
                    document.add(tomlkit.nl())
                only_holds_tables = depth < len(path) - 2
                table[part] = (
                    tomlkit.inline_table()
                    if isinstance(table, InlineTable)
                    else tomlkit.table(is_super_table=only_holds_tables)
                )
            table = table[part]
            if not isinstance(table, MutableMapping):
                raise TypeError(f"{'.'.join(path[: depth + 1])} is not a table")
        table[path[-1]] = value
    edited = tomlkit.dumps(document)
    # Where a table at the top went, the library may leave the line that parted it from the next.
    return edited if text.startswith("\n") else edited.lstrip("\n")


def _drop(document: Any, path: KeyPath) -> None:
    holders = [document]
    for part in path[:-1]:
        holders.append(holders[-1][part])
    for depth in range(len(path) - 1, -1, -1):
        del holders[depth][path[depth]]
        if holders[depth]:
            break


def line_of(text: str, path: KeyPath) -> int:
    """The line on which a key stands, for an error message; 1 where it cannot be told."""
    table: KeyPath = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.match(line)
        if header:
            table = _parts(header[1])
            if table == path:
                return number
            continue
        name, equals, _ = line.partition("=")
        if equals and (*table, *_parts(name)) == path[: len(table) + len(_parts(name))]:
            return number
    return 1


def _parts(dotted: str) -> KeyPath:
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)', dotted)
    return tuple(double or single or bare for double, single, bare in pieces)
