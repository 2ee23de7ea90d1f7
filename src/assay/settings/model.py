"""The settings in force: every layer and the environment composed into one frozen value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assay.core.dialect import NATIVE, Dialect
from assay.errors import InvalidInput, NotFound
from assay.settings.keys import KeyPath, default_of, find_key, name_of
from assay.settings.layers import Layer, read_layers, typed
from assay.settings.levels import (
    LevelFile,
    codec,
    current_environment,
    default_key,
    home_folder,
    level_files,
)

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REFERENCE = "remote://"
_MOST_REFERENCES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value in force and the file it came from; ``raw`` is how the file has it."""

    path: KeyPath
    raw: object
    value: object
    file: LevelFile

    @property
    def name(self) -> str:
        """The dotted name."""
        return name_of(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """``core.*``; ``remote`` is the name of the default remote."""

    remote: str | None
    autostage: bool
    checksum_jobs: int | None
    no_scm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """``cache.*``; ``types`` in order of preference, ``dir`` absolute."""

    dir: Path
    types: tuple[str, ...]
    is_shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """``remote.NAME.*``; ``url`` is an address with a scheme or an absolute path.

    ``layout`` is None where the remote itself or the dialect decides.  ``options`` holds
    whatever else the files say about the remote.
    """

    name: str
    url: str
    jobs: int | None
    layout: str | None
    verify: bool
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSettings:
    """What making and taking releases needs.

    ``signing_key`` is where the private key lies (or its public half, where an agent holds it);
    ``policy_root`` the root that is trusted, ``git_remote`` the name of Git's remote.
    """

    signing_key: str | None
    policy_root: str | None
    git_remote: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a project, its user and the environment have set."""

    root: Path
    dialect: Dialect
    core: CoreSettings
    cache: CacheSettings
    remotes: Mapping[str, RemoteSettings]
    gc_grace_days: int
    trash_keep_days: int
    add_symlinks: str
    jobs: int | None
    release: ReleaseSettings

    @property
    def home(self) -> Path:
        """The project's own folder, `.assay`."""
        return self.root / self.dialect.home

    def remote(self, name: str | None = None) -> RemoteSettings:
        """The remote of that name, or the default one.

        Raises NotFound ``remote-unset`` when none is named nor set, ``remote-unknown`` when no
        remote has the name.
        """
        wanted = name or self.core.remote
        if not wanted:
            raise NotFound(
                "remote-unset",
                "No remote was named, and none is the default.",
                fix="Name one with --remote, or set one: `assay remote default NAME`."
                if self.remotes
                else "Add one: `assay remote add --default NAME URL`.",
            )
        return _resolved(self.remotes, wanted)


def load(
    root: Path, dialect: Dialect = NATIVE, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force in the project at ``root``."""
    environ = current_environment() if environ is None else environ
    files = level_files(root, dialect, environ)
    return compose(root, dialect, read_layers(files, dialect), environ)


def trusted_root(environ: Mapping[str, str] | None = None) -> str | None:
    """The policy root that whoever runs this trusts, outside any project."""
    environ = current_environment() if environ is None else environ
    layers = read_layers(level_files(None, NATIVE, environ), NATIVE)
    return environ.get("ASSAY_POLICY_ROOT") or _own_root(values_of(layers, NATIVE, environ))


def signing_key(environ: Mapping[str, str] | None = None) -> str | None:
    """Where the user's private key lies, outside any project."""
    environ = current_environment() if environ is None else environ
    layers = read_layers(level_files(None, NATIVE, environ), NATIVE)
    found = values_of(layers, NATIVE, environ).get(("signing", "key"))
    return _signing_key(_text(found.value) if found else None, environ)


def values_of(
    layers: Iterable[Layer], dialect: Dialect, environ: Mapping[str, str]
) -> dict[KeyPath, Value]:
    """The value in force for every key that is set, the unknown ones too."""
    form = codec(dialect)
    effective: dict[KeyPath, Value] = {}
    for layer in layers:
        for path, raw in layer.values.items():
            key = find_key(path)
            value = raw if key is None else typed(key, raw, form)
            if key is not None and key.is_location:
                value = resolve_location(str(value), layer.file.path.parent, environ)
            effective[path] = Value(path=path, raw=raw, value=value, file=layer.file)
    return effective


def compose(
    root: Path, dialect: Dialect, layers: Iterable[Layer], environ: Mapping[str, str]
) -> Settings:
    """The settings that layers and environment amount to."""
    values = values_of(layers, dialect, environ)

    def get(section: str, option: str) -> object:
        found = values.get((section, option))
        return default_of(f"{section}.{option}") if found is None else found.value

    given_cache = environ.get("ASSAY_CACHE_DIR")
    cache_dir = os.path.abspath(given_cache) if given_cache else get("cache", "dir")
    jobs = _jobs(environ)
    return Settings(
        root=root,
        dialect=dialect,
        core=CoreSettings(
            remote=_text(get("core", "remote")),
            autostage=get("core", "autostage") is True,
            checksum_jobs=_number(get("core", "checksum_jobs")),
            no_scm=get("core", "no_scm") is True,
        ),
        cache=CacheSettings(
            dir=Path(str(cache_dir)) if cache_dir else root / dialect.home / "cache",
            types=_words(get("cache", "type")),
            is_shared=get("cache", "shared") == "group",
        ),
        remotes=_remotes(values, jobs),
        gc_grace_days=_number(get("gc", "grace_days")) or 0,
        trash_keep_days=_number(get("trash", "keep_days")) or 0,
        add_symlinks=str(get("add", "symlinks")),
        jobs=jobs,
        release=ReleaseSettings(
            signing_key=_signing_key(_text(get("signing", "key")), environ),
            policy_root=environ.get("ASSAY_POLICY_ROOT") or _text(get("trust", "policy_root")),
            git_remote=_text(get("release", "git_remote")),
        ),
    )


def _own_root(values: Mapping[KeyPath, Value]) -> str | None:
    """The policy root that whoever runs this pinned; a repository cannot vouch for itself."""
    found = values.get(("trust", "policy_root"))
    return None if found is None or found.file.level == "project" else _text(found.value)


def _signing_key(configured: str | None, environ: Mapping[str, str]) -> str | None:
    """The key that was named, or else the one that lies where `policy init` puts it."""
    given = environ.get("ASSAY_SIGNING_KEY")
    if given:
        return os.path.abspath(given)
    default = str(default_key(environ))
    return configured or (default if os.path.exists(default) else None)


def _remotes(values: Mapping[KeyPath, Value], jobs: int | None) -> dict[str, RemoteSettings]:
    options: dict[str, dict[str, object]] = {}
    for path, found in values.items():
        if len(path) == 3 and path[0] == "remote":
            options.setdefault(path[1], {})[path[2]] = found.value
    return {
        name: RemoteSettings(
            name=name,
            url=str(given.pop("url", "")),
            jobs=jobs or own_jobs,
            layout=_text(given.pop("layout", None)),
            verify=given.pop("verify", True) is True,
            options=given,
        )
        for name, given in options.items()
        for own_jobs in (_number(given.pop("jobs", None)),)
    }


def _resolved(remotes: Mapping[str, RemoteSettings], name: str) -> RemoteSettings:
    """The remote with ``remote://OTHER/path`` replaced by where OTHER is."""
    found = _named(remotes, name)
    tail = ""
    url = found.url
    for _ in range(_MOST_REFERENCES):
        if not url.startswith(_REFERENCE):
            return replace(found, url=url.rstrip("/") + tail if tail else url)
        other, _, below = url.removeprefix(_REFERENCE).partition("/")
        tail = f"/{below}{tail}" if below else tail
        url = _named(remotes, other).url
    raise InvalidInput(
        "remote-circular",
        f"The address of remote {name!r} leads back to itself.",
        why=f"{found.url} refers to a remote that refers to this one.",
        fix=f"Give it an address of its own: `assay remote modify {name} url ...`.",
    )


def _named(remotes: Mapping[str, RemoteSettings], name: str) -> RemoteSettings:
    found = remotes.get(name)
    if found is not None and found.url:
        return found
    if found is not None:
        raise InvalidInput(
            "remote-without-url",
            f"The remote {name!r} has settings but no address.",
            fix=f"Set it: `assay remote modify {name} url ADDRESS`.",
        )
    raise unknown_remote(name, remotes)


def unknown_remote(name: str, known: Iterable[str]) -> NotFound:
    """The error for a remote that is not configured."""
    names = sorted(known)
    return NotFound(
        "remote-unknown",
        f"There is no remote {name!r}.",
        why=f"Known here: {', '.join(names)}." if names else "No remote is configured here.",
        fix=f"Add it: `assay remote add {name} URL`.",
    )


def is_address(text: str) -> bool:
    """Whether a location has a scheme, and so is not a path of this machine."""
    return bool(_SCHEME.match(text))


def resolve_location(text: str, base: Path, environ: Mapping[str, str]) -> str:
    """A location as a file at ``base`` means it: an address, or an absolute path."""
    if is_address(text):
        return text
    if text == "~" or text.startswith("~/"):
        return os.path.normpath(home_folder(environ) + text[1:])
    return os.path.normpath(os.path.join(base, text))


def store_location(text: str, cwd: Path, base: Path) -> str:
    """A location that a person in ``cwd`` wrote, as a file in ``base`` is to hold it.

    A relative path then means the same from everywhere, and for whoever clones the repository.
    """
    if is_address(text) or os.path.isabs(text) or text == "~" or text.startswith("~/"):
        return text
    return os.path.relpath(os.path.join(cwd, text), base).replace(os.sep, "/")


def _jobs(environ: Mapping[str, str]) -> int | None:
    given = environ.get("ASSAY_JOBS")
    if not given:
        return None
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    raise InvalidInput(
        "environment-invalid",
        f"ASSAY_JOBS is {given!r}.",
        why="It must be a whole number, at least 1.",
        fix="Correct or unset the variable.",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
