"""Runs of jobs in a trace: told and verified alike, whichever way the trace goes."""

from __future__ import annotations

import os

from assay.attestations.trust import Trust
from assay.errors import Untrusted
from assay.jobs.record import Kept
from assay.jobs.stamp import LEAF_BYTES
from assay.lineage.model import Node
from assay.trace.builder import finding_of

_MOST_INPUTS = 3


def job_run_node(kept: Kept, trust: Trust | None) -> Node:
    """A run, and whether its record holds by a repository's policy (None: it has none)."""
    run = kept.run
    problem, signed_by = _judged(kept, trust)
    finding, because = finding_of(problem, signed_by)
    facts = [("run", run.id), ("ran", run.started[:19].replace("T", " "))]
    facts += [("signed by", signed_by)] if signed_by else []
    facts += [("outputs", f"{run.count:,}"), ("outcome", run.outcome)]
    inputs = list(run.inputs.items())[:_MOST_INPUTS]
    facts += [(f"input {os.path.basename(name)}", digest[:16]) for name, digest in inputs]
    return Node(
        id=f"job run {run.id}",
        kind="job run",
        title=run.job,
        facts=tuple(facts),
        finding=finding,
        because=because,
    )


def _judged(kept: Kept, trust: Trust | None) -> tuple[str, str]:
    """``(what is wrong with a run's record, who signed it)``."""
    from blake3 import blake3

    if blake3(kept.leaves).hexdigest() != kept.run.leaves:
        return "its list of outputs is not the one that was recorded", ""
    if len(kept.leaves) != LEAF_BYTES * kept.run.count:
        return "its list of outputs is too short or too long", ""
    if trust is None or not kept.envelope.signatures:
        return "", ""
    try:
        return "", trust.signer_of(
            kept.envelope, kept.statement, "run", where=f"the record of run {kept.run.id}"
        )
    except Untrusted as error:
        return error.why, ""
