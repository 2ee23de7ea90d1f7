"""Parquet, decoded by pyarrow in a child process, where hostile bytes can do no harm."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from assay.errors import ExtraMissing
from assay.quality.child import Child, ChildFailed
from assay.quality.tables import Batch, Damaged, Limits


def require_pyarrow() -> None:
    """:class:`ExtraMissing` where pyarrow is not installed."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise ExtraMissing(
            "extra-missing",
            "Parquet files cannot be read here.",
            why="The package pyarrow is not installed.",
            fix="Install it: `pip install 'assay[parquet]'`.",
        )


class ParquetReader:
    """Reads Parquet; dates and times come as ISO 8601 text, bytes as bytes."""

    is_text = False
    has_header = True

    def batches(self, file: BinaryIO, limits: Limits) -> Iterator[Batch]:
        """Every row.  The file is hashed first and decoded from the same descriptor after."""
        require_pyarrow()
        buffer = bytearray(96 << 10)
        while file.readinto(buffer):  # type: ignore[attr-defined]
            pass
        fd = os.dup(file.fileno())
        os.lseek(fd, 0, os.SEEK_SET)
        arguments = (sys.path, limits.columns, limits.batch_rows, limits.decoder_memory_bytes)
        try:
            with Child("parquet_child.py", arguments, stdin=fd) as child:
                yield from _batches(child, limits)
        except ChildFailed as failed:
            raise Damaged(f"could not be decoded: {failed.why}") from None
        finally:
            os.close(fd)


def _batches(child: Child, limits: Limits) -> Iterator[Batch]:
    number = 0
    while True:
        kind, *parts = child.receive(limits.step_seconds)
        if kind == "damaged":
            raise Damaged(str(parts[0]))
        if kind == "end":
            return
        if kind == "columns":
            names: list[str] = parts[0]
            if len(names) > limits.columns:
                raise Damaged(f"has more than {limits.columns:,} columns")
            if len(set(names)) < len(names):
                raise Damaged("names a column twice")
            yield Batch([], {name: [] for name in names})
            continue
        count: int = parts[0]
        columns: dict[str, list[Any]] = parts[1]
        yield Batch(range(number + 1, number + 1 + count), columns)
        number += count
