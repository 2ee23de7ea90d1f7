"""Running gates: each by its kind, and whatever goes wrong in one means no verdict."""

from __future__ import annotations

from assay.errors import AssayError
from assay.releases.declared import COMMAND, CONTRACT, INTEGRITY, METRIC, GateDefinition
from assay.releases.gate_result import INCONCLUSIVE, Verdict
from assay.releases.gates.port import Gate, Room


def gate_of(kind: str) -> Gate:
    """What judges gates of a kind."""
    if kind == INTEGRITY:
        from assay.releases.gates.integrity import IntegrityGate

        return IntegrityGate()
    if kind == METRIC:
        from assay.releases.gates.metric import MetricGate

        return MetricGate()
    if kind == CONTRACT:
        from assay.releases.gates.contract import ContractGate

        return ContractGate()
    if kind == COMMAND:
        from assay.releases.gates.command import CommandGate

        return CommandGate()
    raise ValueError(kind)


def judge(definition: GateDefinition, room: Room) -> Verdict:
    """The gate's verdict; a gate that crashes has none."""
    try:
        return gate_of(definition.kind).judge(definition, room)
    except Exception as error:  # whatever it is, it says nothing about the release
        return Verdict(verdict=INCONCLUSIVE, detail=_problem(error)[:500])


def _problem(error: Exception) -> str:
    """What kept a gate from a verdict, in one sentence or two."""
    if isinstance(error, AssayError):
        return f"{error.what} {error.why}".strip()
    return f"it crashed: {type(error).__name__}: {error}"
