"""Checks of a stage: a command or a contract says pass, fail or inconclusive about its data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assay.core.pointer import Output
from assay.errors import AssayError, GateFailed, Inconclusive
from assay.pipelines.model import Check, Stage
from assay.pipelines.shell import Shell, TimedOut, run_command

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"
DEFAULT_TIMEOUT_SECONDS = 600.0
_MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found; ``value`` and ``limit`` are whatever it measured, where it says so."""

    check: str
    on: str
    verdict: str
    value: object = None
    limit: object = None
    detail: str = ""

    def as_dict(self) -> dict[str, object]:
        """The verdict as records and ``--json`` have it."""
        shown: dict[str, object] = {"check": self.check, "on": self.on, "verdict": self.verdict}
        optional = (("value", self.value), ("limit", self.limit), ("detail", self.detail))
        shown.update((key, value) for key, value in optional if value not in (None, ""))
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAnswer:
    """What a contract says about data: a verdict and one sentence."""

    verdict: str
    detail: str = ""
    value: object = None
    limit: object = None


class Contracts(Protocol):
    """Whoever understands contracts; stages only know them by name."""

    def fingerprint(self, name: str) -> str:
        """What changes when the contract does."""
        ...

    def check(self, name: str, path: bytes) -> ContractAnswer:
        """Hold the file or folder at ``path`` (absolute) against a contract."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """What checks are run with; their commands' standard error goes where ours goes."""

    root: bytes
    shell: Shell
    contracts: Contracts

    def run(self, stage: Stage, check: Check) -> Verdict:
        """One verdict; a check that crashes or hangs is inconclusive, never a pass."""
        try:
            found = self._contract(stage, check) if check.contract else self._command(stage, check)
        except AssayError as error:
            return _verdict(check, INCONCLUSIVE, error.what)
        except OSError as error:
            return _verdict(check, INCONCLUSIVE, f"it could not be run: {error.strerror}")
        return found

    def fingerprint(self, stage: Stage, seen: Mapping[str, Output | None]) -> str:
        """Names the questions and the bytes they are about: the same again needs no new answer."""
        from blake3 import blake3

        parts: list[object] = []
        for check in stage.checks:
            contract = ""
            if check.contract:
                contract = self.contracts.fingerprint(check.contract)
            parts.append([check.name, check.on, check.command, check.contract, contract])
        for name, output in sorted(seen.items()):
            parts.append([name, output.digest.hex() if output and output.digest else ""])
        return blake3(json.dumps(parts).encode("ascii")).hexdigest()

    def _contract(self, stage: Stage, check: Check) -> Verdict:
        path = stage.paths[check.on]
        try:
            answer = self.contracts.check(check.contract, self.root + b"/" + path)
        except AssayError:
            raise
        except Exception as error:  # a check that crashes says nothing about the data
            return _verdict(check, INCONCLUSIVE, f"it crashed: {type(error).__name__}: {error}")
        return Verdict(
            check=check.name,
            on=check.on,
            verdict=answer.verdict,
            value=answer.value,
            limit=answer.limit,
            detail=answer.detail,
        )

    def _command(self, stage: Stage, check: Check) -> Verdict:
        answer = bytearray()

        def keep(data: bytes) -> None:
            if len(answer) < _MAX_ANSWER_BYTES:
                answer.extend(data)

        limit = check.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        try:
            code = run_command(
                self.shell,
                check.command,
                cwd=self.root + b"/" + stage.folder,
                sinks=(keep,),
                timeout_seconds=limit,
                merge_errors=False,
            )
        except TimedOut:
            return _verdict(check, INCONCLUSIVE, f"it took longer than {limit:g} s")
        return read_answer(check, code, bytes(answer))


def read_answer(check: Check, code: int, answer: bytes) -> Verdict:
    """The verdict of a command: JSON on its standard output, else its exit code.

    0 is pass, 1 is fail, anything else inconclusive.  A verdict in words counts only when the
    exit code does not contradict it: a check that died after printing "pass" did not pass.
    """
    by_code = {0: PASS, 1: FAIL}.get(code, INCONCLUSIVE)
    said = _json_verdict(answer)
    if said is None:
        how = f"it ended with exit code {code}" if code >= 0 else f"it was killed by signal {-code}"
        text = answer.decode("utf-8", "replace").strip().split("\n")[-1][:300]
        return _verdict(check, by_code, "" if by_code == PASS else f"{how}. {text}".strip())
    verdict = str(said.get("verdict"))
    if code not in (0, 1):
        return _verdict(check, INCONCLUSIVE, f"it said {verdict} but ended with exit code {code}")
    if code == 1 and verdict == PASS:
        return _verdict(check, INCONCLUSIVE, "it said pass but ended with exit code 1")
    return Verdict(
        check=check.name,
        on=check.on,
        verdict=verdict,
        value=_finite(said.get("value")),
        limit=_finite(said.get("limit")),
        detail=str(said.get("detail") or ""),
    )


def _json_verdict(answer: bytes) -> dict[str, Any] | None:
    """The JSON object that is the whole output, or its last line."""
    text = answer.decode("utf-8", "replace").strip()
    for candidate in (text, text.split("\n")[-1]):
        if not candidate.startswith("{"):
            continue
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value.get("verdict") in (PASS, FAIL, INCONCLUSIVE):
            return value
    return None


def _finite(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _verdict(check: Check, verdict: str, detail: str) -> Verdict:
    return Verdict(check=check.name, on=check.on, verdict=verdict, detail=detail)


def checks_before(stage: Stage) -> tuple[Check, ...]:
    """Those about what the stage reads."""
    deps = {dep.name for dep in stage.deps}
    return tuple(check for check in stage.checks if check.on in deps)


def checks_after(stage: Stage) -> tuple[Check, ...]:
    """Those about what the stage writes, and those about nothing in particular."""
    before = checks_before(stage)
    return tuple(check for check in stage.checks if check not in before)


def require_passed(stage: Stage, verdicts: list[Verdict]) -> None:
    """Raise for the worst verdict: :class:`GateFailed`, else :class:`Inconclusive`."""
    for verdict in verdicts:
        if verdict.verdict == FAIL:
            raise GateFailed(
                "check-failed",
                f"Check {verdict.check!r} of stage {stage.address!r} failed{_measured(verdict)}.",
                why=verdict.detail or "The check says that the data is not as it must be.",
                fix="Mend the data or the stage and run `assay repro` again; what comes after "
                "the stage was not run.",
                paths=(verdict.on,) if verdict.on else (),
            )
    for verdict in verdicts:
        if verdict.verdict != PASS:
            raise Inconclusive(
                "check-inconclusive",
                f"Check {verdict.check!r} of stage {stage.address!r} came to no verdict.",
                why=verdict.detail or "It neither passed nor failed.",
                fix="Mend the check and run `assay repro` again; without a pass nothing that "
                "comes after the stage is run.",
                paths=(verdict.on,) if verdict.on else (),
            )


def _measured(verdict: Verdict) -> str:
    if verdict.value is None:
        return ""
    limit = f", the limit is {verdict.limit}" if verdict.limit is not None else ""
    return f": the value is {verdict.value}{limit}"
