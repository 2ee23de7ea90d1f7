"""The metric gate: a number that the pipeline measured, held against a limit."""

from __future__ import annotations

import math
import os

from assay.core.digest import ObjectKind
from assay.errors import InvalidInput
from assay.pipelines.model import beside
from assay.pipelines.params import ABSENT, parse_params, value_at
from assay.releases.contents import Content, content_at
from assay.releases.declared import GateDefinition
from assay.releases.gate_result import FAIL, INCONCLUSIVE, PASS, Verdict
from assay.releases.gates.port import Room
from assay.releases.stages import is_as_recorded, making_of

_MOST_BYTES = 16 << 20


class MetricGate:
    """Reads FILE:KEY of the release's commit.

    A file that a stage writes must be what that stage wrote when the lock was made: a number
    that was edited afterwards measures nothing.
    """

    def judge(self, definition: GateDefinition, room: Room) -> Verdict:
        """Compare the value with ``at_least`` and ``at_most``."""
        name, _, key = definition.text("metric").rpartition(":")
        path = metric_path(definition, room.release.pipeline_path)
        content = content_at(room.snapshot, path)
        if not content.is_file or content.rows.sizes[0] > _MOST_BYTES:
            return Verdict(verdict=INCONCLUSIVE, detail=f"{name} is not a file of metrics")
        judged = {name: content.digest.hex()}
        edited = _edited(room, path, content.digest)
        if edited:
            return Verdict(verdict=INCONCLUSIVE, detail=edited, judged=judged)
        value = value_at(parse_params(_bytes(room, content), name=name), key)
        if value is ABSENT:
            return Verdict(verdict=INCONCLUSIVE, detail=f"{name} has no {key!r}", judged=judged)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Neither NaN nor an infinity measures anything, nor could a record say it.
        if not is_number or not abs(value) < math.inf:
            detail = f"{key!r} in {name} is not a number: {str(value)[:40]}"
            return Verdict(verdict=INCONCLUSIVE, detail=detail, judged=judged)
        return _compared(definition, value, judged)


def metric_path(definition: GateDefinition, pipeline_path: str) -> bytes:
    """The path of a metric's file from the root."""
    name = definition.text("metric").rpartition(":")[0]
    path = beside(os.fsencode(pipeline_path).rpartition(b"/")[0], name)
    if not path:
        raise InvalidInput("metric-path-invalid", f"{name} is not a path of this repository.")
    return path


def _compared(definition: GateDefinition, value: float, judged: dict[str, str]) -> Verdict:
    least, most = definition.number("at_least"), definition.number("at_most")
    limits = [f"at least {least:g}"] if least is not None else []
    limits += [f"at most {most:g}"] if most is not None else []
    is_within = (least is None or value >= least) and (most is None or value <= most)
    return Verdict(
        verdict=PASS if is_within else FAIL,
        value=value,
        limit=" and ".join(limits),
        unit=definition.text("unit"),
        judged=judged,
    )


def _bytes(room: Room, content: Content) -> bytes:
    if content.tracked is None:
        return room.snapshot.reader.read(content.blobs[b""]) or b""
    room.fetch(content)
    return room.cache.read(content.rows.digest_at(0), ObjectKind.BLOB)


def _edited(room: Room, path: bytes, digest: bytes) -> str:
    """Why a metrics file is not what its stage measured; empty where it is, or has no stage."""
    making = making_of(room.pipelines.values(), path)
    if making is None:
        return ""
    address = making.stage.address
    if making.recorded is None or making.recorded.digest is None:
        return f"stage {address!r} writes it, but no run of it is recorded in the lock"
    if not is_as_recorded(making, path, digest, lambda path: content_at(room.snapshot, path)):
        return f"it is not what stage {address!r} wrote: it was edited after the run"
    return ""
