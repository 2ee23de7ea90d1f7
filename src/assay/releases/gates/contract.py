"""The contract gate: data of the release, judged by a contract of the same commit."""

from __future__ import annotations

import os
from dataclasses import replace

from assay.errors import NotFound
from assay.pipelines.model import beside
from assay.quality import check as checking
from assay.quality import files as contract_files
from assay.quality.model import ContractReport
from assay.releases.declared import GateDefinition
from assay.releases.gate_result import PASS, Verdict
from assay.releases.gates.port import Room

FOLDER = b"contracts"


class ContractGate:
    """Checks out the data that the contract is about, and nothing else."""

    def judge(self, definition: GateDefinition, room: Room) -> Verdict:
        """Fail at a rule that is broken; the first one is the detail."""
        from blake3 import blake3

        text = self._contract_text(definition.text("contract"), room)
        contract = contract_files.parse_contract(text, definition.text("contract"))
        limits = checking.DEFAULT_LIMITS
        if definition.timeout_seconds is not None:
            limits = replace(limits, total_seconds=definition.timeout_seconds)
        base = os.fsencode(room.release.pipeline_path).rpartition(b"/")[0]
        path = beside(base, definition.text("on"))
        if not path:
            raise NotFound("path-missing", f"{definition.text('on')} is not in this repository.")
        with room.checkout(path) as folder:
            report = checking.check(
                contract,
                os.fsdecode(os.path.join(os.fsencode(folder), path)),
                contract_digest=blake3(text).digest(),
                limits=limits,
                progress=room.progress,
            )
        return _verdict(report, definition)

    def _contract_text(self, name: str, room: Room) -> bytes:
        is_path = name.endswith((".yaml", ".yml"))
        path = os.fsencode(name) if is_path else FOLDER + b"/" + os.fsencode(name) + b".yaml"
        data = room.snapshot.reader.read_path(
            room.snapshot.commit, path, max_bytes=contract_files.MAX_FILE_BYTES
        )
        if data is None:
            raise NotFound(
                "contract-missing",
                f"There is no contract {name} at commit {room.snapshot.commit[:12]}.",
                fix="Commit it, then make a new version of the release.",
            )
        return data


def _verdict(report: ContractReport, definition: GateDefinition) -> Verdict:
    verdict = str(report.verdict)
    broken = next((r for r in report.results if str(r.verdict) == verdict), None)
    detail = ""
    if broken is not None and verdict != PASS:
        rule = f"{broken.rule} of {broken.column}" if broken.column else broken.rule
        detail = f"{rule}: {broken.reason}" if broken.reason else rule
        if broken.examples:
            first = broken.examples[0]
            detail += f" (such as {first.file} row {first.row}: {first.value[:60]})"
    files = {file.path or definition.text("on"): file for file in report.files}
    return Verdict(
        verdict=verdict,
        value=report.rows,
        unit="rows",
        detail=detail,
        judged={
            definition.text("on"): report.data_digest.hex(),
            f"contract {definition.text('contract')}": report.contract_digest.hex(),
        },
        details={
            "rows": report.rows,
            "files": {
                name: {"rows": file.rows, "digest": file.digest.hex()}
                for name, file in files.items()
            },
        },
    )
