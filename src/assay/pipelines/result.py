"""What a reproduction did: per stage the outcome, the reasons and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.pipelines.checks import Verdict

RAN, CACHED, SKIPPED, WOULD_RUN = "ran", "cached", "skipped", "would run"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What became of one stage, and why."""

    address: str
    outcome: str
    reasons: tuple[str, ...] = ()
    run: str = ""
    verdicts: tuple[Verdict, ...] = ()


@dataclass(kw_only=True)
class ReproResult:
    """What a reproduction did, in order; ``locks`` are the lock files that changed."""

    stages: list[StageResult] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Whether anything ran or was put back."""
        return any(stage.outcome != SKIPPED for stage in self.stages)
