"""JSON Lines: one JSON object per line, UTF-8; a key that is absent is null."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from assay.quality.lines import BoundedLines
from assay.quality.tables import Batch, Damaged, Limits

_BOM = b"\xef\xbb\xbf"


class JsonlReader:
    """Reads JSON Lines; a row's number is its line."""

    is_text = False
    has_header = False

    def batches(self, file: BinaryIO, limits: Limits) -> Iterator[Batch]:
        """Every row; a line that is JSON but no object is misshapen, a blank one is no row."""
        raw = BoundedLines(file, line_bytes=limits.line_bytes)  # type: ignore[arg-type]
        lines = io.BufferedReader(raw, 64 << 10)
        known: dict[str, None] = {}
        pending = _Pending()
        for number, line in enumerate(lines, 1):
            if number == 1:
                line = line.removeprefix(_BOM)
            if not line.strip():
                continue
            pending.add(number, _value(line, number), len(line))
            if len(pending.numbers) >= limits.batch_rows or pending.size >= limits.batch_bytes:
                yield pending.batch(known, limits.columns)
                pending = _Pending()
        yield pending.batch(known, limits.columns)


def _value(line: bytes, number: int) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise Damaged(f"is not UTF-8 text at line {number:,}") from None
    except RecursionError:
        raise Damaged(f"is nested too deep at line {number:,}") from None
    except ValueError as error:
        why = str(error).split(":")[0]
        raise Damaged(f"is not JSON at line {number:,}: {why}") from None


class _Pending:
    """Rows that make up the next batch."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.records: list[dict[str, Any]] = []
        self.misshapen: list[tuple[int, str]] = []
        self.size = 0

    def add(self, number: int, value: Any, size: int) -> None:
        self.size += size
        if isinstance(value, dict):
            self.numbers.append(number)
            self.records.append(value)
        else:
            self.misshapen.append((number, "not an object"))

    def batch(self, known: dict[str, None], most: int) -> Batch:
        """The rows by column; ``known`` learns the new columns."""
        for record in self.records:
            if not record.keys() <= known.keys():
                known.update(dict.fromkeys(record))
                if len(known) > most:
                    raise Damaged(f"has more than {most:,} columns")
        # Only what these rows have: sparse records may know thousands of other keys.
        here = {name for record in self.records for name in record}
        columns = {
            name: [record.get(name) for record in self.records] for name in known if name in here
        }
        return Batch(self.numbers, columns, self.misshapen)
