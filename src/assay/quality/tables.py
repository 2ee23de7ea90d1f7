"""The port for table formats: batches of columns out of one open file, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from assay.errors import InvalidInput
from assay.quality.model import Reading, TableFormat

SUFFIXES = {
    ".csv": TableFormat.CSV,
    ".tsv": TableFormat.CSV,
    ".jsonl": TableFormat.JSONL,
    ".ndjson": TableFormat.JSONL,
    ".parquet": TableFormat.PARQUET,
}


class Damaged(Exception):
    """The bytes cannot be read as the table that they should be; ``why`` ends a sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one check may use up; beyond it the verdict is inconclusive."""

    line_bytes: int = 4 << 20
    record_bytes: int = 4 << 20
    columns: int = 10_000
    batch_rows: int = 2048
    batch_bytes: int = 512 << 10
    decoder_memory_bytes: int = 1 << 30
    step_seconds: float = 60.0
    """For decoding one batch."""
    pattern_seconds: float = 5.0
    """For matching one batch against one pattern."""
    total_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows, by column.

    ``rows`` are the numbers of the rows, from 1; each column has one value (``None`` for null)
    for each.  A column that has been in no row so far may be absent.  ``misshapen`` are rows
    that are no record at all: their number and what is wrong.
    """

    rows: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    misshapen: Sequence[tuple[int, str]] = field(default_factory=list)


class TableReader(Protocol):
    """One table format."""

    is_text: bool
    """Whether values are the texts of cells, so that types are spellings."""
    has_header: bool
    """Whether a table without rows names its columns."""

    def batches(self, file: BinaryIO, limits: Limits) -> Iterator[Batch]:
        """Every row of ``file``; the first batch names the columns where the format does.

        Raises :class:`Damaged` and nothing else for what the bytes are.
        """
        ...


def format_of(name: str) -> TableFormat | None:
    """The format that a file's name tells."""
    dot = name.rfind(".")
    return SUFFIXES.get(name[dot:].lower()) if dot >= 0 else None


def reader_for(name: str, reading: Reading) -> TableReader:
    """The reader of a file; :class:`InvalidInput` where nothing tells its format."""
    format_ = reading.format or format_of(name)
    if format_ is TableFormat.CSV:
        from assay.quality.table_csv import CsvReader

        tab = "\t" if name.lower().endswith(".tsv") else ","
        return CsvReader(reading.delimiter or tab, reading.null_values)
    if format_ is TableFormat.JSONL:
        from assay.quality.table_jsonl import JsonlReader

        return JsonlReader()
    if format_ is TableFormat.PARQUET:
        from assay.quality.table_parquet import ParquetReader

        return ParquetReader()
    raise InvalidInput(
        "table-format-unknown",
        f"{name} does not say which kind of table it is.",
        why=f"Names end in {', '.join(SUFFIXES)}.",
        fix="Set `read: {format: csv}` (or jsonl, parquet) in the contract.",
        paths=(name,),
    )
