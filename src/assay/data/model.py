"""Nouns of the data verbs: what is tracked where, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from assay.core.pointer import Output, Pointer

ReadFile = Callable[[bytes], bytes | None]
"""The bytes of a file by its path from the repository's root, ``None`` where there is none."""

Heal = Callable[[dict[bytes, int]], None]
"""Replace damaged or missing objects (digest -> kind) by good copies where that is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One tracked path: ``path`` and ``pointer_path`` are relative to the repository's root.

    ``maker`` names the stage that writes the path; it is empty for data that was added.
    """

    path: bytes
    pointer_path: bytes
    pointer: Pointer
    output: Output
    maker: str = ""

    @property
    def name(self) -> str:
        """The tracked path as people read it."""
        return os.fsdecode(self.path)

    @property
    def pointer_name(self) -> str:
        """The pointer's path as people read it."""
        return os.fsdecode(self.pointer_path)

    def holds(self, path: bytes) -> bool:
        """Whether ``path`` lies inside this tracked folder; nothing lies inside a file."""
        output = self.output
        return (output.is_folder or output.digest is None) and path.startswith(self.path + b"/")

    @property
    def root_digest(self) -> bytes:
        """The recorded digest; all zeros (nothing's digest) where none is recorded yet."""
        return self.output.digest or bytes(32)


class TrackedSource(Protocol):
    """A kind of file besides pointers that names tracked paths, such as a lock.

    ``names`` are the files' names; ``read`` gives what those in one folder name together.
    Unless ``strict``, what only refines the answer may be unreadable.
    """

    @property
    def names(self) -> tuple[bytes, ...]: ...

    def read(self, folder: bytes, open_file: ReadFile, *, strict: bool) -> list[Tracked]: ...


def is_at_or_below(path: bytes, top: bytes) -> bool:
    """Whether ``path`` is ``top`` or lies inside it; an empty ``top`` holds everything."""
    return not top or path == top or path.startswith(top + b"/")


def printable(path: bytes) -> str:
    """A path for people and for JSON: bytes that are not UTF-8 as surrogate escapes."""
    return os.fsdecode(path)


def join_path(top: bytes, path: bytes) -> bytes:
    """``path`` below ``top``; an empty part on either side adds nothing."""
    return top + b"/" + path if top and path else top or path
