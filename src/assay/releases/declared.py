"""What a pipeline file declares under ``releases:``: artifacts by role, gates, channels."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.core.paths import path_problem

INTEGRITY, METRIC, CONTRACT, COMMAND = "integrity", "metric", "contract", "command"
KINDS = (INTEGRITY, METRIC, CONTRACT, COMMAND)

OWN_FOLDER = ".assay-release"
"""The folder, in one that a release was put into, that says what it is."""

_CONTEXT = "assay 2026 gate definition format 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDefinition:
    """One gate; ``fields`` are what the file says of it, in the file's own words."""

    name: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names the question that is asked: an answer to another one does not count."""
        from blake3 import blake3

        text = json.dumps([self.kind, self.fields], sort_keys=True, separators=(",", ":"))
        return blake3(text.encode("ascii"), derive_key_context=_CONTEXT).hexdigest()

    def text(self, key: str) -> str:
        """A field that is text; empty where there is none."""
        return str(self.fields.get(key) or "")

    def number(self, key: str) -> float | None:
        """A field that is a number."""
        value = self.fields.get(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number else None

    @property
    def timeout_seconds(self) -> float | None:
        """After how long the gate has no verdict."""
        return self.number("timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDeclaration:
    """What a channel demands: gates by name; ``None`` means every gate that is declared."""

    is_protected: bool = True
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDeclaration:
    """One path that a release binds, from the repository's root, and what part it plays."""

    role: str
    path: bytes


def artifact_problem(path: bytes) -> str:
    """Why nothing that lies at ``path`` can be an artifact, or an empty string when it can."""
    top = os.fsdecode(path.partition(b"/")[0])
    if top.casefold() == OWN_FOLDER:
        return "a release's folder keeps its own record there"
    return path_problem(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One release as its pipeline file declares it."""

    name: str
    pipeline_path: bytes
    artifacts: tuple[ArtifactDeclaration, ...]
    gates: Mapping[str, GateDefinition]
    channels: Mapping[str, ChannelDeclaration]
    description: str = ""
