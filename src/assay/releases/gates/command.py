"""The command gate: a program of the release's own commit, run in a checkout of the release."""

from __future__ import annotations

import os
from dataclasses import replace

from assay.pipelines.checks import DEFAULT_TIMEOUT_SECONDS, read_answer
from assay.pipelines.model import Check
from assay.pipelines.shell import TimedOut, run_command
from assay.releases.declared import GateDefinition
from assay.releases.gate_result import INCONCLUSIVE, Verdict
from assay.releases.gates.integrity import judged
from assay.releases.gates.port import Room

_MAX_ANSWER_BYTES = 1 << 20


class CommandGate:
    """Exit code 0 is pass, 1 is fail, anything else no verdict; JSON on its output says more."""

    def judge(self, definition: GateDefinition, room: Room) -> Verdict:
        """Run the command where the release and its code lie, and nothing else does."""
        answer = bytearray()

        def keep(data: bytes) -> None:
            if len(answer) < _MAX_ANSWER_BYTES:
                answer.extend(data)

        limit = definition.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        check = Check(name=definition.name, command=definition.text("command"))
        with room.checkout(None) as folder:
            base = os.path.dirname(os.path.join(folder, room.release.pipeline_path))
            shell = replace(
                room.shell,
                environ={
                    **room.shell.environ,
                    "ASSAY_RELEASE": room.release.title,
                    "ASSAY_RELEASE_FOLDER": folder,
                },
            )
            try:
                code = run_command(
                    shell,
                    check.command,
                    cwd=os.fsencode(base),
                    sinks=(keep,),
                    timeout_seconds=limit,
                    merge_errors=False,
                )
            except TimedOut:
                return Verdict(
                    verdict=INCONCLUSIVE,
                    limit=limit,
                    unit="s",
                    detail=f"it took longer than {limit:g} s and was ended",
                    judged=judged(room),
                )
        found = read_answer(check, code, bytes(answer))
        return Verdict(
            verdict=found.verdict,
            value=found.value,
            limit=found.limit,
            detail=found.detail,
            judged=judged(room),
        )
