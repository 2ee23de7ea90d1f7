"""Checking data against a contract: one pass over the bytes, in bounded memory."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from assay.core.canonical import canonical_json
from assay.core.progress import SILENT, Progress, Task
from assay.quality.column_check import MAX_EXAMPLES, ColumnCheck, Rows, Tally
from assay.quality.model import (
    CheckResult,
    Contract,
    ContractReport,
    JudgedFile,
    Verdict,
)
from assay.quality.source import Found, HashedFile, find_tables, is_within, open_table
from assay.quality.tables import Batch, Damaged, Limits, TableReader, reader_for
from assay.quality.uniqueness import Budget

DEFAULT_LIMITS = Limits()


@dataclass(slots=True, kw_only=True)
class _State:
    """What a check knows so far, of all files."""

    columns: dict[str, ColumnCheck]
    places: Rows
    deadline: float
    task: Task
    rows: int = 0
    shape: Tally = field(default_factory=Tally)
    unexpected: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    files: list[JudgedFile] = field(default_factory=list)


def check(
    contract: Contract,
    path: str,
    *,
    contract_digest: bytes,
    link_roots: tuple[str, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
    budget: Budget | None = None,
    progress: Progress = SILENT,
) -> ContractReport:
    """Judge the file ``path``, or the tables in that folder as one table.

    Whatever the bytes are, the answer is a verdict: a file that cannot be read is inconclusive.
    In a folder, links are followed only into it and into ``link_roots``.
    """
    found = find_tables(path, contract.reading)
    places = Rows()
    budget = budget or Budget()
    state = _State(
        columns={rule.name: ColumnCheck(rule, limits, budget, places) for rule in contract.columns},
        places=places,
        deadline=time.monotonic() + limits.total_seconds,
        task=progress.task("Checking", items=len(found)),
    )
    try:
        for each in found:
            if os.path.isdir(path) and not is_within(each.path, (path, *link_roots)):
                state.damaged.append(f"{each.name} is a link that leads out of the folder")
                continue
            _judge_file(contract, each, state, limits)
            state.task.advance(items=1)
        results = tuple(_results(contract, state, has_files=bool(found)))
    finally:
        state.task.done()
        for column in state.columns.values():
            column.close()
    return ContractReport(
        contract_digest=contract_digest,
        data_digest=_digest(state.files, is_folder=os.path.isdir(path)),
        files=tuple(state.files),
        results=results,
        rows=state.rows,
    )


def _judge_file(contract: Contract, found: Found, state: _State, limits: Limits) -> None:
    reader = reader_for(found.name, contract.reading)
    try:
        fd = open_table(found.path)
    except Damaged as damaged:
        state.damaged.append(f"{found.name} {damaged.why}")
        return
    rows_before = state.rows
    try:
        file = HashedFile(fd)
        try:
            _read(reader, file, found, state, limits)
        except Damaged as damaged:
            state.damaged.append(f"{found.name} {damaged.why}")
        try:
            digest = file.finish()
        except Damaged as damaged:
            state.damaged.append(f"{found.name} {damaged.why}")
            return
        if file.has_changed:
            state.damaged.append(f"{found.name} was written to while it was read")
    finally:
        os.close(fd)
    judged = JudgedFile(
        path=found.name,
        digest=digest,
        size_bytes=file.size_bytes,
        rows=state.rows - rows_before,
    )
    state.files.append(judged)


def _read(
    reader: TableReader, file: HashedFile, found: Found, state: _State, limits: Limits
) -> None:
    state.places.begin(found.name)
    for column in state.columns.values():
        column.begin_file(found.name, is_text=reader.is_text)
    rows = 0
    with closing(_batches(reader, file, limits)) as batches:
        for batch in batches:
            if time.monotonic() > state.deadline:
                raise Damaged(f"takes longer than {limits.total_seconds:g} s to check")
            rows += len(batch.rows)
            state.rows += len(batch.rows)
            _judge_batch(batch, found.name, state)
    for column in state.columns.values():
        column.end_file(rows, has_header=reader.has_header)


def _batches(reader: TableReader, file: HashedFile, limits: Limits) -> Generator[Batch, None, None]:
    yield from reader.batches(cast("BinaryIO", file), limits)


def _judge_batch(batch: Batch, file: str, state: _State) -> None:
    for row, why in batch.misshapen:
        state.shape.add(file, row, why)
        state.places.seen(row)
    if batch.rows:
        state.places.seen(batch.rows[-1])
    for name, values in batch.columns.items():
        column = state.columns.get(name)
        if column is not None:
            column.add(batch.rows, values)
        elif len(state.unexpected) < 1000:
            state.unexpected.setdefault(name, file)


def _results(contract: Contract, state: _State, *, has_files: bool) -> Iterator[CheckResult]:
    yield _readable(state, has_files=has_files)
    shape = state.shape
    yield CheckResult(
        rule="shape",
        verdict=Verdict.FAIL if shape.count else Verdict.PASS,
        value=shape.count,
        limit=0,
        unit="rows",
        examples=tuple(shape.examples),
    )
    if not contract.allows_extra_columns:
        yield _unexpected(state)
    yield from _row_counts(contract, state)
    for column in state.columns.values():
        yield from column.results()


def _readable(state: _State, *, has_files: bool) -> CheckResult:
    reasons = state.damaged if has_files else ["no table was found there"]
    shortened = "; ".join(reasons[:MAX_EXAMPLES]) + ("; …" if reasons[MAX_EXAMPLES:] else "")
    return CheckResult(
        rule="readable",
        verdict=Verdict.INCONCLUSIVE if reasons else Verdict.PASS,
        value=len(state.damaged),
        limit=0,
        unit="files",
        reason=shortened,
    )


def _unexpected(state: _State) -> CheckResult:
    names = list(state.unexpected)
    shortened = ", ".join(name[:80] for name in names[:MAX_EXAMPLES])
    return CheckResult(
        rule="extra_columns",
        verdict=Verdict.FAIL if names else Verdict.PASS,
        value=len(names),
        limit=0,
        unit="columns",
        reason=f"not in the contract: {shortened}" if names else "",
    )


def _row_counts(contract: Contract, state: _State) -> Iterator[CheckResult]:
    is_whole = not state.damaged
    if contract.min_rows is not None:
        verdict = Verdict.PASS
        if state.rows < contract.min_rows:  # a part that could not be read may hold the others
            verdict = Verdict.FAIL if is_whole else Verdict.INCONCLUSIVE
        yield _rows("min_rows", verdict, state.rows, contract.min_rows)
    if contract.max_rows is not None:
        verdict = Verdict.FAIL if state.rows > contract.max_rows else Verdict.PASS
        yield _rows("max_rows", verdict, state.rows, contract.max_rows)


def _rows(rule: str, verdict: Verdict, value: int, limit: int) -> CheckResult:
    return CheckResult(rule=rule, verdict=verdict, value=value, limit=limit, unit="rows")


def _digest(files: list[JudgedFile], *, is_folder: bool) -> bytes:
    from blake3 import blake3

    if not is_folder and files:
        return files[0].digest
    rows = [[each.path, each.size_bytes, each.digest.hex()] for each in files]
    return blake3(canonical_json(rows)).digest()
