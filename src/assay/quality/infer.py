"""A first contract for data, from one pass over it: what is true of it, with room to grow."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO, cast

from assay.core.progress import SILENT, Progress
from assay.errors import InvalidInput
from assay.quality.check import DEFAULT_LIMITS
from assay.quality.model import (
    ColumnRule,
    ColumnType,
    Contract,
    Reading,
    Scalar,
    TableFormat,
)
from assay.quality.profile import ColumnProfile
from assay.quality.source import Found, HashedFile, find_tables, open_table
from assay.quality.spelling import spell
from assay.quality.table_csv import sniff_delimiter
from assay.quality.tables import Damaged, Limits, TableReader, format_of, reader_for
from assay.quality.uniqueness import Budget

ROW_SLACK = 2
"""Half to double the rows seen are fine."""
_MIN_UNIQUE_ROWS = 20
_MIN_ROWS_PER_VALUE = 5
_MAX_COLUMNS = 2000
_MAX_NAME_CHARACTERS = 500
_MAX_NUMBER = 10**60


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """A proposed contract; ``text`` is its file, with a comment on how each rule was found."""

    contract: Contract
    text: bytes
    rows: int
    files: int


@dataclass(slots=True)
class _Seen:
    """What the pass has met so far."""

    profiles: dict[str, ColumnProfile] = field(default_factory=dict)
    files_with: dict[str, int] = field(default_factory=dict)
    rows_with: dict[str, int] = field(default_factory=dict)
    files: int = 0
    rows: int = 0


def infer(
    path: str,
    *,
    data: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Inferred:
    """Propose a contract that ``path`` (a table, or a folder of tables) keeps.

    ``data`` is the path that the contract names; :class:`InvalidInput` ``table-unreadable``
    where something cannot be read, for there is nothing to learn from damage.
    """
    found = find_tables(path, Reading())
    if not found:
        raise _unreadable(path, "holds no table (.csv, .tsv, .jsonl, .ndjson, .parquet)")
    reading = _reading_of(found)
    seen, budget = _Seen(), Budget()
    task = progress.task("Profiling", items=len(found))
    for each in found:
        try:
            _profile(each, reading, seen, budget, limits)
        except Damaged as damaged:
            raise _unreadable(each.path, damaged.why) from None
        task.advance(items=1)
    task.done()
    return _propose(path, data, reading, seen)


def _unreadable(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        "table-unreadable",
        f"{path} {why}.",
        why="A contract can only be inferred from tables that can be read.",
        fix="Repair the file (`assay verify --repair` for tracked data), or name another.",
        paths=(path,),
    )


def _reading_of(found: list[Found]) -> Reading:
    """The delimiter of the first CSV file, where it is not what its name tells."""
    for each in found:
        if format_of(each.name) is TableFormat.CSV:
            usual = "\t" if each.name.lower().endswith(".tsv") else ","
            try:
                fd = open_table(each.path)
            except Damaged as damaged:
                raise _unreadable(each.path, damaged.why) from None
            try:
                delimiter = sniff_delimiter(os.read(fd, 64 << 10), usual)
            finally:
                os.close(fd)
            return Reading(delimiter=None if delimiter == usual else delimiter)
    return Reading()


def _profile(found: Found, reading: Reading, seen: _Seen, budget: Budget, limits: Limits) -> None:
    reader = reader_for(found.name, reading)
    fd = open_table(found.path)
    try:
        file = HashedFile(fd)
        here, rows = _take_in(reader, file, seen, budget, limits)
    finally:
        os.close(fd)
    for name in here:
        seen.files_with[name] = seen.files_with.get(name, 0) + 1
        seen.rows_with[name] = seen.rows_with.get(name, 0) + rows
    # A table that neither has rows nor names its columns says nothing about them.
    seen.files += bool(rows or reader.has_header)
    seen.rows += rows


def _take_in(
    reader: TableReader, file: HashedFile, seen: _Seen, budget: Budget, limits: Limits
) -> tuple[set[str], int]:
    here: set[str] = set()
    rows = 0
    for batch in reader.batches(cast("BinaryIO", file), limits):
        if batch.misshapen:
            row, why = batch.misshapen[0]
            raise Damaged(f"has a row {row} of another shape: {why}")
        for name, values in batch.columns.items():
            here.add(name)
            if name not in seen.profiles:
                if len(seen.profiles) >= _MAX_COLUMNS or len(name) > _MAX_NAME_CHARACTERS:
                    raise Damaged("has too many columns, or names that are too long, to propose")
                seen.profiles[name] = ColumnProfile(name, budget)
            # Running numbers: a value is only ever compared with values in other rows.
            numbers = range(seen.rows + rows + 1, seen.rows + rows + 1 + len(values))
            seen.profiles[name].add(numbers, values, is_text=reader.is_text)
        rows += len(batch.rows)
    return here, rows


def _propose(path: str, data: str | None, reading: Reading, seen: _Seen) -> Inferred:
    notes: dict[tuple[str, ...], str] = {
        (): f"Inferred from {data or os.path.basename(os.path.normpath(path))}: {seen.rows:,} rows "
        f"in {seen.files} file(s).\nEdit it: what happened to be true then is not yet a rule.",
        ("rows",): f"{seen.rows:,} rows seen; half to double",
    }
    if reading.delimiter:
        notes["read", "delimiter"] = "used most in the header row"
    rules = []
    for profile in seen.profiles.values():
        rule = _rule(profile, seen, notes)
        rules.append(rule)
    contract = Contract(
        columns=tuple(rules),
        data=data,
        min_rows=seen.rows // ROW_SLACK,
        max_rows=max(1, seen.rows) * ROW_SLACK,
        reading=reading,
    )
    return Inferred(
        contract=contract, text=spell(contract, notes), rows=seen.rows, files=seen.files
    )


def _rule(profile: ColumnProfile, seen: _Seen, notes: dict[tuple[str, ...], str]) -> ColumnRule:
    rows = seen.rows_with[profile.name]
    nulls = rows - profile.values
    fraction = _with_room(nulls / rows) if nulls else 0.0
    allowed = _allowed(profile)
    low, high = _bounds(profile)
    rule = ColumnRule(
        name=profile.name,
        type=profile.type,
        required=seen.files_with[profile.name] == seen.files,
        max_null_fraction=fraction,
        minimum=low,
        maximum=high,
        allowed=allowed,
        unique=_is_unique(profile, rows),
    )
    path = ("columns", profile.name)
    notes[path] = _described(profile, rows)
    if nulls:
        notes[*path, "nullable"] = f"{nulls:,} of {rows:,} rows have no value"
        notes[*path, "max_null_fraction"] = "double of what was seen"
    if not rule.required:
        notes[*path, "required"] = f"in {seen.files_with[profile.name]} of {seen.files} files"
    notes[*path, "min"] = "smallest seen"
    notes[*path, "max"] = "largest seen"
    notes[*path, "allowed"] = "every value seen"
    notes[*path, "unique"] = "no value repeats"
    return rule


def _described(profile: ColumnProfile, rows: int) -> str:
    if not profile.values:
        return f"no value in {rows:,} rows, so of any type"
    length = ""
    if profile.type is ColumnType.STRING and profile.lengths:
        low, high = profile.lengths
        length = f", {low} to {high} characters"
    return f"{profile.values:,} values{length}"


def _with_room(fraction: float) -> float:
    return min(1.0, math.ceil(fraction * 2 * 1000) / 1000)


def _allowed(profile: ColumnProfile) -> tuple[Scalar, ...] | None:
    distinct = profile.distinct
    if profile.type is not ColumnType.STRING or not distinct:
        return None
    if profile.values < _MIN_ROWS_PER_VALUE * len(distinct):
        return None
    return tuple(sorted(distinct))


def _is_unique(profile: ColumnProfile, rows: int) -> bool:
    if profile.values < rows or rows < _MIN_UNIQUE_ROWS or not profile.unique.is_exact:
        return False
    if profile.type not in (ColumnType.STRING, ColumnType.INTEGER):
        return False
    return profile.unique.repeats(1)[0] == 0


def _bounds(profile: ColumnProfile) -> tuple[Scalar | None, Scalar | None]:
    extremes = profile.extremes.get(profile.type)
    if extremes is None:
        return None, None
    return _spelled(extremes[0], -math.inf), _spelled(extremes[1], math.inf)


def _spelled(value: Any, outwards: float) -> Scalar | None:
    """A bound as a contract says it; ``None`` for one that is no use as a bound."""
    if isinstance(value, Decimal):  # not every decimal is a float: the next one outwards
        return math.nextafter(float(value), outwards) if value.is_finite() else None
    if isinstance(value, (int, float)):
        return value if abs(value) < _MAX_NUMBER else None
    return str(value.isoformat())
