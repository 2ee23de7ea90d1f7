"""The rules of one column, applied batch by batch: counts and a few examples are all it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from assay.quality.model import CheckResult, ColumnRule, ColumnType, RowExample, Scalar, Verdict
from assay.quality.pattern import PatternMatcher
from assay.quality.tables import Limits
from assay.quality.uniqueness import Budget, Uniqueness
from assay.quality.values import key, parse, parse_bound, shown

MAX_EXAMPLES = 5


class Tally:
    """How often one rule is broken, with the first few places."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[RowExample] = []

    def add(self, file: str, row: int, value: str) -> None:
        """Count one more place."""
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(RowExample(file=file, row=row, value=value))


class Rows:
    """Row numbers through all files: what stands where, from one running number."""

    def __init__(self) -> None:
        self._starts: list[tuple[int, str]] = []
        self._next = 0

    def begin(self, file: str) -> None:
        """The rows that follow are of this file."""
        self._starts.append((self._next, file))

    def seen(self, row: int) -> None:
        """The file has at least so many rows."""
        self._next = max(self._next, self.offset + row)

    @property
    def offset(self) -> int:
        """What is added to a row of the present file."""
        return self._starts[-1][0]

    def place(self, running: int) -> tuple[str, int]:
        """File and row of a running number."""
        start, file = next(each for each in reversed(self._starts) if each[0] < running)
        return file, running - start


class ColumnCheck:
    """The state of one column's rules."""

    def __init__(self, rule: ColumnRule, limits: Limits, budget: Budget, rows: Rows) -> None:
        self.rule = rule
        self._places = rows
        self._file = ""
        self._is_text = True
        self._values_in_file: int | None = None
        self._rows_judged = 0
        self._nulls = 0
        self._files_without: list[str] = []
        self._tallies = {
            name: Tally()
            for name in ("type", "null", "min", "max", "allowed", "pattern", "length", "longer")
        }
        self._extremes: dict[str, Any] = {}
        self._low = _bound(rule, rule.minimum)
        self._high = _bound(rule, rule.maximum)
        self._allowed = (
            None if rule.allowed is None else {_bound(rule, value) for value in rule.allowed}
        )
        self._unique = Uniqueness(budget) if rule.unique else None
        self._matcher = (
            PatternMatcher(rule.pattern, batch_seconds=limits.pattern_seconds)
            if rule.pattern is not None
            else None
        )

    # -- fed by the check -------------------------------------------------------------------

    def begin_file(self, file: str, *, is_text: bool) -> None:
        """What follows is of this file."""
        self._file, self._is_text, self._values_in_file = file, is_text, None

    def end_file(self, rows: int, *, has_header: bool) -> None:
        """The file had so many rows; those without a value are nulls."""
        if self._values_in_file is None:
            if rows or has_header:
                self._files_without.append(self._file)
            return
        self._rows_judged += rows
        self._nulls += rows - self._values_in_file

    def add(self, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Judge one batch."""
        self._values_in_file = self._values_in_file or 0
        rows, values = self._without_nulls(rows, values)
        self._values_in_file += len(values)
        if not values:
            return
        parsed = parse(self.rule.type, values, is_text=self._is_text)
        if parsed is None:
            rows, values, parsed = self._without_wrong(rows, values)
        if parsed:
            self._judge(rows, values, parsed)

    def _without_nulls(
        self, rows: Sequence[int], values: Sequence[Any]
    ) -> tuple[Sequence[int], Sequence[Any]]:
        if self._is_text:
            if None not in values:
                return rows, values
            is_null = [value is None for value in values]
        else:  # a float that is not itself is "not a number": as good as nothing
            is_null = [value is None or value != value for value in values]
            if True not in is_null:
                return rows, values
        tally = self._tallies["null"]
        if len(tally.examples) < MAX_EXAMPLES:
            for row, null in zip(rows, is_null, strict=True):
                if null:
                    tally.add(self._file, row, "")
        pairs = [
            pair
            for pair, null in zip(zip(rows, values, strict=True), is_null, strict=True)
            if not null
        ]
        return [row for row, _ in pairs], [value for _, value in pairs]

    def _without_wrong(
        self, rows: Sequence[int], values: Sequence[Any]
    ) -> tuple[list[int], list[Any], list[Any]]:
        kept: tuple[list[int], list[Any], list[Any]] = ([], [], [])
        for row, value in zip(rows, values, strict=True):
            one = parse(self.rule.type, [value], is_text=self._is_text)
            if one is None:
                self._tallies["type"].add(self._file, row, shown(value))
            else:
                for target, part in zip(kept, (row, value, one[0]), strict=True):
                    target.append(part)
        return kept

    def _judge(self, rows: Sequence[int], values: Sequence[Any], parsed: list[Any]) -> None:
        rule = self.rule
        low, high, allowed = self._low, self._high, self._allowed
        if low is not None and self._extreme("min", min(parsed), min) < low:
            self._count("min", rows, values, [value < low for value in parsed])
        if high is not None and self._extreme("max", max(parsed), max) > high:
            self._count("max", rows, values, [value > high for value in parsed])
        if allowed is not None and not allowed.issuperset(parsed):
            self._count("allowed", rows, values, [value not in allowed for value in parsed])
        if rule.min_length is not None or rule.max_length is not None:
            self._judge_lengths(rows, values, parsed)
        if self._matcher is not None:
            wrong = self._matcher.mismatches(values)
            if wrong:
                self._count("pattern", rows, values, [value in wrong for value in values])
        if self._unique is not None:
            offset = self._places.offset
            self._unique.add(map(key, parsed), (offset + row for row in rows), len(parsed))

    def _judge_lengths(self, rows: Sequence[int], values: Sequence[Any], parsed: list[Any]) -> None:
        # A number in a column of any type has no length, and so breaks no rule about it.
        lengths = [len(value) if hasattr(value, "__len__") else None for value in parsed]
        real = [length for length in lengths if length is not None]
        least, most = self.rule.min_length, self.rule.max_length
        if real and least is not None and self._extreme("length", min(real), min) < least:
            wrong = [length is not None and length < least for length in lengths]
            self._count("length", rows, values, wrong)
        if real and most is not None and self._extreme("longer", max(real), max) > most:
            wrong = [length is not None and length > most for length in lengths]
            self._count("longer", rows, values, wrong)

    def _extreme(self, name: str, value: Any, pick: Callable[[Any, Any], Any]) -> Any:
        before = self._extremes.get(name)
        self._extremes[name] = value if before is None else pick(before, value)
        return value

    def _count(
        self, name: str, rows: Sequence[int], values: Sequence[Any], is_wrong: list[bool]
    ) -> None:
        tally = self._tallies[name]
        for row, value, wrong in zip(rows, values, is_wrong, strict=True):
            if wrong:
                tally.add(self._file, row, shown(value))

    def close(self) -> None:
        """End the child process of the pattern."""
        if self._matcher is not None:
            self._matcher.close()

    # -- asked at the end -------------------------------------------------------------------

    def results(self) -> Iterator[CheckResult]:
        """What each of the column's rules says."""
        rule = self.rule
        if rule.required:
            yield self._presence()
        if rule.type is not ColumnType.ANY:
            yield self._counted("type", "type", limit=str(rule.type))
        yield self._null_fraction()
        for name, limit in (("min", rule.minimum), ("max", rule.maximum)):
            if limit is not None:
                yield self._bounded(name, name, limit)
        if rule.allowed is not None:
            yield self._counted("allowed", "allowed", limit=0)
        if rule.min_length is not None:
            yield self._bounded("min_length", "length", rule.min_length, unit="length")
        if rule.max_length is not None:
            yield self._bounded("max_length", "longer", rule.max_length, unit="length")
        if self._matcher is not None:
            yield self._pattern(self._matcher.gave_up)
        if self._unique is not None:
            yield self._uniqueness(self._unique)

    def _result(self, name: str, is_broken: bool, **facts: Any) -> CheckResult:
        verdict = facts.pop("verdict", Verdict.FAIL if is_broken else Verdict.PASS)
        return CheckResult(rule=name, column=self.rule.name, verdict=verdict, **facts)

    def _presence(self) -> CheckResult:
        missing = self._files_without
        shortened = ", ".join(missing[:MAX_EXAMPLES]) + (" …" if missing[MAX_EXAMPLES:] else "")
        reason = f"missing in {shortened}" if missing else ""
        return self._result(
            "required", bool(missing), value=len(missing), limit=0, unit="files", reason=reason
        )

    def _counted(self, name: str, tally: str, *, limit: Scalar) -> CheckResult:
        found = self._tallies[tally]
        return self._result(
            name,
            found.count > 0,
            value=found.count,
            limit=limit,
            unit="values",
            examples=tuple(found.examples),
        )

    def _null_fraction(self) -> CheckResult:
        fraction = self._nulls / self._rows_judged if self._rows_judged else 0.0
        is_broken = fraction > self.rule.max_null_fraction
        return self._result(
            "nulls",
            is_broken,
            value=fraction,
            limit=self.rule.max_null_fraction,
            unit="fraction of rows",
            examples=tuple(self._tallies["null"].examples) if is_broken else (),
        )

    def _bounded(self, name: str, tally: str, limit: Scalar, *, unit: str = "") -> CheckResult:
        found = self._tallies[tally]
        value = self._extremes.get(tally)
        spelled = value if isinstance(value, (int, float)) or value is None else str(value)
        reason = f"{found.count:,} values are beyond it" if found.count else ""
        return self._result(
            name,
            found.count > 0,
            value=spelled,
            limit=limit,
            unit=unit,
            reason=reason,
            examples=tuple(found.examples),
        )

    def _pattern(self, gave_up: str) -> CheckResult:
        found = self._counted("pattern", "pattern", limit=0)
        if not gave_up or found.verdict is Verdict.FAIL:
            return found
        return self._result(
            "pattern", False, verdict=Verdict.INCONCLUSIVE, unit="values", reason=gave_up
        )

    def _uniqueness(self, unique: Uniqueness) -> CheckResult:
        if not unique.is_exact:
            reason = "the columns that must be unique hold more values than a check remembers"
            return self._result(
                "unique", False, verdict=Verdict.INCONCLUSIVE, unit="values", reason=reason
            )
        count, repeats = unique.repeats(MAX_EXAMPLES)
        examples = []
        for row, earlier in repeats:
            file, number = self._places.place(row)
            at_file, at_number = self._places.place(earlier)
            same = f"same as {at_file} row {at_number}"
            examples.append(RowExample(file=file, row=number, value=same))
        return self._result(
            "unique", count > 0, value=count, limit=0, unit="repeats", examples=tuple(examples)
        )


def _bound(rule: ColumnRule, value: Scalar | None) -> Any:
    return None if value is None else parse_bound(rule.type, value)
