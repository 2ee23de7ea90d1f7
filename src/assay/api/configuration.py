"""Configuration through the door: options, remotes and the cache folder of a project or a user.

``level`` is ``system``, ``global``, ``project`` or ``local``; without one, reading means the
values in force and writing means the project's own file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.core.dialect import NATIVE, Dialect
from assay.core.progress import SILENT, Progress
from assay.errors import Conflict, InvalidInput, NotFound
from assay.settings import (
    KEYS,
    LEVELS,
    Key,
    KeyPath,
    LevelFile,
    RemoteSettings,
    Unsuitable,
    Value,
    change,
    current_environment,
    find_key,
    find_root,
    level_files,
    load,
    no_project,
    path_of,
    read_layers,
    store_location,
    unknown_remote,
    values_of,
)

_DEFAULT_REMOTE: KeyPath = ("core", "remote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option that is set: ``text`` is how a person writes the value, ``raw`` has its type."""

    name: str
    text: str
    raw: object
    level: str
    origin: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One configured remote as the list shows it."""

    name: str
    url: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The configuration as seen from the folder ``start``; outside a project the user's only."""

    start: Path
    root: Path | None
    dialect: Dialect
    environ: Mapping[str, str]
    progress: Progress = SILENT

    @classmethod
    def at(
        cls,
        start: Path,
        *,
        environ: Mapping[str, str] | None = None,
        progress: Progress = SILENT,
    ) -> Configuration:
        """The configuration that holds in ``start``."""
        start = Path(os.path.abspath(start))
        root, dialect = find_root(start) or (None, NATIVE)
        environ = current_environment() if environ is None else environ
        return cls(start=start, root=root, dialect=dialect, environ=environ, progress=progress)

    def options(self, level: str | None = None) -> list[Option]:
        """Every option that is set, sorted by name."""
        values = self._values(level)
        return [_option(values[path]) for path in sorted(values)]

    def every_option(self) -> list[Option]:
        """What each file says, overridden or not, from the most general file on."""
        return [option for file in self._files() for option in self.options(file.level)]

    def get(self, name: str, level: str | None = None) -> Option:
        """One option.  Raises NotFound ``option-unset`` where it is not set."""
        path = path_of(name)
        found = self._values(level).get(path)
        if found is not None:
            return _option(found)
        _require_key(path)
        where = f"at the {level} level" if level else "at any level"
        raise NotFound("option-unset", f"{name} is not set {where}.")

    def set(self, name: str, text: str, level: str | None = None) -> None:
        """Set one option to what a person wrote."""
        path = path_of(name)
        file = self._file(level)
        self._change(file, assign={path: self._stored(path, text, file)})

    def unset(self, name: str, level: str | None = None) -> None:
        """Remove one option from a level.  Raises NotFound ``option-unset``."""
        path = path_of(name)
        file = self._file(level)
        if path not in self._values(file.level):
            _require_key(path)
            raise NotFound("option-unset", f"{name} is not set at the {file.level} level.")
        self._change(file, drop=(path,))

    def cache_dir(self) -> Path:
        """Where the cache of the project is."""
        return load(self._require_root(), self.dialect, self.environ).cache.dir

    def remotes(self, level: str | None = None) -> list[Remote]:
        """The remotes that are configured, by name."""
        values = self._values(level)
        default = values.get(_DEFAULT_REMOTE)
        return [
            Remote(
                name=path[1],
                url=str(values[path].value),
                is_default=default is not None and default.value == path[1],
            )
            for path in sorted(values)
            if len(path) == 3 and path[0] == "remote" and path[2] == "url"
        ]

    def remote(self, name: str | None = None) -> RemoteSettings:
        """One remote's settings, or those of the default one."""
        return load(self._require_root(), self.dialect, self.environ).remote(name)

    def add_remote(
        self,
        name: str,
        url: str,
        *,
        level: str | None = None,
        is_default: bool = False,
        force: bool = False,
    ) -> None:
        """Name a remote.  Raises Conflict ``remote-exists`` unless ``force``."""
        _require_remote_name(name)
        file = self._file(level)
        existing = self._of_remote(name, file.level)
        if existing and not force:
            raise Conflict(
                "remote-exists",
                f"There is a remote {name!r} already.",
                fix="Use --force to replace it, or `assay remote modify` to change it.",
            )
        place: KeyPath = ("remote", name, "url")
        assign: dict[KeyPath, object] = {_DEFAULT_REMOTE: name} if is_default else {}
        assign[place] = self._stored(place, url, file)
        self._change(file, assign=assign, drop=(("remote", name),) if existing else ())

    def modify_remote(
        self, name: str, option: str, text: str | None, *, level: str | None = None
    ) -> None:
        """Set one option of a remote, or unset it when ``text`` is None."""
        self._require_remote(name)
        if text is None:
            self.unset(f"remote.{name}.{option}", level)
        else:
            self.set(f"remote.{name}.{option}", text, level)

    def default_remote(self, level: str | None = None) -> str | None:
        """The name of the default remote, if there is one."""
        found = self._values(level).get(_DEFAULT_REMOTE)
        return None if found is None else str(found.value)

    def set_default_remote(self, name: str | None, *, level: str | None = None) -> None:
        """Make a remote the default, or have none when ``name`` is None."""
        if name is None:
            self.unset("core.remote", level)
            return
        self._require_remote(name)
        self.set("core.remote", name, level)

    def rename_remote(self, old: str, new: str, *, level: str | None = None) -> None:
        """Give a remote another name in one level; every level's default follows."""
        _require_remote_name(new)
        if self._of_remote(new, None):
            raise Conflict("remote-exists", f"There is a remote {new!r} already.")
        file = self._file(level)
        given = self._of_remote(old, file.level)
        if not given:
            raise self._unknown(old, level)
        renamed: dict[KeyPath, object] = {
            ("remote", new, path[2]): value.raw for path, value in given.items()
        }
        self._change(file, assign=renamed, drop=(("remote", old),))
        for other in self._defaulting_to(old):
            self._change(other, assign={_DEFAULT_REMOTE: new})

    def remove_remote(self, name: str, *, level: str | None = None) -> None:
        """Forget a remote in one level; where it was the default there is none then."""
        file = self._file(level)
        if not self._of_remote(name, file.level):
            raise self._unknown(name, level)
        self._change(file, drop=(("remote", name),))
        if not self._of_remote(name, None):
            for other in self._defaulting_to(name):
                self._change(other, drop=(_DEFAULT_REMOTE,))

    def _files(self, level: str | None = None) -> tuple[LevelFile, ...]:
        files = level_files(self.root, self.dialect, self.environ)
        return files if level is None else tuple(f for f in files if f.level == level)

    def _file(self, level: str | None) -> LevelFile:
        level = level or "project"
        if level not in LEVELS:
            raise InvalidInput("level-unknown", f"There is no configuration level {level!r}.")
        files = self._files(level)
        if not files:
            raise no_project(self.start)
        return files[0]

    def _values(self, level: str | None) -> dict[KeyPath, Value]:
        files = self._files() if level is None else (self._file(level),)
        return values_of(read_layers(files, self.dialect), self.dialect, self.environ)

    def _change(
        self,
        file: LevelFile,
        *,
        assign: Mapping[KeyPath, object] | None = None,
        drop: tuple[KeyPath, ...] = (),
    ) -> None:
        change(file, self.dialect, assign=assign, drop=drop, progress=self.progress)

    def _stored(self, path: KeyPath, text: str, file: LevelFile) -> object:
        key = _require_key(path)
        try:
            value = key.parse(text)
        except Unsuitable as error:
            raise InvalidInput(
                "option-invalid",
                f"{'.'.join(path)} cannot be {text!r}.",
                why=f"It must be {error}.",
            ) from error
        if key.is_location:
            value = store_location(str(value), self.start, file.path.parent)
        return value

    def _of_remote(self, name: str, level: str | None) -> dict[KeyPath, Value]:
        values = self._values(level)
        return {p: v for p, v in values.items() if p[:2] == ("remote", name) and len(p) == 3}

    def _require_remote(self, name: str) -> None:
        if not self._of_remote(name, None):
            raise self._unknown(name, None)

    def _unknown(self, name: str, level: str | None) -> NotFound:
        known = {p[1] for p in self._values(level or "project") if p[0] == "remote"}
        return unknown_remote(name, known)

    def _defaulting_to(self, name: str) -> list[LevelFile]:
        return [
            file
            for file in self._files()
            if (found := self._values(file.level).get(_DEFAULT_REMOTE)) and found.value == name
        ]

    def _require_root(self) -> Path:
        if self.root is None:
            raise no_project(self.start)
        return self.root


def project_root(start: Path) -> Path:
    """The top folder of the project that holds ``start``."""
    found = find_root(start)
    if found is None:
        raise no_project(start)
    return found[0]


def option_text(raw: object) -> str:
    """A stored value as a person would write it."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, list | tuple):
        return ",".join(map(str, raw))
    return str(raw)


def _option(value: Value) -> Option:
    return Option(
        name=value.name,
        text=option_text(value.raw),
        raw=value.raw,
        level=value.file.level,
        origin=value.file.path,
    )


def _require_key(path: KeyPath) -> Key:
    key = find_key(path)
    if key is not None:
        return key
    import difflib

    name = ".".join(path)
    shapes = {k.name.replace("*", path[1]) if len(path) == 3 else k.name: k for k in KEYS}
    near = difflib.get_close_matches(name, shapes, n=1)
    raise InvalidInput(
        "option-unknown",
        f"There is no option {name!r}.",
        fix=f"Did you mean {near[0]}?" if near else f"Options: {', '.join(k.name for k in KEYS)}.",
    )


def _require_remote_name(name: str) -> None:
    is_fit = name and not name.startswith("-") and name.isprintable()
    if not is_fit or set(name) & set("/\\\"'[]"):
        raise InvalidInput(
            "remote-name-invalid",
            f"{name!r} cannot be the name of a remote.",
            why="A name is printable, begins not with '-', and holds no slash, quote or bracket.",
        )
