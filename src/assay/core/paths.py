"""Which relative paths may ever be written: the rule that makes hostile manifests harmless.

A path is raw bytes, relative, separated by ``/``.  Refused are paths that leave the folder,
that reach into the repositories' own folders under any spelling a file system might fold
together (case, NTFS short names and streams, trailing dots and spaces, ignorable Unicode as
HFS+ has it), and names that Windows would read as a drive or as a way out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable

from assay.errors import IntegrityError

_PROTECTED = (b".git", b".assay", b".dvc")
_SHORT_NAMES = re.compile(rb"(?i)(?:git|assay|dvc)~[0-9]+")
_DRIVE = re.compile(rb"[A-Za-z]:")
# A path without any of these, once framed by NUL bytes, cannot be unsafe: a cheap first look.
_SUSPECT = (b"/.", b"\0.", b"//", b"\0/", b"/\0", b"\0\0", b"~", b":", b"\\", b"\xe2", b"\xef")
# Code points that HFS+ ignores when it compares names (the list Git protects against).
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_MAX_PATH = 4096 - 1


def path_problem(path: bytes, *, windows: bool = sys.platform == "win32") -> str:
    """Why ``path`` must not be written, or an empty string when it may."""
    if not path:
        return "the path is empty"
    if len(path) > _MAX_PATH:
        return f"the path is longer than {_MAX_PATH} bytes"
    if b"\0" in path:
        return "the path contains a NUL byte"
    if _DRIVE.match(path):
        return "the path names a drive"
    if windows and re.search(rb'[\\:*?"<>|]', path):
        return "Windows cannot hold this name"
    for part in path.split(b"/"):
        if not part:
            return "the path is absolute or has an empty component"
        problem = _component_problem(part)
        if problem:
            return problem
    return ""


def _component_problem(part: bytes) -> str:
    # On Windows a backslash separates: what hides behind one is judged too.
    pieces = part.split(b"\\") if b"\\" in part else (part,)
    if len(pieces) > 1 and (not pieces[0] or _DRIVE.match(pieces[-1])):
        return "the path is absolute or names a drive"
    for piece in pieces:
        if piece in (b".", b".."):
            return "the path climbs out of its folder"
        folded = _fold(piece)
        if folded in _PROTECTED or _SHORT_NAMES.fullmatch(folded):
            return "the path reaches into a repository's own folder"
    return ""


def _fold(name: bytes) -> bytes:
    """``name`` as the most forgiving file system would compare it."""
    text = name.decode("utf-8", "surrogateescape")
    text = _IGNORABLE.sub("", text).split(":", 1)[0].rstrip(". ")
    return text.casefold().encode("utf-8", "surrogateescape")


def require_safe(paths: list[bytes], *, where: str) -> None:
    """Refuse the whole set when one path is unsafe; ``where`` names the file that holds them."""
    framed = b"\0%b\0" % b"\0".join(paths)
    suspect = (
        sys.platform == "win32"
        or any(mark in framed for mark in _SUSPECT)
        or framed.count(b"\0") != len(paths) + 1
    )
    if not suspect and (not paths or max(map(len, paths)) <= _MAX_PATH):
        return
    for path in paths:
        problem = path_problem(path)
        if problem:
            shown = path[:200].decode("utf-8", "backslashreplace")
            raise IntegrityError(
                "path-unsafe",
                f"{where} holds a path that must not be written: {shown!r}.",
                why=problem[0].upper() + problem[1:] + ".",
                fix="Do not trust where it came from; nothing has been written.",
                paths=(shown,),
            )


def link_problem(folder: bytes, target: bytes) -> str:
    """Why a symbolic link in ``folder`` must not lead to ``target``, or an empty string.

    A link may climb no higher than the root that ``folder`` is relative to, and only at the
    start of its target: ``x/..`` means another place when ``x`` is itself a link.
    """
    if not target or b"\0" in target:
        return "its target is empty or holds a NUL byte"
    if target.startswith(b"/"):
        return "its target is absolute"
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == b"..":
        climbs += 1
    depth = folder.count(b"/") + 1 if folder else 0
    if climbs > depth:
        return "its target lies outside"
    inside = b"/".join(parts[climbs:])
    return path_problem(inside) if inside else ""


def folded_collisions(paths: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Pairs of paths that a case- or normalisation-folding file system cannot keep apart.

    Folders count as well: ``A/x`` and ``a/y`` collide in their first component.
    """
    seen: dict[str, bytes] = {}
    collisions: list[tuple[bytes, bytes]] = []
    for path in paths:
        end = 0
        while end != -1:
            end = path.find(b"/", end + 1)
            prefix = path if end == -1 else path[:end]
            text = prefix.decode("utf-8", "surrogateescape")
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
            other = seen.setdefault(key, prefix)
            if other != prefix:
                collisions.append((other, prefix))
    return collisions
