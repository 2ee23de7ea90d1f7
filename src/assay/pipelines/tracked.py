"""What stages make, as tracked data: pipeline and lock of one folder read together."""

from __future__ import annotations

import os
from dataclasses import replace

from assay.core.dialect import Dialect
from assay.core.paths import path_problem
from assay.core.pointer import Output, Pointer
from assay.data.model import ReadFile, Tracked, printable
from assay.errors import InvalidInput
from assay.pipelines.model import LockEntry, Pipeline, Stage, StageOutput, beside


class StageFiles:
    """Reads pipelines beside pointers (a :class:`assay.data.model.TrackedSource`).

    ``loaded`` has, by folder, what the last reading of the workspace found.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.loaded: dict[bytes, Pipeline] = {}

    @property
    def names(self) -> tuple[bytes, ...]:
        """The two files that belong together."""
        return os.fsencode(self.dialect.pipeline_file), os.fsencode(self.dialect.lock_file)

    def read(self, folder: bytes, open_file: ReadFile, *, strict: bool) -> list[Tracked]:
        """What the stages of one folder make and the cache keeps.

        Unless ``strict`` (the workspace), a pipeline that cannot be read leaves what its lock
        records, and what was never recorded is left out.
        """
        prefix = folder + b"/" if folder else b""
        path, lock_path = (prefix + name for name in self.names)
        try:
            pipeline = self._load(path, lock_path, open_file)
        except InvalidInput:
            if strict:
                raise
            pipeline = self._lock_alone(path, lock_path, open_file)
        if strict:
            self.loaded[folder] = pipeline
        return tracked_outputs(pipeline, is_workspace=strict)

    def _load(self, path: bytes, lock_path: bytes, open_file: ReadFile) -> Pipeline:
        from assay.pipelines.files import read_pipeline
        from assay.pipelines.lock import read_lock

        data, locked = open_file(path), open_file(lock_path)
        stages, extra = (
            read_pipeline(data, path=path, protected=self._protected()) if data else ({}, {})
        )
        return Pipeline(
            path=path,
            lock_path=lock_path,
            stages=stages,
            lock=read_lock(locked, path=lock_path, dialect=self.dialect) if locked else {},
            extra=extra,
        )

    def _lock_alone(self, path: bytes, lock_path: bytes, open_file: ReadFile) -> Pipeline:
        from assay.pipelines.lock import read_lock

        locked = open_file(lock_path)
        lock = read_lock(locked, path=lock_path, dialect=self.dialect) if locked else {}
        return Pipeline(path=path, lock_path=lock_path, stages={}, lock=lock)

    def _protected(self) -> tuple[bytes, ...]:
        names = (".gitignore", self.dialect.ignore_file)
        return (*self.names, *map(os.fsencode, names))


def tracked_outputs(pipeline: Pipeline, *, is_workspace: bool) -> list[Tracked]:
    """The cached outputs of a pipeline as tracked paths.

    In the workspace those of declared stages, recorded or not; in history those recorded.
    """
    found = []
    for name, stage in pipeline.stages.items():
        recorded = recorded_outputs(stage, pipeline.lock.get(name))
        for out in stage.outs:
            if out.is_cached and (is_workspace or out.path in recorded):
                output = recorded.get(out.path) or Output(path=out.name, digest=None)
                found.append(_tracked(pipeline, stage, out, output))
    if not is_workspace:
        for name, entry in pipeline.lock.items():
            if name not in pipeline.stages:
                found += _orphans(pipeline, name, entry)
    return found


def recorded_outputs(stage: Stage, entry: LockEntry | None) -> dict[bytes, Output]:
    """What the lock has of a stage's outputs, by path from the root."""
    if entry is None:
        return {}
    by_name = {output.path: output for output in entry.outs}
    return {out.path: by_name[out.name] for out in stage.outs if out.name in by_name}


def _tracked(pipeline: Pipeline, stage: Stage, out: StageOutput, output: Output) -> Tracked:
    extra = dict(output.extra)
    if not out.is_pushed:
        extra["push"] = False
    if out.remote:
        extra["remote"] = out.remote
    whole = replace(output, extra=extra)
    return Tracked(
        path=out.path,
        pointer_path=pipeline.path,
        pointer=Pointer(outs=(whole,)),
        output=whole,
        maker=stage.address,
    )


def _orphans(pipeline: Pipeline, name: str, entry: LockEntry) -> list[Tracked]:
    """Outputs of a stage that only the lock still knows: kept as long as history names them."""
    found = []
    for output in entry.outs:
        path = beside(pipeline.folder, output.path)
        if path and not path_problem(path):
            maker = f"{printable(pipeline.path)}:{name}"
            found.append(
                Tracked(
                    path=path,
                    pointer_path=pipeline.path,
                    pointer=Pointer(outs=(output,)),
                    output=output,
                    maker=maker,
                )
            )
    return found
