"""Nouns of pipelines: stages, what they read and write, and what a lock remembers of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.core.pointer import Output
from assay.data.model import join_path, printable

Command = str | tuple[str, ...]
"""One command line for the shell, or several that run in turn."""
Params = Mapping[str, Mapping[str, Any]]
"""Values by dotted key, by the file (as the pipeline writes it) that they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A file or folder that a stage reads.

    ``name`` is the path as the pipeline writes it (from the stage's folder), ``path`` the same
    from the repository's root.
    """

    name: str
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamFile:
    """Parameters that a stage depends on; ``keys`` is empty where the whole file counts."""

    name: str
    path: bytes
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutput:
    """A file or folder that a stage writes; ``kind`` is ``outs``, ``metrics`` or ``plots``.

    ``is_cached`` is false for what Git keeps; ``is_persistent`` for what a run finds as the
    last one left it; ``extra`` holds the flags that only other verbs read.
    """

    name: str
    path: bytes
    kind: str = "outs"
    is_cached: bool = True
    is_persistent: bool = False
    is_pushed: bool = True
    remote: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question about a stage's input or output, put to a command or a contract.

    ``on`` is the path as the pipeline writes it; empty means after everything is written.
    """

    name: str
    on: str = ""
    command: str = ""
    contract: str = ""
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One declared command.  ``folder`` is where it runs, from the repository's root."""

    name: str
    pipeline_path: bytes
    folder: bytes
    command: Command
    deps: tuple[Dependency, ...] = ()
    params: tuple[ParamFile, ...] = ()
    outs: tuple[StageOutput, ...] = ()
    checks: tuple[Check, ...] = ()
    is_frozen: bool = False
    is_always_changed: bool = False
    description: str = ""

    @property
    def address(self) -> str:
        """How to name the stage from anywhere: ``train``, ``sub/assay.yaml:train``."""
        path = self.pipeline_path
        return f"{printable(path)}:{self.name}" if b"/" in path else self.name

    @property
    def commands(self) -> tuple[str, ...]:
        """The command lines in the order in which they run."""
        return (self.command,) if isinstance(self.command, str) else self.command

    @property
    def paths(self) -> dict[str, bytes]:
        """Paths from the root, by the name that the pipeline gives them."""
        return {
            **{dep.name: dep.path for dep in self.deps},
            **{out.name: out.path for out in self.outs},
        }

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """Every path that the stage reads, parameter files too."""
        return (*(d.path for d in self.deps), *(p.path for p in self.params))


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """What a stage consumed and produced when it last ran; paths as the pipeline writes them."""

    command: Command
    deps: tuple[Output, ...] = ()
    params: Params = field(default_factory=dict)
    outs: tuple[Output, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline file and its lock.  ``folder`` is where they lie, from the root."""

    path: bytes
    lock_path: bytes
    stages: Mapping[str, Stage]
    lock: Mapping[str, LockEntry]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> bytes:
        """The folder of both files."""
        return self.path.rpartition(b"/")[0]

    def entry(self, stage: Stage) -> LockEntry | None:
        """What the lock has of a stage."""
        return self.lock.get(stage.name)


def beside(folder: bytes, name: str) -> bytes | None:
    """``name`` as written in ``folder``, as a path from the root; ``None`` where it climbs out."""
    if name.startswith("/"):
        return None
    parts: list[bytes] = []
    for part in join_path(folder, os.fsencode(name)).split(b"/"):
        if part == b"..":
            if not parts:
                return None
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)
