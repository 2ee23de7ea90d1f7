"""The lock file: ``assay.lock``, what each stage last consumed and produced, in DVC's layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.core.dialect import Dialect
from assay.core.pointer import Output, parse_output
from assay.core.yaml_reader import YamlProblem, read_mapping
from assay.data.model import printable
from assay.errors import InvalidInput
from assay.pipelines.model import Command, LockEntry

SCHEMA = "2.0"
_MAX_BYTES = 64 << 20
_KNOWN = {"cmd", "deps", "params", "outs"}


def read_lock(data: bytes, *, path: bytes, dialect: Dialect) -> dict[str, LockEntry]:
    """Entries by stage name; raises :class:`InvalidInput` ``lock-invalid``."""
    where = printable(path)
    if not data.strip():
        return {}
    if len(data) > _MAX_BYTES:
        raise _invalid(where, "it is far too large")
    try:
        top = read_mapping(data)
    except YamlProblem as problem:
        raise _invalid(where, problem.why, problem.line) from None
    schema = top.get("schema")
    if schema != SCHEMA:
        raise InvalidInput(
            "lock-newer-format",
            f"{where}: schema {str(schema)[:40]!r} is not known here.",
            why=f"This version reads schema {SCHEMA!r}.",
            fix="Upgrade assay, or restore the file from Git.",
            paths=(where,),
        )
    stages = top.get("stages") or {}
    if not isinstance(stages, dict):
        raise _invalid(where, "`stages` is not a mapping")
    return {str(name): _entry(item, where, dialect) for name, item in stages.items()}


def _entry(item: object, where: str, dialect: Dialect) -> LockEntry:
    if not isinstance(item, dict):
        raise _invalid(where, "a stage is not a mapping")
    params = item.get("params") or {}
    if not isinstance(params, dict) or not all(isinstance(v, dict) for v in params.values()):
        raise _invalid(where, "`params` is not a mapping of mappings")
    return LockEntry(
        command=_command(item.get("cmd"), where),
        deps=_outputs(item.get("deps"), where, dialect),
        params=params,
        outs=_outputs(item.get("outs"), where, dialect),
        extra={key: value for key, value in item.items() if key not in _KNOWN},
    )


def _command(value: object, where: str) -> Command:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return tuple(value)
    raise _invalid(where, "`cmd` is not a command")


def _outputs(value: object, where: str, dialect: Dialect) -> tuple[Output, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _invalid(where, "`deps` or `outs` is not a list")
    try:
        return tuple(parse_output(item, dialect=dialect, where=where) for item in value)
    except InvalidInput as error:
        if error.code == "pointer-newer-format":
            raise
        raise _invalid(where, error.what.removesuffix(".")) from None


def entry_fields(entry: LockEntry, dialect: Dialect, *, sizes: bool = True) -> dict[str, Any]:
    """One stage as the lock writes it; without ``sizes`` as the run cache hashes it."""
    fields: dict[str, Any] = {
        "cmd": entry.command if isinstance(entry.command, str) else list(entry.command)
    }
    if entry.deps:
        fields["deps"] = [_fields(item, dialect, sizes) for item in _by_path(entry.deps)]
    if entry.params:
        fields["params"] = {name: dict(values) for name, values in entry.params.items()}
    if entry.outs:
        fields["outs"] = [_fields(item, dialect, sizes) for item in _by_path(entry.outs)]
    fields.update(entry.extra)
    return fields


def _by_path(items: tuple[Output, ...]) -> list[Output]:
    return sorted(items, key=lambda item: item.path)


def _fields(item: Output, dialect: Dialect, sizes: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"path": item.path}
    if item.digest is not None:
        fields["hash"] = dialect.algorithm
        fields[dialect.algorithm] = item.digest.hex() + (".dir" if item.is_folder else "")
    if sizes and item.size_bytes is not None:
        fields["size"] = item.size_bytes
    if sizes and item.file_count is not None and item.is_folder:
        fields["nfiles"] = item.file_count
    if item.is_executable:
        fields["isexec"] = True
    fields.update(item.extra)
    return fields


def render_lock(
    previous: bytes | None, changed: Mapping[str, LockEntry], *, path: bytes, dialect: Dialect
) -> bytes:
    """The lock's bytes with some entries new; everything else keeps its text."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.preserve_quotes = True
    try:
        document = yaml.load(previous.decode("utf-8")) if previous and previous.strip() else None
        if document is None:
            document = {"schema": SCHEMA, "stages": {}}
        if not isinstance(document.get("stages"), dict):
            document["stages"] = {}
        for name, entry in changed.items():
            document["stages"][name] = entry_fields(entry, dialect)
        out = StringIO()
        yaml.dump(document, out)
    except (YAMLError, ValueError) as error:
        said = str(getattr(error, "problem", None) or error).split("\n")[0]
        raise _invalid(printable(path), said) from None
    return out.getvalue().encode("utf-8")


def render_entry(entry: LockEntry, dialect: Dialect) -> bytes:
    """One entry alone, as the run cache keeps it."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    out = StringIO()
    yaml.dump(entry_fields(entry, dialect), out)
    return out.getvalue().encode("utf-8")


def read_entry(data: bytes, *, path: str, dialect: Dialect) -> LockEntry:
    """What :func:`render_entry` wrote."""
    try:
        return _entry(read_mapping(data), path, dialect)
    except YamlProblem as problem:
        raise _invalid(path, problem.why, problem.line) from None


def _invalid(where: str, why: str, line: int | None = None) -> InvalidInput:
    place = where if line is None else f"{where}:{line}"
    return InvalidInput(
        "lock-invalid",
        f"{place} is not a valid lock: {why}.",
        why="It was edited by hand, merged with conflicts, or cut short.",
        fix="Restore it with `git checkout -- FILE`, or delete it and run `assay repro`.",
        paths=(where,),
    )
