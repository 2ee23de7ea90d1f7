"""Upwards from an output of a job: the output, its run, the rows it rests on, its release."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.core.manifest import FOLDER
from assay.errors import AssayError, NotFound
from assay.jobs.record import Kept
from assay.jobs.stamp import KEY, Stamped
from assay.lineage.model import Finding, Node
from assay.releases.channel import ChannelState
from assay.releases.judge import Signed
from assay.trace.builder import Builder, finding_of
from assay.trace.facts import clipped, row_facts
from assay.trace.job_runs import job_run_node
from assay.trace.made_of import tell_artifact, tell_release
from assay.trace.sight import Sight

_MOST_FACTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One stamped output, where it was read from, and the record of its run (None: not found)."""

    place: str
    stamped: Stamped
    kept: Kept | None


def tell_output(builder: Builder, output: Output, sight: Sight) -> str:
    """Add an output and everything above it; the id of its node."""
    stamp = output.stamped.stamp
    finding, because = finding_of(_output_problem(output))
    id = builder.node(
        Node(
            id=f"output {output.place}",
            kind="prediction",
            title=output.place,
            facts=_output_facts(output.stamped.value, stamp.id),
            finding=finding,
            because=because,
        )
    )
    run_id = _tell_job_run(builder, output, sight)
    builder.link(id, run_id, "was made by")
    for row in stamp.rows:
        builder.link(id, _tell_row(builder, sight, row), "rests on")
    problem = "" if stamp.digest == sight.evidence.release.digest else _OTHER_RELEASE
    finding, because = finding_of(problem)
    release_id = tell_release(builder, sight, channel=_state(output, sight))
    builder.link(run_id, release_id, "used", finding=finding, because=because)
    return id


_OTHER_RELEASE = "the stamp names another digest than the release has"


def _output_problem(output: Output) -> str:
    kept, stamp = output.kept, output.stamped.stamp
    if kept is None:
        return f"no record of run {stamp.run} was found: its stamp cannot be checked"
    if kept.leaf(stamp.sequence) != output.stamped.leaf:
        return "it is not what the run recorded: the output or its stamp was changed"
    if (kept.run.release_digest, kept.run.title) != (stamp.digest, stamp.release):
        return "its stamp names another release than its run used"
    return ""


def _output_facts(value: Mapping[str, Any], id: str) -> tuple[tuple[str, str], ...]:
    facts = [("id", id)]
    for key, item in value.items():
        if key not in (KEY, "id") and isinstance(item, str | int | float | bool):
            facts.append((str(key), clipped(item)))
    return tuple(facts[:_MOST_FACTS])


def _tell_job_run(builder: Builder, output: Output, sight: Sight) -> str:
    kept = output.kept
    stamp = output.stamped.stamp
    if kept is None:
        return builder.node(
            Node(
                id=f"job run {stamp.run}",
                kind="job run",
                title=stamp.run,
                finding=Finding.BROKEN,
                because="its record is neither beside the output nor among this user's runs",
            )
        )
    return builder.node(job_run_node(kept, sight.ledger.trust))


def _state(output: Output, sight: Sight) -> Signed[ChannelState] | None:
    """The channel state through which the run took its release."""
    run = output.kept.run if output.kept else None
    if run is None or not run.channel:
        return None
    states = sight.ledger.states(sight.release.name, run.channel)
    return states[run.sequence - 1] if 0 < run.sequence <= len(states) else None


# -- rows ---------------------------------------------------------------------------------


def _tell_row(builder: Builder, sight: Sight, row: str) -> str:
    path, _, line = row.rpartition(":")
    text, problem = "", ""
    try:
        text = row_text(sight, os.fsencode(path), int(line))
    except (AssayError, ValueError) as error:
        problem = error.what if isinstance(error, AssayError) else "it names no line"
    finding, because = finding_of(problem)
    id = builder.node(
        Node(
            id=f"row {row}",
            kind="row",
            title=row,
            facts=row_facts(text),
            finding=finding,
            because=because,
        )
    )
    holder = sight.release.holder(os.fsencode(path))
    if holder is not None:
        builder.link(id, tell_artifact(builder, sight, holder), "is a line of")
    return id


def row_text(sight: Sight, path: bytes, line: int) -> str:
    """One line of a file that the release binds, its bytes verified.

    Raises :class:`NotFound` ``row-missing`` and what reading the file raises.
    """
    holder = sight.release.holder(path)
    if holder is None:
        raise NotFound("row-missing", f"The release does not bind {os.fsdecode(path)}.")
    content = sight.content(holder.path)
    inside = path[len(holder.path) + 1 :] if path != holder.path else b""
    at = content.rows.find(inside)
    if at < 0 or content.rows.kinds[at] == FOLDER:
        raise NotFound("row-missing", f"There is no file {os.fsdecode(path)} in the release.")
    if content.tracked is None:
        data = sight.git_bytes(path) or b""
    else:
        data = sight.read_blob(content.rows.digest_at(at))
    lines = data.split(b"\n")
    if line > len(lines) or line < 1:
        raise NotFound("row-missing", f"{os.fsdecode(path)} has no line {line}.")
    return lines[line - 1].decode("utf-8", "replace")
