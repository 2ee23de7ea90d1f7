"""What is said of things in a trace: few words, each worth reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.audit.chain import Entry
from assay.data.model import is_at_or_below
from assay.releases.gate_result import GateResult
from assay.releases.judge import Evidence, Signed
from assay.releases.release import FOLDER, Artifact

Facts = tuple[tuple[str, str], ...]

_MOST_CHARACTERS = 120
_MOST_FACTS = 12
_MOST_DEPTH = 4


def clipped(value: object) -> str:
    """A value as one short text."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def size(size_bytes: int) -> str:
    """A size for people."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def size_facts(size_bytes: int, files: int, kind: str) -> Facts:
    """How large a path is."""
    counted = ((("files", f"{files:,}"),)) if kind == FOLDER else ()
    return (*counted, ("size", size(size_bytes)))


def release_facts(evidence: Evidence) -> Facts:
    """Digest, signer, message; and quarantine first of all."""
    release = evidence.release
    facts: list[tuple[str, str]] = []
    if evidence.quarantine is not None:
        facts.append(("QUARANTINED", clipped(evidence.quarantine.value.reason)))
    facts.append(("digest", release.digest[:16]))
    if release.signed_by:
        facts.append(("signed by", release.signed_by))
    if release.value.created:
        facts.append(("made", release.value.created[:19].replace("T", " ")))
    if release.value.message:
        facts.append(("message", clipped(release.value.message.split("\n")[0])))
    return tuple(facts)


def verdict_words(result: GateResult) -> str:
    """The verdict with what was measured."""
    measured = result.verdict.measured()
    return f"{result.verdict.verdict} ({measured})" if measured else result.verdict.verdict


def gate_facts(result: Signed[GateResult]) -> Facts:
    """When, how long, who."""
    facts = [
        ("ran", result.value.started[:19].replace("T", " ")),
        ("took", f"{result.value.duration_seconds:.1f} s"),
    ]
    if result.signed_by:
        facts.append(("signed by", result.signed_by))
    if result.value.verdict.detail:
        facts.append(("detail", clipped(result.value.verdict.detail)))
    return tuple(facts)


def run_facts(run: Entry) -> Facts:
    """When, how long, on what."""
    body = run.body
    clean = "" if body.get("clean") else ", with uncommitted changes"
    return (
        ("ran", str(body.get("started", ""))[:19].replace("T", " ")),
        ("took", f"{float(body.get('duration_seconds', 0)):.1f} s"),
        ("Python", str(body.get("python", ""))),
        ("at", f"{str(body.get('commit', ''))[:12] or 'no commit'}{clean}"),
    )


def parameter_facts(values: Mapping[str, Any]) -> Facts:
    """Parameters with their values, those in mappings by their dotted names."""
    return tuple((key, clipped(_word(value))) for key, value in _leaves(values))[:_MOST_FACTS]


def row_facts(text: str) -> Facts:
    """What a row of data says: the fields of a JSON object, else the line itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and value:
        return parameter_facts(value)
    return (("content", clipped(text)),) if text else ()


def _leaves(
    values: Mapping[str, Any], above: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value and depth < _MOST_DEPTH:
            yield from _leaves(value, f"{above}{key}.", depth + 1)
        else:
            yield f"{above}{key}", value


def _word(value: object) -> str:
    """A value as JSON and YAML spell it, text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def rows_facts(evidence: Evidence, artifact: Artifact) -> Facts:
    """How many rows a contract gate counted in an artifact, where one did."""
    for found in evidence.results.values():
        details = found.value.verdict.details
        definition = evidence.release.value.gates[found.value.gate]
        on = definition.text("on")
        rows = details.get("rows")
        if on and isinstance(rows, int) and is_at_or_below(on.encode(), artifact.path):
            where = "" if on == artifact.name else f" in {on}"
            return (("rows", f"{rows:,}{where}"),)
    return ()
