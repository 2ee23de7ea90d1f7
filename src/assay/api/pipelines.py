"""Verbs of pipelines: repro, their status, the graph, and the runs that were recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.api.context import Context
from assay.audit.chain import Entry
from assay.data.model import Tracked
from assay.errors import AssayError, InvalidInput
from assay.pipelines.graph import Graph, build, refuse_tracked
from assay.pipelines.model import LockEntry, Pipeline, Stage
from assay.pipelines.observe import Observer
from assay.pipelines.plan import Changes, plan_stages
from assay.pipelines.result import SKIPPED, WOULD_RUN, ReproResult, StageResult
from assay.pipelines.targets import resolve
from assay.settings import current_environment

# What runs stages is imported when one runs: mostly nothing changed.
if TYPE_CHECKING:
    from assay.pipelines.checks import ContractAnswer, Contracts
    from assay.pipelines.records import RunLog
    from assay.pipelines.repro import Reproducer
    from assay.pipelines.run import Narrator


class SilentNarrator:
    """Hears nothing: for Python users who only want the result."""

    def say(self, text: str) -> None: ...

    def output(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectContracts:
    """The contracts of one project, as checks of stages ask for them."""

    root: str

    def fingerprint(self, name: str) -> str:
        """The digest of the contract's file."""
        from assay.api.contracts import load_contract

        return load_contract(name, start=self.root).digest.hex()

    def check(self, name: str, path: bytes) -> ContractAnswer:
        """Hold data against a contract; the first rule that it breaks is the detail."""
        from assay.api.contracts import check
        from assay.pipelines.checks import PASS, ContractAnswer

        report = check(name, os.fsdecode(path), start=self.root)
        broken = next((r for r in report.results if str(r.verdict) == str(report.verdict)), None)
        if broken is None or str(report.verdict) == PASS:
            return ContractAnswer(verdict=str(report.verdict))
        rule = f"{broken.rule} of {broken.column}" if broken.column else broken.rule
        return ContractAnswer(
            verdict=str(report.verdict),
            detail=f"{rule}: {broken.reason}" if broken.reason else rule,
            value=broken.value,
            limit=broken.limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipelines:
    """Every pipeline of the workspace and the graph of their stages."""

    by_folder: Mapping[bytes, Pipeline]
    graph: Graph

    def pipeline(self, stage: Stage) -> Pipeline:
        """The file that declares a stage."""
        return self.by_folder[stage.pipeline_path.rpartition(b"/")[0]]

    def entry(self, stage: Stage) -> LockEntry | None:
        """What the lock has of a stage."""
        return self.pipeline(stage).entry(stage)

    @property
    def entries(self) -> dict[str, LockEntry | None]:
        """What the locks have of every stage, by address."""
        return {address: self.entry(stage) for address, stage in self.graph.stages.items()}


def load_pipelines(
    context: Context, everything: list[Tracked] | None = None
) -> tuple[Pipelines, list[Tracked]]:
    """The pipelines, and every tracked path of the workspace."""
    everything = context.tracked() if everything is None else everything
    by_folder = dict(sorted(context.stage_files.loaded.items()))
    graph = build(stage for p in by_folder.values() for stage in p.stages.values())
    refuse_tracked(graph, {t.path: t.pointer_name for t in everything if not t.maker})
    return Pipelines(by_folder=by_folder, graph=graph), everything


def _order(
    context: Context, pipelines: Pipelines, targets: list[str], *, single: bool = False
) -> list[str]:
    folder = _current_folder(context)
    relative = {}
    for target in targets:
        path, colon, _ = target.rpartition(":")
        key = path if colon else target
        try:
            relative[key] = context.relative(key)
        except AssayError:
            relative[key] = b"\0"  # outside: no path of ours
    wanted = resolve(
        pipelines.graph, pipelines.by_folder, targets, folder=folder, relative=relative
    )
    if single:
        return [address for address in pipelines.graph.stages if address in wanted]
    return pipelines.graph.with_upstream(wanted)


def _current_folder(context: Context) -> bytes:
    try:
        return context.relative(".")
    except AssayError:
        return b""


# -- repro --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproOptions:
    """The flags of ``repro``."""

    dry_run: bool = False
    force: bool = False
    single_item: bool = False
    use_run_cache: bool = True


def repro(
    context: Context,
    targets: list[str],
    options: ReproOptions | None = None,
    *,
    narrator: Narrator | None = None,
    contracts: Contracts | None = None,
) -> ReproResult:
    """Run the stages whose inputs, command or outputs changed, and what they need.

    Every input is verified before the first stage starts.  Raises
    :class:`assay.errors.StageFailed`, :class:`assay.errors.GateFailed` or
    :class:`assay.errors.Inconclusive`; stages before the one that stopped stay recorded.
    """
    options = options or ReproOptions()
    narrator = narrator or SilentNarrator()
    contracts = contracts or ProjectContracts(root=str(context.root))
    _refuse_nested(context)
    if options.dry_run:
        return _dry(context, targets, options, narrator)
    with _stages_locked(context) as held:
        pipelines, everything = load_pipelines(context)
        order = _order(context, pipelines, targets, single=options.single_item)
        stages = [pipelines.graph.stages[address] for address in order]
        observer = Observer(workspace=context.workspace, progress=context.progress)
        planned = plan_stages(
            pipelines.graph, order, pipelines.entries, observer, force=options.force
        )
        to_run = [address for address in order if planned[address]]
        if not to_run and not any(stage.checks for stage in stages):
            return _nothing_to_do(order, narrator)
        _require_contracts(stages, contracts)
        if to_run:
            from assay.pipelines.preflight import preflight

            preflight(
                pipelines.graph,
                to_run,
                everything,
                observer,
                uses_git=context.uses_git,
            )
        reproducer = _reproducer(context, observer, narrator, contracts, options, held)
        for stage in stages:
            pipeline = pipelines.pipeline(stage)
            reproducer.reproduce(pipeline, stage, pipeline.entry(stage))
        context.stage_in_git([os.fsencode(name) for name in reproducer.result.locks])
        return reproducer.result


def _require_contracts(stages: list[Stage], contracts: Contracts) -> None:
    """A contract that is absent or cannot be read is refused before anything runs."""
    for stage in stages:
        for check in stage.checks:
            if check.contract:
                contracts.fingerprint(check.contract)


def _nothing_to_do(order: list[str], narrator: Narrator) -> ReproResult:
    result = ReproResult()
    for address in order:
        narrator.say(f"Stage '{address}' didn't change, skipping")
        result.stages.append(StageResult(address=address, outcome=SKIPPED))
    return result


def _dry(
    context: Context, targets: list[str], options: ReproOptions, narrator: Narrator
) -> ReproResult:
    pipelines, _ = load_pipelines(context)
    order = _order(context, pipelines, targets, single=options.single_item)
    observer = Observer(workspace=context.workspace, progress=context.progress)
    planned = plan_stages(pipelines.graph, order, pipelines.entries, observer, force=options.force)
    result = ReproResult()
    for address in order:
        reasons = tuple(planned[address].reasons())
        if reasons:
            narrator.say(f"Running stage '{address}':")
            for command in pipelines.graph.stages[address].commands:
                narrator.say(f"> {command}")
        else:
            narrator.say(f"Stage '{address}' didn't change, skipping")
        outcome = WOULD_RUN if reasons else SKIPPED
        result.stages.append(StageResult(address=address, outcome=outcome, reasons=reasons))
    return result


def _refuse_nested(context: Context) -> None:
    environ = current_environment()
    if environ.get("ASSAY_STAGE") and environ.get("ASSAY_ROOT") == str(context.root):
        raise InvalidInput(
            "repro-nested",
            f"`repro` was called by stage {environ['ASSAY_STAGE']!r} of the same pipeline.",
            why="It would wait for itself.",
            fix="Declare the inner work as stages of its own.",
        )


@contextmanager
def _stages_locked(context: Context) -> Iterator[int]:
    from assay.store.locks import inherited_lock

    folder = os.path.join(context.home, "tmp")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "stages.lock")
    with inherited_lock(path, what="the pipelines here", progress=context.progress) as held:
        yield held


def _reproducer(
    context: Context,
    observer: Observer,
    narrator: Narrator,
    contracts: Contracts,
    options: ReproOptions,
    held: int,
) -> Reproducer:
    from assay.pipelines.checks import Checker
    from assay.pipelines.records import surroundings_of
    from assay.pipelines.repro import Options, Reproducer
    from assay.pipelines.run import Bench
    from assay.pipelines.shell import Shell

    shell = Shell(environ=current_environment())
    root = str(context.root)
    return Reproducer(
        bench=Bench(
            workspace=context.workspace,
            trash=context.trash,
            shell=shell,
            narrator=narrator,
            clock=context.clock,
            progress=context.progress,
            uses_git=context.uses_git,
            held=(held,),
        ),
        dialect=context.dialect,
        observer=observer,
        checker=Checker(root=os.fsencode(root), shell=shell, contracts=contracts),
        log=run_log(context),
        state_folder=os.path.join(context.home, "tmp", "stages"),
        surroundings=lambda: surroundings_of(root, context.cache, uses_git=context.uses_git),
        changing=context.changing,
        options=Options(force=options.force, use_run_cache=options.use_run_cache),
    )


# -- looking ------------------------------------------------------------------------------


def stage_changes(
    context: Context, targets: list[str], everything: list[Tracked] | None = None
) -> dict[str, Changes]:
    """Why each stage is not as its lock says, by address; up-to-date stages are left out.

    ``targets`` that are no stages select none; no targets select all.  ``everything`` is what
    :meth:`Context.tracked` has just found, where the caller asked already.
    """
    pipelines, _ = load_pipelines(context, everything)
    if not pipelines.graph.stages:
        return {}
    chosen = _selected_stages(context, pipelines, targets)
    observer = Observer(workspace=context.workspace, progress=context.progress)
    planned = plan_stages(
        pipelines.graph,
        [address for address in pipelines.graph.stages if address in chosen],
        pipelines.entries,
        observer,
        force=False,
    )
    return {address: changes for address, changes in planned.items() if changes.as_status()}


def _selected_stages(context: Context, pipelines: Pipelines, targets: list[str]) -> set[str]:
    if not targets:
        return set(pipelines.graph.stages)
    named = _stages_by_target(context, pipelines, targets)
    return {address for addresses in named.values() for address in addresses}


def _stages_by_target(
    context: Context, pipelines: Pipelines, targets: list[str]
) -> dict[str, list[str]]:
    """The stages that each target means; targets that mean none are left out."""
    found = {}
    for target in targets:
        try:
            found[target] = _order(context, pipelines, [target], single=True)
        except AssayError as error:
            if error.code != "stage-unknown":
                raise
    return found


def stage_targets(context: Context, targets: list[str], everything: list[Tracked]) -> set[str]:
    """Those of ``targets`` that mean stages."""
    if not targets:
        return set()
    pipelines, _ = load_pipelines(context, everything)
    return set(_stages_by_target(context, pipelines, targets))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageGraph:
    """The graph, and those of its stages that were asked for, in order."""

    graph: Graph
    chosen: list[str] = field(default_factory=list)

    @property
    def stages(self) -> list[Stage]:
        """The chosen stages."""
        return [self.graph.stages[address] for address in self.chosen]


def stage_graph(context: Context, targets: list[str], *, upstream: bool = False) -> StageGraph:
    """The stages that ``targets`` mean (all), with what they need when ``upstream``."""
    pipelines, _ = load_pipelines(context)
    if not targets:
        return StageGraph(graph=pipelines.graph, chosen=list(pipelines.graph.stages))
    chosen = _order(context, pipelines, targets, single=not upstream)
    return StageGraph(graph=pipelines.graph, chosen=chosen)


# -- runs ---------------------------------------------------------------------------------


def run_log(context: Context) -> RunLog:
    """The run records of this clone."""
    from assay.pipelines.records import RunLog

    return RunLog(context.home, context.progress)


def runs(context: Context, stage: str | None = None) -> list[Entry]:
    """Run records, newest first; of one stage where it is named."""
    found = run_log(context).entries()
    return [entry for entry in found if stage is None or entry.body.get("stage") == stage]


def run_record(context: Context, wanted: str) -> Entry:
    """One run record, by (the beginning of) its id or hash, or the newest of a stage."""
    return run_log(context).find(wanted)
