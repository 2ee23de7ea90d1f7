"""``repro``: bring the outputs of a pipeline in line with its inputs, running what changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

from assay.core.dialect import Dialect
from assay.core.pointer import Output
from assay.errors import AssayError, GateFailed, Inconclusive
from assay.pipelines import checks as checking
from assay.pipelines import run as running
from assay.pipelines.checks import Checker, Verdict
from assay.pipelines.lock import render_lock
from assay.pipelines.model import Check, LockEntry, Pipeline, Stage
from assay.pipelines.observe import Observed, Observer
from assay.pipelines.plan import DELETED, Changes, changes_of, is_same
from assay.pipelines.records import RunLog, RunRecord, Surroundings, run_id
from assay.pipelines.result import CACHED, RAN, SKIPPED, ReproResult, StageResult
from assay.pipelines.run import Bench
from assay.pipelines.runcache import RunCache, has_whole, is_cacheable
from assay.store.durable import make_folder, write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to reproduce: ``force`` runs what did not change, without looking for old runs."""

    force: bool = False
    use_run_cache: bool = True


class Reproducer:
    """Runs stages one after another; each is recorded before the next one starts.

    ``changing`` holds the repository's lock while something is recorded; while commands run it
    is free, so that they may call assay themselves.
    """

    def __init__(
        self,
        *,
        bench: Bench,
        dialect: Dialect,
        observer: Observer,
        checker: Checker,
        log: RunLog,
        state_folder: str,
        surroundings: Callable[[], Surroundings],
        changing: Callable[[], AbstractContextManager[None]],
        options: Options,
    ) -> None:
        self._bench = bench
        self._dialect = dialect
        self._observer = observer
        self._checker = checker
        self._log = log
        self._state_folder = state_folder
        self._make_surroundings = surroundings
        self._changing = changing
        self._options = options
        self._runs = RunCache(bench.workspace.cache, dialect)
        self.result = ReproResult()

    @cached_property
    def _surroundings(self) -> Surroundings:
        return self._make_surroundings()

    def reproduce(self, pipeline: Pipeline, stage: Stage, entry: LockEntry | None) -> None:
        """One stage: skip it, put its outputs back, or run it."""
        now = self._observer.stage(stage)
        changes = changes_of(stage, entry, now, is_forced=self._options.force)
        if not changes:
            verdicts = self._checks_again(stage, now)
            self._bench.narrator.say(f"Stage '{stage.address}' didn't change, skipping")
            self._note(stage, SKIPPED, changes, verdicts=verdicts)
            return
        inputs = LockEntry(
            command=stage.command,
            deps=tuple(self._require_input(stage, name, now) for name in now.deps),
            params=now.params,
        )
        verdicts = self._check(stage, checking.checks_before(stage), inputs)
        again = self._remembered(stage, inputs, entry, changes)
        if again is not None:
            self._put_back(pipeline, stage, replace(inputs, outs=again.outs), changes, verdicts)
        else:
            self._run(pipeline, stage, inputs, entry, changes, verdicts)

    def _require_input(self, stage: Stage, name: str, now: Observed) -> Output:
        found = now.deps[name]
        if found is None:
            raise running.missing_outputs(stage, [name], "the log of the stage that writes it")
        return found

    def _remembered(
        self, stage: Stage, inputs: LockEntry, entry: LockEntry | None, changes: Changes
    ) -> LockEntry | None:
        """An earlier run that had the same inputs and whose outputs are at hand."""
        if self._options.force or not self._options.use_run_cache or stage.is_always_changed:
            return None
        only_outputs = changes == Changes(outs=changes.outs)
        if entry is not None and only_outputs and set(changes.outs.values()) == {DELETED}:
            names = {out.name for out in stage.outs}
            whole = [out for out in entry.outs if out.path in names]
            if len(whole) == len(names) and all(
                has_whole(self._bench.workspace.cache, out) for out in whole
            ):
                return replace(entry, outs=tuple(whole))
        return self._runs.find(stage, inputs) if is_cacheable(stage) else None

    def _put_back(
        self,
        pipeline: Pipeline,
        stage: Stage,
        entry: LockEntry,
        changes: Changes,
        verdicts: list[Verdict],
    ) -> None:
        self._bench.narrator.say(
            f"Stage '{stage.address}' is cached - skipping run, checking out outputs"
        )
        with self._changing():
            running.put_back(self._bench, stage, entry.outs)
        self._observer.forget(tuple(out.path for out in stage.outs))
        verdicts += self._check(stage, checking.checks_after(stage), entry)
        self._record(pipeline, stage, entry)
        self._note(stage, CACHED, changes, verdicts=verdicts)

    def _run(
        self,
        pipeline: Pipeline,
        stage: Stage,
        inputs: LockEntry,
        entry: LockEntry | None,
        changes: Changes,
        verdicts: list[Verdict],
    ) -> None:
        bench = self._bench
        surroundings = self._surroundings
        bench.narrator.say(f"Running stage '{stage.address}':")
        with self._changing():
            was_cut_short = os.path.exists(self._marker(stage))
            running.prepare(bench, stage, is_unfinished=was_cut_short, recorded=entry)
            make_folder(self._state_folder)
            write_atomic(self._marker(stage), b"", durable=False)
            self._log.prepare()
        started = bench.clock()
        log_path = self._log.log_path(run_id(started, stage.address), stage)
        attempt = RunRecord(
            stage=stage,
            entry=inputs,
            surroundings=surroundings,
            started_ns=started,
            ended_ns=started,
            exit_code=-1,
            outcome="interrupted",
            verdicts=tuple(verdict.as_dict() for verdict in verdicts),
            log=os.path.relpath(log_path, os.fsdecode(bench.workspace.root)),
        )
        try:
            attempt = self._attempt(stage, attempt, log_path)
            done = attempt.entry
            verdicts += self._check(stage, checking.checks_after(stage), done, attempt)
        except AssayError:
            raise
        except BaseException:
            self._log.append(replace(attempt, ended_ns=bench.clock()))
            raise
        found = self._log.append(
            replace(attempt, verdicts=tuple(verdict.as_dict() for verdict in verdicts))
        )
        self._record(pipeline, stage, done)
        self._note(stage, RAN, changes, run=str(found.body["id"]), verdicts=verdicts)

    def _attempt(self, stage: Stage, attempt: RunRecord, log_path: str) -> RunRecord:
        """Execute and take in; a failure is recorded, then raised."""
        bench = self._bench
        code = running.execute(bench, stage, log_path)
        attempt = replace(attempt, exit_code=code, ended_ns=bench.clock(), outcome="failed")
        self._observer.forget(tuple(stage.paths.values()))
        if code != 0:
            self._log.append(attempt)
            raise running.failed(stage, code, attempt.log)
        before = {item.path: item for item in attempt.entry.deps}
        after = self._observer.stage(stage)
        changed = [
            name
            for name, item in after.deps.items()
            if item is None or not is_same(before[name], item)
        ]
        if changed:
            self._log.append(attempt)
            raise running.inputs_modified(stage, changed)
        with self._changing():
            outs = running.take_in(bench, stage, keep_all=is_cacheable(stage))
        done = replace(attempt.entry, outs=tuple(outs))
        made = {out.path for out in outs}
        lost = [out.name for out in stage.outs if out.name not in made]
        if lost:
            self._log.append(replace(attempt, entry=done))
            raise running.missing_outputs(stage, lost, attempt.log)
        if is_cacheable(stage):
            # Before the checks: one that fails does not make the command run again.
            self._runs.save(stage, done)
        return replace(attempt, entry=done, outcome="ok")

    # -- checks ---------------------------------------------------------------------------

    def _check(
        self,
        stage: Stage,
        wanted: tuple[Check, ...],
        entry: LockEntry,
        attempt: RunRecord | None = None,
    ) -> list[Verdict]:
        """Run checks; the worst verdict is recorded and stops everything downstream."""
        verdicts = []
        for check in wanted:
            verdict = self._checker.run(stage, check)
            shown = "" if verdict.verdict == checking.PASS or not verdict.detail else verdict.detail
            self._bench.narrator.say(f"Check '{check.name}': {verdict.verdict} {shown}".rstrip())
            verdicts.append(verdict)
        try:
            checking.require_passed(stage, verdicts)
        except (GateFailed, Inconclusive):
            self._record_stop(stage, entry, verdicts, attempt)
            raise
        return verdicts

    def _record_stop(
        self,
        stage: Stage,
        entry: LockEntry,
        verdicts: list[Verdict],
        attempt: RunRecord | None,
    ) -> None:
        now = self._bench.clock()
        base = attempt or RunRecord(
            stage=stage,
            entry=entry,
            surroundings=self._surroundings,
            started_ns=now,
            ended_ns=now,
            exit_code=0,
            outcome="",
        )
        shown = (*base.verdicts, *(verdict.as_dict() for verdict in verdicts))
        self._log.append(replace(base, outcome="stopped by a check", verdicts=shown))

    def _checks_again(self, stage: Stage, now: Observed) -> list[Verdict]:
        """A stage that did not run is checked again when its checks or their answers are not known.

        An answer counts only for the very question and the very bytes that it was given for.
        """
        if not stage.checks:
            return []
        found = self._checker.fingerprint(stage, {**now.deps, **now.outs})
        if self._passed(stage) == found:
            return []
        entry = LockEntry(
            command=stage.command,
            deps=tuple(item for item in now.deps.values() if item is not None),
            params=now.params,
            outs=tuple(item for item in now.outs.values() if item is not None),
        )
        verdicts = self._check(stage, checking.checks_before(stage), entry)
        verdicts += self._check(stage, checking.checks_after(stage), entry)
        self._remember_passed(stage, found)
        return verdicts

    def _passed(self, stage: Stage) -> str:
        try:
            with open(self._state(stage, "checked"), encoding="ascii") as file:
                return file.read().strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def _remember_passed(self, stage: Stage, found: str) -> None:
        make_folder(self._state_folder)
        write_atomic(self._state(stage, "checked"), found.encode("ascii"), durable=False)

    # -- recording ------------------------------------------------------------------------

    def _record(self, pipeline: Pipeline, stage: Stage, entry: LockEntry) -> None:
        """Write the lock, unless it says so already."""
        path = os.fsdecode(self._bench.workspace.absolute(pipeline.lock_path))
        with self._changing():
            try:
                with open(path, "rb") as file:
                    previous = file.read()
            except FileNotFoundError:
                previous = None
            old = pipeline.lock.get(stage.name)
            text = render_lock(
                previous,
                {stage.name: replace(entry, extra=old.extra if old else {})},
                path=pipeline.lock_path,
                dialect=self._dialect,
            )
            if text != previous:
                write_atomic(path, text)
                name = os.fsdecode(pipeline.lock_path)
                if name not in self.result.locks:
                    self.result.locks.append(name)
            if os.path.exists(self._marker(stage)):
                os.unlink(self._marker(stage))
        if stage.checks:
            seen = {item.path: item for item in (*entry.deps, *entry.outs)}
            self._remember_passed(stage, self._checker.fingerprint(stage, seen))

    def _marker(self, stage: Stage) -> str:
        return self._state(stage, "unfinished")

    def _state(self, stage: Stage, kind: str) -> str:
        from hashlib import sha256

        name = sha256(stage.address.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return os.path.join(self._state_folder, f"{name}.{kind}")

    def _note(
        self,
        stage: Stage,
        outcome: str,
        changes: Changes,
        *,
        run: str = "",
        verdicts: list[Verdict] | None = None,
    ) -> None:
        self.result.stages.append(
            StageResult(
                address=stage.address,
                outcome=outcome,
                reasons=tuple(changes.reasons()),
                run=run,
                verdicts=tuple(verdicts or ()),
            )
        )
