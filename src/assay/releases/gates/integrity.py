"""The integrity gate: every byte of every artifact is there and has the digest it is bound by."""

from __future__ import annotations

from assay.releases.declared import GateDefinition
from assay.releases.gate_result import FAIL, PASS, Verdict
from assay.releases.gates.port import Room
from assay.releases.verify import count_good

_UNIT = "files verified"


class IntegrityGate:
    """Reads and hashes everything that the release binds."""

    def judge(self, definition: GateDefinition, room: Room) -> Verdict:  # noqa: ARG002 - the port
        """Fail at the first byte that is missing or wrong, here or in the remote."""
        files, problem = count_good(
            room.contents,
            room.cache,
            room.snapshot.reader,
            absent=room.absent,
            heal=room.heal,
            progress=room.progress,
        )
        seen = judged(room)
        if problem:
            return Verdict(verdict=FAIL, value=files, unit=_UNIT, detail=problem, judged=seen)
        if room.lacking:
            return Verdict(
                verdict=FAIL,
                value=room.lacking,
                limit="at most 0",
                unit="objects",
                detail="The remote lacks objects of this release; push them.",
                judged=seen,
            )
        return Verdict(verdict=PASS, value=files, unit=_UNIT, judged=seen)


def judged(room: Room) -> dict[str, str]:
    """The digests of all artifacts by path."""
    return {artifact.name: artifact.digest.hex() for artifact in room.release.artifacts}
