"""CSV and its relatives: RFC 4180 with any one-character delimiter, UTF-8, a header row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO

from assay.quality.lines import BoundedLines
from assay.quality.tables import Batch, Damaged, Limits

_HINT_BYTES = 64 << 10
_FIELD_CHARACTERS = 4 << 20
DELIMITERS = (",", ";", "\t", "|")


class CsvReader:
    """Reads one dialect of CSV; ``null_values`` are the cells that mean "no value"."""

    is_text = True
    has_header = True

    def __init__(self, delimiter: str = ",", null_values: Sequence[str] = ("",)) -> None:
        self._delimiter = delimiter
        self._nulls = frozenset(null_values)

    def batches(self, file: BinaryIO, limits: Limits) -> Iterator[Batch]:
        """Every row; one with more or fewer fields than the header is misshapen."""
        if csv.field_size_limit() < _FIELD_CHARACTERS:  # for the whole process, and only upwards
            csv.field_size_limit(_FIELD_CHARACTERS)
        raw = BoundedLines(file, line_bytes=limits.line_bytes)  # type: ignore[arg-type]
        text = io.TextIOWrapper(
            io.BufferedReader(raw, _HINT_BYTES), encoding="utf-8-sig", newline=""
        )
        lines = _Lines(text, limits.record_bytes)
        rows = csv.reader(chain.from_iterable(lines), delimiter=self._delimiter, strict=True)
        try:
            yield from self._batches(rows, lines, limits)
        except UnicodeDecodeError:
            raise Damaged("is not UTF-8 text") from None
        except csv.Error as error:
            why = str(error) or "a quote is out of place"
            raise Damaged(f"is not CSV at line {rows.line_num}: {why}") from None

    def _batches(self, rows: Any, lines: _Lines, limits: Limits) -> Iterator[Batch]:
        header = _header(next(rows, None), limits)
        yield Batch([], {name: [] for name in header})
        pending: list[list[str]] = []
        number = 0
        for row in rows:
            pending.append(row)
            if len(pending) >= limits.batch_rows or lines.handed_out >= limits.batch_bytes:
                yield self._batch(header, pending, number)
                number += len(pending)
                pending = []
                lines.handed_out = 0
        if pending:
            yield self._batch(header, pending, number)

    def _batch(self, header: list[str], rows: list[list[str]], before: int) -> Batch:
        numbers: Sequence[int] = range(before + 1, before + 1 + len(rows))
        width = len(header)
        misshapen = []
        if set(map(len, rows)) != {width}:
            # A blank line is no row: csv writers spell a row whose one value is empty as "".
            pairs = [(number, row) for number, row in zip(numbers, rows, strict=True) if row]
            misshapen = [
                (number, f"{len(row)} fields instead of {width}")
                for number, row in pairs
                if len(row) != width
            ]
            numbers = [number for number, row in pairs if len(row) == width]
            rows = [row for _, row in pairs if len(row) == width]
        columns = {
            name: self._values(cells)
            for name, cells in zip(header, zip(*rows, strict=True), strict=bool(rows))
        }
        return Batch(numbers, columns, misshapen)

    def _values(self, cells: Sequence[str]) -> Sequence[Any]:
        nulls = self._nulls
        if nulls.isdisjoint(cells):
            return cells
        return [None if cell in nulls else cell for cell in cells]


class _Lines:
    """Lists of lines; counts what was handed out since the counter was last set back."""

    def __init__(self, text: io.TextIOWrapper, most: int) -> None:
        self._text = text
        self._most = most
        self.handed_out = 0

    def __iter__(self) -> Iterator[list[str]]:
        while lines := self._text.readlines(_HINT_BYTES):
            if self.handed_out > self._most:
                raise Damaged(f"has a record longer than {self._most >> 20} MiB")
            self.handed_out += sum(map(len, lines))
            yield lines


def _header(names: list[str] | None, limits: Limits) -> list[str]:
    if not names:
        raise Damaged("has no header row")
    if len(names) > limits.columns:
        raise Damaged(f"has more than {limits.columns:,} columns")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Damaged(f"names the column {twice[:80]!r} twice")
    return names


def sniff_delimiter(head: bytes, usual: str) -> str:
    """The delimiter of a table that begins with ``head``.

    Another than the usual one only where the header has none of that, and as many of the other
    as the row below it.
    """
    lines = head.decode("utf-8-sig", "replace").splitlines()[:2]
    bare = ["".join(line.split('"')[::2]) for line in lines]
    if len(bare) < 2 or usual in bare[0]:
        return usual
    for other in DELIMITERS:
        if bare[0].count(other) == bare[1].count(other) > 0:
            return other
    return usual
