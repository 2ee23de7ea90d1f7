"""Matching values against a pattern under a deadline: backtracking cannot hang a check."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

from assay.quality.child import Child, ChildFailed

MAX_PATTERN_CHARACTERS = 1000


def pattern_problem(pattern: str) -> str:
    """Why this is no pattern; empty when it is one."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return f"a pattern has at most {MAX_PATTERN_CHARACTERS:,} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return f"it is not a regular expression: {error}"
    return ""


class PatternMatcher:
    """One pattern, matched in a child process that is started when first needed."""

    def __init__(self, pattern: str, *, batch_seconds: float) -> None:
        self._pattern = pattern
        self._batch_seconds = batch_seconds
        self._child: Child | None = None
        self.gave_up = ""

    def mismatches(self, values: Sequence[str]) -> set[str]:
        """Those values that do not match as a whole; sets ``gave_up`` when that takes too long."""
        if self.gave_up:
            return set()
        distinct = list(dict.fromkeys(values))
        try:
            if self._child is None:
                self._child = Child("pattern_child.py", [self._pattern])
            self._child.send(distinct)
            wrong: list[int] = self._child.receive(self._batch_seconds)
        except ChildFailed as failed:
            self.gave_up = f"matching {len(distinct):,} values was given up: {failed.why}"
            self.close()
            return set()
        return {distinct[place] for place in wrong}

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()
            self._child = None
