"""Names: of releases, versions and channels, and of the refs and tags that stand for them.

Tags are spelled as GTO spells them (``name@v1.2.3``, ``name#channel#N``; a folder's ``/`` is
``=``), so that people and other tools see them; only the refs below ``refs/assay/`` count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.attestations.policy import is_channel as is_channel
from assay.errors import InvalidInput
from assay.git.records import PREFIX

POLICY_REF = f"{PREFIX}policy"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_/-]*[A-Za-z0-9])?")
_VERSION = re.compile(
    r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
)
_MOST_CHARACTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """``NAME@VERSION`` or ``NAME@CHANNEL``: exactly one of the two is not empty."""

    name: str
    version: str = ""
    channel: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version or self.channel}"


def parse_reference(text: str) -> Reference:
    """The reference that a person wrote; raises :class:`InvalidInput` ``reference-invalid``."""
    name, at, rest = text.partition("@")
    if at and is_name(name):
        version = version_of(rest)
        if version is not None:
            return Reference(name=name, version=version)
        if is_channel(rest):
            return Reference(name=name, channel=rest)
    raise InvalidInput(
        "reference-invalid",
        f"{text!r} does not name a release.",
        why="A reference is NAME@VERSION (intent-bot@1.2.0) or NAME@CHANNEL (intent-bot@prod).",
        fix="`assay release list` shows what there is.",
    )


def require_version(text: str) -> Reference:
    """A reference to one exact version; raises :class:`InvalidInput`."""
    reference = parse_reference(text)
    if not reference.version:
        raise InvalidInput(
            "version-required",
            f"{text} is a channel, and a channel moves.",
            fix="Name the version: NAME@1.2.0; `assay release list` shows what the channel serves.",
        )
    return reference


def require_channel(text: str) -> Reference:
    """A reference to a channel; raises :class:`InvalidInput`."""
    reference = parse_reference(text)
    if not reference.channel:
        raise InvalidInput("channel-required", f"{text} is a version, not NAME@CHANNEL.")
    return reference


def is_name(text: str) -> bool:
    """Whether a release may be called so."""
    return bool(_NAME.fullmatch(text)) and "//" not in text and len(text) <= _MOST_CHARACTERS


def version_of(text: str) -> str | None:
    """The semantic version without a leading ``v``, or None (semver.org 2.0.0, no build part)."""
    bare = text.removeprefix("v")
    # Git takes no ref that ends so.
    if len(bare) > _MOST_CHARACTERS or bare.endswith(".lock"):
        return None
    return bare if _VERSION.fullmatch(bare) else None


def version_key(version: str) -> tuple[object, ...]:
    """Orders versions as semver.org 2.0.0 says in section 11."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (0, 0, 0, (0,))
    pre = match[4]
    tail: tuple[object, ...] = (1,)
    if pre is not None:
        parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split("."))
        tail = (0, parts)
    return (*(int(match[at]) for at in (1, 2, 3)), tail)


def spelled(name: str) -> str:
    """A name as refs and tags spell it: a ref cannot be a file and a folder at once."""
    return name.replace("/", "=")


def release_ref(name: str, version: str) -> str:
    """The ref of a release's record."""
    return f"{PREFIX}releases/{spelled(name)}/{version}"


def releases_prefix(name: str = "") -> str:
    """Where the refs of all releases, or of one name, lie."""
    return f"{PREFIX}releases/{spelled(name)}/" if name else f"{PREFIX}releases/"


def channels_ref(name: str) -> str:
    """The ref of the channels of a name."""
    return f"{PREFIX}channels/{spelled(name)}"


def quarantine_ref(name: str) -> str:
    """The ref of what is forbidden of a name."""
    return f"{PREFIX}quarantine/{spelled(name)}"


def name_and_version(ref: str) -> tuple[str, str] | None:
    """What a release's ref stands for, or None for a ref that stands for none."""
    prefix = releases_prefix()
    spelling, _, version = ref.removeprefix(prefix).rpartition("/")
    name = spelling.replace("=", "/")
    is_spelled = ref.startswith(prefix) and spelled(name) == spelling and is_name(name)
    return (name, version) if is_spelled and version_of(version) == version else None


def version_tag(name: str, version: str) -> str:
    """The tag that shows a version to people and to ``gto``."""
    return f"{spelled(name)}@v{version}"


def channel_tag(name: str, channel: str, number: int) -> str:
    """The tag that shows a channel's move."""
    return f"{spelled(name)}#{channel}#{number}"
