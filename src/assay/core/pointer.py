"""Pointers: the small YAML files in Git that stand for tracked data.

The grammar is DVC's in both dialects.  Keys that are not understood are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.core.dialect import Dialect
from assay.core.digest import parse_hex
from assay.core.pointer_text import edit, read_canonical, write_canonical
from assay.core.yaml_reader import YamlProblem, read_mapping
from assay.errors import InvalidInput

MAX_BYTES = 1 << 20
"""A longer file is no pointer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One tracked path as its pointer records it.

    ``path`` is relative to the pointer's folder (bytes that are not UTF-8 as surrogate
    escapes); ``digest`` is ``None`` before the first commit; ``size_bytes`` and ``file_count``
    are ``None`` where the pointer does not say; ``extra`` holds every other key.
    """

    path: str
    digest: bytes | None
    is_folder: bool = False
    size_bytes: int | None = None
    file_count: int | None = None
    is_executable: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def remote(self) -> str | None:
        """The one remote this output belongs to, where the pointer names one."""
        value = self.extra.get("remote")
        return value if isinstance(value, str) else None

    @property
    def is_pushed(self) -> bool:
        """False where the pointer says ``push: false``."""
        return self.extra.get("push") is not False

    @property
    def is_cached(self) -> bool:
        """False where the pointer says ``cache: false``: Git itself keeps the file."""
        return self.extra.get("cache") is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What one pointer file says; ``extra`` holds the top-level keys besides ``outs``."""

    outs: tuple[Output, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


def parse_pointer(data: bytes, *, dialect: Dialect, where: str) -> Pointer:
    """A pointer from its bytes; ``where`` is the file's name for messages.

    Raises :class:`InvalidInput` ``pointer-invalid`` naming file and, where known, line.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(where, "it is far too large for a pointer")
    fields = read_canonical(data)
    if fields is None:
        fields = _read_yaml(data, where)
    outs = fields.get("outs")
    if not isinstance(outs, list) or not outs:
        raise _invalid(where, "it has no list `outs`")
    return Pointer(
        outs=tuple(parse_output(item, dialect=dialect, where=where) for item in outs),
        extra={key: value for key, value in fields.items() if key != "outs"},
    )


# Bytes that are not UTF-8 stand as U+DC80 to U+DCFF; no other surrogate names a file.
_NOT_A_NAME = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")
_KNOWN = {"size", "nfiles", "isexec", "hash", "path"}


def parse_output(item: object, *, dialect: Dialect, where: str) -> Output:
    """One item of `outs`, as pointers and locks have it; raises as :func:`parse_pointer`."""
    if not isinstance(item, dict):
        raise _invalid(where, "an item of `outs` is not a mapping")
    path = item.get("path")
    if not isinstance(path, str) or not path:
        raise _invalid(where, "an item of `outs` has no `path`")
    if _NOT_A_NAME.search(path):
        raise _invalid(where, "a `path` holds characters that no file name can")
    if not all(isinstance(key, str) for key in item):
        raise _invalid(where, "a key in `outs` is not text")
    digest, is_folder = _digest(item, dialect, where)
    known = {*_KNOWN, dialect.algorithm}
    return Output(
        path=path,
        digest=digest,
        is_folder=is_folder,
        size_bytes=_count(item, "size", where),
        file_count=_count(item, "nfiles", where),
        is_executable=item.get("isexec") is True,
        extra={key: value for key, value in item.items() if key not in known},
    )


def _digest(item: Mapping[str, object], dialect: Dialect, where: str) -> tuple[bytes | None, bool]:
    declared = item.get("hash", dialect.algorithm)
    if not isinstance(declared, str):
        raise _invalid(where, "`hash` is not a name")
    if declared != dialect.algorithm:
        raise InvalidInput(
            "pointer-newer-format",
            f"{where}: hash {declared[:40]!r} is not known here.",
            why=f"This repository's digests are {dialect.algorithm}.",
            fix="Upgrade assay, or restore the file from Git.",
            paths=(where,),
        )
    text = item.get(dialect.algorithm)
    if text is None:
        return None, False
    if not isinstance(text, str):
        raise _invalid(where, f"`{dialect.algorithm}` is not a digest")
    text = text.lower()
    hexadecimal = text.removesuffix(".dir")
    name = f"{where}: {dialect.algorithm}"
    return parse_hex(hexadecimal, width=dialect.digest_width, where=name), text != hexadecimal


def _count(item: Mapping[str, object], key: str, where: str) -> int | None:
    value = item.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise _invalid(where, f"`{key}` is not a count")
    return value


def _invalid(where: str, why: str, line: int | None = None) -> InvalidInput:
    place = where if line is None else f"{where}:{line}"
    return InvalidInput(
        "pointer-invalid",
        f"{place} is not a valid pointer: {why}.",
        why="It was edited by hand, merged with conflicts, or cut short.",
        fix="Restore it with `git checkout -- FILE`, or add the data again.",
        paths=(where,),
    )


def _read_yaml(data: bytes, where: str) -> dict[str, Any]:
    try:
        return read_mapping(data)
    except YamlProblem as problem:
        raise _invalid(where, problem.why, problem.line) from None


def output_fields(output: Output, dialect: Dialect) -> dict[str, Any]:
    """The keys of one output in the order in which DVC writes them."""
    fields: dict[str, Any] = {}
    if output.digest is not None:
        fields[dialect.algorithm] = output.digest.hex() + (".dir" if output.is_folder else "")
    if output.size_bytes is not None:
        fields["size"] = output.size_bytes
    if output.file_count is not None and output.is_folder:
        fields["nfiles"] = output.file_count
    if output.is_executable:
        fields["isexec"] = True
    fields["hash"] = dialect.algorithm
    fields.update(output.extra)
    fields["path"] = output.path
    return fields


def render(pointer: Pointer, *, dialect: Dialect, previous: bytes | None = None) -> bytes:
    """The bytes of a pointer file.

    ``previous`` is the text being replaced: when it holds more than the canonical form
    (comments, other keys, another order) it is edited in place, so that none of that is lost.
    """
    items = [output_fields(output, dialect) for output in pointer.outs]
    simple = not pointer.extra and not any(output.extra for output in pointer.outs)
    if simple and (previous is None or read_canonical(previous) is not None):
        return write_canonical(items)
    try:
        return edit(previous, {**pointer.extra, "outs": items})
    except YamlProblem as problem:
        raise _invalid("the pointer to replace", problem.why, problem.line) from None
