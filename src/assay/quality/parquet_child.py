"""Script of a child process: decodes a Parquet file, within a bound of memory.

Native code that decodes what a stranger wrote may crash or allocate without end; here that
ends this process and nothing else.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
from collections.abc import Iterator
from typing import Any

_HEADER = struct.Struct("<Q")


def main() -> None:
    """Write ``("columns", names)``, then ``("rows", count, columns)``, then ``("end",)``.

    ``("damaged", why)`` may stand in for any of them and ends the answer.
    """
    path, max_columns, batch_rows, memory_bytes = json.loads(sys.argv[1])
    sys.path[:] = path
    with os.fdopen(1, "wb") as target:
        try:
            for frame in _frames(max_columns, batch_rows, memory_bytes):
                _write(target, frame)
        except MemoryError:
            _write(target, ("damaged", f"needs more than {memory_bytes >> 20} MiB to decode"))
        except Exception as error:
            why = str(error).split("\n")[0][:200] or type(error).__name__
            _write(target, ("damaged", f"is not a Parquet file that can be read: {why}"))


def _write(target: Any, frame: object) -> None:
    data = pickle.dumps(frame)
    target.write(_HEADER.pack(len(data)) + data)
    target.flush()


def _frames(max_columns: int, batch_rows: int, memory_bytes: int) -> Iterator[tuple[Any, ...]]:
    from importlib import import_module

    pyarrow = import_module("pyarrow")
    parquet = import_module("pyarrow.parquet")
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    _bound_memory(memory_bytes)
    file = parquet.ParquetFile(os.fdopen(0, "rb"), pre_buffer=False)
    names = list(file.schema_arrow.names)
    yield ("columns", names[: max_columns + 1])
    if len(names) > max_columns or len(set(names)) < len(names):
        return
    for batch in file.iter_batches(batch_size=batch_rows, use_threads=False):
        columns = {
            name: _plain(pyarrow, column) for name, column in zip(names, batch.columns, strict=True)
        }
        yield ("rows", batch.num_rows, columns)
    yield ("end",)


def _bound_memory(memory_bytes: int) -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = memory_bytes if most < 0 else min(memory_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))


def _plain(pyarrow: Any, column: Any) -> list[Any]:
    """Values of one column: plain Python, with points in time as ISO 8601 text in UTC."""
    types = pyarrow.types
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if types.is_timestamp(kind):
        text = column.cast(pyarrow.timestamp("us"), safe=False).cast(pyarrow.string())
        return list(text.to_pylist())
    if types.is_date(kind) or types.is_time(kind) or types.is_duration(kind):
        if types.is_duration(kind):
            return list(column.cast(pyarrow.int64()).to_pylist())
        return [None if value is None else value.isoformat() for value in column.to_pylist()]
    return list(column.to_pylist())


if __name__ == "__main__":
    main()
