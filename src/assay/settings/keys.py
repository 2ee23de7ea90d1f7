"""Which settings there are: name, kind, default and meaning of each."""

from __future__ import annotations

from dataclasses import dataclass, field

KeyPath = tuple[str, ...]
"""A key's place in a file: ``("core", "remote")``, ``("remote", "store", "url")``."""

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class Unsuitable(ValueError):
    """A value is not of its key's kind; the message says what the kind is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting.  ``*`` in the name stands for the name of a remote.

    ``kind`` is ``text``, ``bool``, ``count``, ``path``, ``url``, ``choice`` or ``choices``
    (several of ``choices``, in order of preference).  ``default`` is as a person would write it.
    """

    name: str
    kind: str
    help: str
    default: str = ""
    choices: tuple[str, ...] = field(default=())
    least: int = 0

    @property
    def is_location(self) -> bool:
        """Whether a relative value counts from the file that holds it."""
        return self.kind in ("path", "url")

    def expected(self) -> str:
        """The kind in words for an error message."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "choices":
            return "one or more of " + ", ".join(self.choices) + ", separated by commas"
        words = {"bool": "true or false", "count": f"a whole number, at least {self.least}"}
        return words.get(self.kind, "text that is not empty")

    def check(self, value: object) -> object:
        """``value`` from a typed file as the program uses it; raises :class:`Unsuitable`."""
        checked = self._fit(value)
        if checked is None:
            raise Unsuitable(self.expected())
        return checked

    def _fit(self, value: object) -> object:
        match self.kind, value:
            case "bool", bool():
                return value
            case "count", int() if not isinstance(value, bool):
                return value if self.least <= value < 1 << 31 else None
            case "choice", str():
                return value if value in self.choices else None
            case "choices", str() | list():
                words = value.split(",") if isinstance(value, str) else value
                named = tuple(w.strip() for w in words if isinstance(w, str))
                is_fit = 0 < len(named) == len(words) and set(named) <= set(self.choices)
                return named if is_fit else None
            case "text" | "path" | "url", str():
                return value if value and not set(value) & {"\0", "\n", "\r"} else None
        return None

    def parse(self, text: str) -> object:
        """What a person wrote, as the value to store; raises :class:`Unsuitable`."""
        value: object = text.strip()
        if self.kind == "bool":
            word = text.strip().lower()
            value = True if word in _TRUE else False if word in _FALSE else None
        elif self.kind == "count":
            digits = text.strip().lstrip("+")
            is_number = digits.isascii() and digits.isdigit() and len(digits) < 12
            value = int(digits) if is_number else None
        self.check(value)
        return value


LINK_TYPES = ("reflink", "hardlink", "symlink", "copy")

KEYS: tuple[Key, ...] = (
    Key(name="core.remote", kind="text", help="the remote that is meant when none is named"),
    Key(
        name="core.autostage",
        kind="bool",
        default="false",
        help="put changed pointers and ignore files into Git's index",
    ),
    Key(name="core.checksum_jobs", kind="count", least=1, help="processes that hash files"),
    Key(name="core.no_scm", kind="bool", default="false", help="work without Git"),
    Key(name="cache.dir", kind="path", help="where the cache is, if not in the project"),
    Key(
        name="cache.type",
        kind="choices",
        choices=LINK_TYPES,
        default="reflink,copy",
        help="how files come from the cache, in order of preference",
    ),
    Key(
        name="cache.shared",
        kind="choice",
        choices=("group",),
        help="let the cache folder's group write to it",
    ),
    Key(name="remote.*.url", kind="url", help="where the remote is"),
    Key(name="remote.*.jobs", kind="count", least=1, help="transfers at a time"),
    Key(
        name="remote.*.layout",
        kind="choice",
        choices=("packed", "plain"),
        help="how a new remote is laid out",
    ),
    Key(
        name="remote.*.verify",
        kind="bool",
        default="true",
        help="hash what arrives from the remote",
    ),
    Key(
        name="gc.grace_days",
        kind="count",
        default="14",
        help="days for which unused objects are kept",
    ),
    Key(
        name="trash.keep_days",
        kind="count",
        default="30",
        help="days for which displaced files can be restored",
    ),
    Key(
        name="signing.key",
        kind="path",
        help="the SSH key that releases and their evidence are signed with",
    ),
    Key(
        name="trust.policy_root",
        kind="text",
        help="the root of the only policy that is trusted",
    ),
    Key(
        name="release.git_remote",
        kind="text",
        help="the Git remote that releases are published to",
    ),
    Key(
        name="add.symlinks",
        kind="choice",
        choices=("follow", "keep"),
        default="follow",
        help="what a symbolic link inside a tracked folder stands for",
    ),
)

_BY_SHAPE = {tuple(key.name.split(".")): key for key in KEYS}


def find_key(path: KeyPath) -> Key | None:
    """The key at a place in a file, or None where this version knows none."""
    if len(path) == 3:
        path = (path[0], "*", path[2])
    return _BY_SHAPE.get(path)


def default_of(name: str) -> object:
    """The value of a key that no file sets: None where there is no default."""
    key = _BY_SHAPE[tuple(name.split("."))]
    return key.check(key.parse(key.default)) if key.default else None


def path_of(name: str) -> KeyPath:
    """``core.remote`` or ``remote.my.store.url`` as a place; remote names may hold dots."""
    section, _, rest = name.partition(".")
    middle, _, option = rest.rpartition(".")
    return (section, middle, option) if middle else (section, rest)


def name_of(path: KeyPath) -> str:
    """The dotted name of a place."""
    return ".".join(path)
