"""Reading and changing configuration files: one layer a level, checked, written whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType

from assay.core.dialect import Dialect
from assay.core.progress import SILENT, Progress
from assay.errors import InvalidInput
from assay.settings.keys import KEYS, Key, KeyPath, Unsuitable, find_key, name_of
from assay.settings.levels import LevelFile, codec
from assay.store.durable import disk_errors, make_folder, write_atomic
from assay.store.locks import locked

FORMAT_VERSION = 1

_VERSION_KEY: KeyPath = ("format_version",)
_SECTIONS = frozenset(key.name.partition(".")[0] for key in KEYS)
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one file says: every value by its place, those of unknown keys included."""

    file: LevelFile
    values: Mapping[KeyPath, object]


def read_layers(files: Iterable[LevelFile], dialect: Dialect) -> tuple[Layer, ...]:
    """The layers of the files that exist.  Raises InvalidInput ``config-invalid``."""
    form = codec(dialect)
    return tuple(
        Layer(file=file, values=flat_values(file, form, text))
        for file in files
        if (text := _text(file)) is not None
    )


def change(
    file: LevelFile,
    dialect: Dialect,
    *,
    assign: Mapping[KeyPath, object] | None = None,
    drop: tuple[KeyPath, ...] = (),
    progress: Progress = SILENT,
) -> None:
    """Drop and assign keys in one file, which is created when absent; comments stay.

    Nothing is written unless the new text says exactly what was asked.
    """
    form = codec(dialect)
    _refuse_link(file)
    with disk_errors(str(file.path)):
        make_folder(str(file.lock.parent))
        with locked(str(file.lock), what="the configuration", progress=progress):
            text = _text(file) or ""
            before = flat_values(file, form, text)
            after = _edited(file, form, text, assign or {}, drop)
            expected = {k: v for k, v in before.items() if not _is_within(k, drop)}
            if flat_values(file, form, after) != {**expected, **(assign or {})}:
                raise _uneditable(file, "its layout is one that assay cannot change safely")
            # A person's own file may be a link into their collection of such files.
            target = os.path.realpath(file.path)
            write_atomic(target, after.encode("utf-8"), mode=_mode(file))


def _edited(
    file: LevelFile,
    form: ModuleType,
    text: str,
    assign: Mapping[KeyPath, object],
    drop: tuple[KeyPath, ...],
) -> str:
    try:
        edited: str = form.edit(text, assign=assign, drop=drop)
    except (TypeError, ValueError, KeyError) as error:
        raise _uneditable(file, str(error)) from error
    return edited


def _is_within(path: KeyPath, dropped: tuple[KeyPath, ...]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in dropped)


def _mode(file: LevelFile) -> int:
    """The mode the file has; a new one of a person's own may come to hold credentials."""
    try:
        return stat.S_IMODE(os.stat(file.path).st_mode)
    except FileNotFoundError:
        return 0o600 if file.level in ("local", "global") else 0o666


def _refuse_link(file: LevelFile) -> None:
    if file.in_project and os.path.islink(file.path):
        raise _uneditable(file, "it is a symbolic link, and a repository's link may lead anywhere")


def _uneditable(file: LevelFile, why: str) -> InvalidInput:
    return InvalidInput(
        "config-uneditable",
        f"{file.path} was not changed.",
        why=f"{why[:1].upper()}{why[1:]}.",
        fix="Change it in an editor.",
        paths=(str(file.path),),
    )


def _text(file: LevelFile) -> str | None:
    """The file's text, or None where there is no file."""
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _invalid(file, 0, f"It cannot be read: {error.strerror}.") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            raise _invalid(file, 0, f"It is not a regular file of at most {_MOST_BYTES} bytes.")
        content = os.read(handle, _MOST_BYTES)
    finally:
        os.close(handle)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(file, line, "It is not UTF-8 text.") from error


def flat_values(file: LevelFile, form: ModuleType, text: str) -> dict[KeyPath, object]:
    """The values of a file's text by place, checked.  Raises InvalidInput ``config-invalid``."""
    try:
        values = _flat(form.parse(text))
    except ValueError as error:
        raise _invalid(file, getattr(error, "line", 0), f"{error}.") from error
    _check_version(file, values)
    for path, value in values.items():
        problem = _problem(path, value, form)
        if problem:
            raise _invalid(file, form.line_of(text, path), problem, key=name_of(path))
    return values


def _flat(tables: Mapping[str, object]) -> dict[KeyPath, object]:
    """Tables in tables as one table by place; three levels are all that settings have."""
    values: dict[KeyPath, object] = {}
    for section, content in tables.items():
        if not isinstance(content, dict):
            values[(section,)] = content
            continue
        for name, inner in content.items():
            if not isinstance(inner, dict):
                values[section, name] = inner
                continue
            for option, value in inner.items():
                values[section, name, option] = value
    return values


def _check_version(file: LevelFile, values: Mapping[KeyPath, object]) -> None:
    version = values.get(_VERSION_KEY, FORMAT_VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _invalid(file, 0, "Its format_version is not a whole number above 0.")
    if version > FORMAT_VERSION:
        raise InvalidInput(
            "config-newer-format",
            f"{file.path} has format {version}; this program reads up to {FORMAT_VERSION}.",
            why="A newer assay wrote it.",
            fix="Upgrade assay.",
            paths=(str(file.path),),
        )


def _problem(path: KeyPath, value: object, form: ModuleType) -> str:
    if len(path) == 1 and path[0] in _SECTIONS:
        return f"{path[0]} is a table of settings, not a value."
    if len(path) == 2 and path[0] == "remote":
        return 'A remote is a table: [remote.NAME] with url = "...".'
    key = find_key(path)
    if key is None:
        return ""
    try:
        typed(key, value, form)
    except Unsuitable as error:
        return f"It must be {error}, not {_shown(value)}."
    return ""


def typed(key: Key, value: object, form: ModuleType) -> object:
    """A value from a file as the program uses it; formats without types hold text."""
    if not form.IS_TYPED and isinstance(value, str):
        value = key.parse(value)
    return key.check(value)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) < 60 else f"a {type(value).__name__}"


def _invalid(file: LevelFile, line: int, why: str, *, key: str = "") -> InvalidInput:
    place = f"{file.path}, line {line}" if line else str(file.path)
    return InvalidInput(
        "config-invalid",
        f"{place}: {key} is not valid." if key else f"{place}: the file is not valid.",
        why=why,
        fix="Correct it in an editor.",
        paths=(str(file.path),),
    )
