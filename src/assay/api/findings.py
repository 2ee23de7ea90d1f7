"""Findings of ``doctor``: what was looked at, the verdict, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result; ``verdict`` is ``ok``, ``warning`` or ``problem``."""

    check: str
    verdict: str
    detail: str
    fix: str = ""
