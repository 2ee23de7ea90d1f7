"""The run cache: what a command made from the same inputs before, found by what went in.

Layout and keys are DVC's (``runs/xx/KEY/VALUE`` in the cache), with our digests' names.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from assay.core.dialect import Dialect
from assay.core.pointer import Output
from assay.errors import InvalidInput
from assay.pipelines.lock import entry_fields, read_entry, render_entry
from assay.pipelines.model import LockEntry, Stage
from assay.store.cache import Cache
from assay.store.durable import make_folder, write_atomic


def is_cacheable(stage: Stage) -> bool:
    """Whether a run says enough to be found again: it has inputs, outputs and no memory."""
    return bool(stage.deps and stage.outs) and not (
        stage.is_always_changed or any(out.is_persistent for out in stage.outs)
    )


def run_key(entry: LockEntry, stage: Stage, dialect: Dialect) -> str:
    """The name of what goes into a run: command, dependencies, parameters, output paths."""
    fields = entry_fields(entry, dialect, sizes=False)
    fields["outs"] = sorted(out.name for out in stage.outs)
    return _hash(fields)


def _hash(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class RunCache:
    """The runs that one cache folder remembers."""

    def __init__(self, cache: Cache, dialect: Dialect) -> None:
        self._cache = cache
        self._dialect = dialect
        self._folder = os.path.join(cache.root, "runs")

    def save(self, stage: Stage, entry: LockEntry) -> None:
        """Remember a run whose outputs are in the cache."""
        key = run_key(entry, stage, self._dialect)
        value = _hash(entry_fields(entry, self._dialect, sizes=False))
        folder = os.path.join(self._folder, key[:2], key)
        make_folder(folder)
        write_atomic(os.path.join(folder, value), render_entry(entry, self._dialect))

    def find(self, stage: Stage, inputs: LockEntry) -> LockEntry | None:
        """The newest remembered run of these inputs whose outputs are all at hand."""
        folder = self._folder_of(stage, inputs)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return None
        paths = [os.path.join(folder, n) for n in names if not n.endswith(".tmp")]
        for path in sorted(paths, key=os.path.getmtime, reverse=True):
            entry = self._read(path)
            if entry is not None and self._is_whole(stage, entry):
                return entry
        return None

    def _folder_of(self, stage: Stage, inputs: LockEntry) -> str:
        key = run_key(inputs, stage, self._dialect)
        return os.path.join(self._folder, key[:2], key)

    def _read(self, path: str) -> LockEntry | None:
        try:
            with open(path, "rb") as file:
                return read_entry(file.read(), path=path, dialect=self._dialect)
        except (InvalidInput, OSError):
            return None  # a memory that cannot be read is none

    def _is_whole(self, stage: Stage, entry: LockEntry) -> bool:
        if {out.path for out in entry.outs} != {out.name for out in stage.outs}:
            return False
        return all(has_whole(self._cache, out) for out in entry.outs)


def has_whole(cache: Cache, output: Output) -> bool:
    """Whether everything of an output is in the cache."""
    from assay.core.pointer import Pointer
    from assay.data.model import Tracked
    from assay.data.outputs import Selection
    from assay.data.transfer import lacks

    if output.digest is None:
        return False
    path = os.fsencode(output.path)
    tracked = Tracked(path=path, pointer_path=path, pointer=Pointer(outs=(output,)), output=output)
    return not lacks(cache, Selection(tracked=tracked))
