"""How releases, gate results and channel states are shown, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.cli.console import Console
from assay.cli.text import human_count, human_size, shown

if TYPE_CHECKING:
    from assay.api.releases.channels import Moved
    from assay.releases.channel import ChannelState
    from assay.releases.gate_result import GateResult, Verdict
    from assay.releases.judge import Evidence, Signed
    from assay.releases.release import Artifact, Release

UNSIGNED = "UNSIGNED"
VERDICT_STYLES = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
EXIT_CODES = {"pass": 0, "fail": 7, "inconclusive": 10}


def signature(console: Console, signed_by: str) -> str:
    """Who vouches for a record."""
    if signed_by:
        return f"signed by {shown(signed_by)}"
    return console.style(UNSIGNED, "bold", "yellow")


def gate_line(console: Console, gate: str, verdict: Verdict) -> str:
    """One verdict on one line."""
    word = console.style(verdict.verdict, "bold", VERDICT_STYLES[verdict.verdict])
    measured = verdict.measured()
    facts = f": {shown(measured)}" if measured else ""
    detail = f"  {shown(verdict.detail)}" if verdict.detail and not verdict.is_pass else ""
    return f"{word}  {shown(gate)}{facts}{detail}"


def artifact_rows(artifacts: Iterable[Artifact]) -> list[tuple[str, ...]]:
    """Role, path, size and digest of each artifact."""
    rows: list[tuple[str, ...]] = []
    for artifact in artifacts:
        files = human_count(artifact.file_count, "file") if artifact.kind == "folder" else ""
        rows.append(
            (
                f"  {artifact.role}",
                shown(artifact.name),
                human_size(artifact.size_bytes),
                files,
                artifact.digest.hex()[:16],
                "in Git" if artifact.keeper == "git" else "",
            )
        )
    return rows


def release_as_dict(release: Release, digest: str, signed_by: str) -> dict[str, object]:
    """A release as ``--json`` has it."""
    return {
        "release": release.title,
        "name": release.name,
        "version": release.version,
        "digest": digest,
        "signed_by": signed_by or None,
        "commit": release.commit,
        "message": release.message,
        "created": release.created,
        "artifacts": [artifact.as_dict() for artifact in release.artifacts],
        "parameters": {name: dict(values) for name, values in release.parameters.items()},
        "environment": dict(release.environment),
        "runs": [{"stage": run.stage, "digest": run.digest} for run in release.runs],
        "unrecorded": list(release.unrecorded),
        "channels": {
            name: {"protected": channel.is_protected, "requires": list(channel.requires)}
            for name, channel in release.channels.items()
        },
    }


def result_as_dict(result: GateResult, signed_by: str) -> dict[str, object]:
    """A gate's result as ``--json`` has it."""
    found = result.verdict
    return {
        "gate": result.gate,
        "verdict": found.verdict,
        "value": found.value,
        "limit": found.limit,
        "unit": found.unit,
        "detail": found.detail,
        "judged": dict(found.judged),
        "details": dict(found.details),
        "started": result.started,
        "duration_seconds": result.duration_seconds,
        "signed_by": signed_by or None,
    }


def state_as_dict(state: ChannelState, signed_by: str) -> dict[str, object]:
    """A channel's state as ``--json`` has it."""
    return {
        "channel": f"{state.name}@{state.channel}",
        "sequence": state.sequence,
        "action": state.action,
        "release": f"{state.name}@{state.version}",
        "digest": state.release_digest,
        "reason": state.reason,
        "at": state.at,
        "signed_by": signed_by or None,
    }


def evidence_as_dict(evidence: Evidence) -> dict[str, object]:
    """A release with what is known of it."""
    release = evidence.release
    return {
        **release_as_dict(release.value, release.digest, release.signed_by),
        "gates": {
            gate: result_as_dict(found.value, found.signed_by)
            for gate, found in evidence.results.items()
        },
        "gates_missing": sorted(set(release.value.gates) - set(evidence.results)),
        "quarantine": _quarantine(evidence),
    }


def _quarantine(evidence: Evidence) -> dict[str, object] | None:
    found = evidence.quarantine
    if found is None:
        return None
    return {
        "reason": found.value.reason,
        "at": found.value.at,
        "signed_by": found.signed_by or None,
    }


def state_line(console: Console, state: Signed[ChannelState]) -> tuple[str, ...]:
    """One state of a channel as a row."""
    found = state.value
    return (
        f"  {found.sequence}",
        shown(found.version),
        found.action,
        found.at[:19].replace("T", " "),
        signature(console, state.signed_by),
        shown(found.reason),
    )


def show_move(moved: Moved, console: Console) -> None:
    """What a channel serves now."""
    state = moved.state
    if console.is_json:
        console.json(
            {
                **state_as_dict(state, moved.signed_by),
                "before": moved.before or None,
                "dry_run": moved.is_dry_run,
            }
        )
        return
    channel = console.style(f"{shown(state.name)}@{shown(state.channel)}", "bold")
    verb = "would serve" if moved.is_dry_run else "serves"
    instead = f" instead of {moved.before}" if moved.before else ""
    console.print(
        f"{channel} {verb} {console.style(shown(state.version), 'bold')}{instead} "
        f"(state {state.sequence}, {signature(console, moved.signed_by)})"
    )
