"""The nouns of a benchmark run: what was measured, what was counted, what was left out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSample:
    """What one process (with all its descendants) took.

    ``peak_process_bytes`` is the largest single process as the kernel reports it. It can never be
    below the size of the runner itself, whose memory the child shares until it starts its program.
    ``peak_sum_bytes`` is the largest sum over the whole process tree that two samples in a row
    have seen; pages that forked processes share count once for each. None where the system
    has no ``/proc``.
    """

    argv: tuple[str, ...]
    wall_seconds: float
    user_seconds: float
    system_seconds: float
    peak_process_bytes: int
    peak_sum_bytes: int | None
    written_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One timed step of one tool: the sum over the commands that a user has to type for it."""

    scenario: str
    case: str
    step: str
    tool: str
    round: int
    repeat: int
    commands: tuple[CommandSample, ...]

    @property
    def wall_seconds(self) -> float:
        return sum(command.wall_seconds for command in self.commands)

    @property
    def cpu_seconds(self) -> float:
        return sum(command.user_seconds + command.system_seconds for command in self.commands)

    @property
    def peak_bytes(self) -> int:
        """The larger of the two views on memory, over all commands of the step."""
        return max(max(c.peak_process_bytes, c.peak_sum_bytes or 0) for c in self.commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A counted quantity that is not a time, such as bytes of metadata rewritten."""

    scenario: str
    case: str
    name: str
    tool: str
    round: int
    value: float
    unit: str
    detail: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A step without a time, and why; ``is_failure`` separates faults from what does not apply."""

    scenario: str
    case: str
    step: str
    tool: str
    round: int
    reason: str
    is_failure: bool


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything one run of the runner found out; grows while it runs."""

    machine: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    omissions: list[Omission] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_failures(self) -> bool:
        return any(omission.is_failure for omission in self.omissions)


def write_results(results: Results, path: Path) -> None:
    """Store ``results`` as JSON, replacing ``path`` in one step so that a reader sees it whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"format": FORMAT, **dataclasses.asdict(results)}
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read_results(path: Path) -> Results:
    """The results stored in ``path``; ValueError when they are of another format."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is not a results file of format {FORMAT}")
    measurements = [_measurement(row) for row in document.pop("measurements")]
    counts = [Count(**row) for row in document.pop("counts")]
    omissions = [Omission(**row) for row in document.pop("omissions")]
    return Results(measurements=measurements, counts=counts, omissions=omissions, **document)


def _measurement(row: dict[str, Any]) -> Measurement:
    commands = tuple(
        CommandSample(**{**command, "argv": tuple(command["argv"])})
        for command in row.pop("commands")
    )
    return Measurement(commands=commands, **row)
