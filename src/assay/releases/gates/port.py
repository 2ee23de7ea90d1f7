"""The port of gates: what a gate is given to judge with, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from assay.core.progress import Progress
from assay.data.model import Heal
from assay.pipelines.model import Pipeline
from assay.pipelines.shell import Shell
from assay.releases.contents import Content, Snapshot
from assay.releases.declared import GateDefinition
from assay.releases.gate_result import Verdict
from assay.releases.release import Release
from assay.store.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a gate judges with: one release, and never the workspace.

    ``contents`` has what each artifact holds by its path, with every object in ``cache`` by now
    (``absent`` names those that could not be had); ``heal`` replaces what proves to be damaged
    there, ``fetch`` brings what the release does not bind.  ``lacking`` counts objects that the
    remote does not hold.  ``checkout`` writes paths of the release, or all of it with its code,
    into a scratch folder that goes when the block ends.
    """

    release: Release
    snapshot: Snapshot
    contents: Mapping[bytes, Content]
    cache: Cache
    absent: Mapping[bytes, str]
    heal: Heal
    fetch: Callable[[Content], None]
    lacking: int
    pipelines: Mapping[bytes, Pipeline]
    checkout: Callable[[bytes | None], AbstractContextManager[str]]
    shell: Shell
    progress: Progress


class Gate(Protocol):
    """Judges a release; whatever it raises means that it came to no verdict."""

    def judge(self, definition: GateDefinition, room: Room) -> Verdict: ...
