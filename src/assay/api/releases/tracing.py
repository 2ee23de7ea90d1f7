"""``trace``: from an output, a file or a release to what made it, or on to what came of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assay.api.context import Context
from assay.api.releases.desk import Desk, open_desk
from assay.api.releases.taking import Home, open_home
from assay.api.source import Source, snapshot_of
from assay.core.digest import ObjectKind
from assay.core.pointer import Output as Recorded
from assay.core.progress import SILENT, Progress
from assay.data.transfer import read_node_anywhere
from assay.errors import AssayError, InvalidInput, NotFound
from assay.jobs.shelf import BESIDE, all_kept, find
from assay.jobs.stamp import read_stamped
from assay.lineage.model import Direction, Lineage
from assay.releases.judge import Evidence
from assay.releases.ledger import Ledger
from assay.releases.memory import refuse_other_root
from assay.releases.memory_file import load_memory, memory_path
from assay.releases.names import Reference, parse_reference
from assay.releases.stages import pipelines_at
from assay.settings import current_environment, find_root, state_folder
from assay.trace.builder import Builder
from assay.trace.sight import Sight

_LINE = re.compile(r"(.+):([1-9][0-9]{0,9})")
_STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions:
    """How to trace.

    ``repo`` is where the release's repository is (None: around here, or where the output's run
    took it from), ``runs`` where else records of runs may lie, ``text`` the output that the
    target ``-`` stands for.
    """

    repo: str | None = None
    down: bool = False
    runs: str | None = None
    text: str = ""


def trace(
    target: str, options: TraceOptions | None = None, *, progress: Progress = SILENT
) -> Lineage:
    """The lineage of ``FILE:LINE`` of a job's output, of a release, or of a path here.

    What does not verify is in the graph (:attr:`Lineage.broken`); only what cannot be followed at
    all raises: :class:`NotFound`, :class:`IntegrityError` ``output-unstamped``.
    """
    options = options or TraceOptions()
    line = _LINE.fullmatch(target)
    if target == _STDIN or (line and os.path.isfile(line[1]) and not os.path.exists(target)):
        if options.down:
            raise InvalidInput("trace-down-output", "Nothing is known of what came of an output.")
        path, number = (line[1], int(line[2])) if line else (target, 1)
        return _trace_output(path, number, options, progress)
    if not os.path.lexists(target):
        reference = _reference(target)
        if reference is not None:
            return _trace_release(reference, options, progress)
    return _trace_path(target, options, progress)


def _reference(target: str) -> Reference | None:
    try:
        return parse_reference(target)
    except InvalidInput:
        return None


# -- outputs ------------------------------------------------------------------------------


def _trace_output(path: str, number: int, options: TraceOptions, progress: Progress) -> Lineage:
    from assay.trace.output import Output, tell_output

    place = f"{path}:{number}" if path != _STDIN else "standard input"
    text = options.text if path == _STDIN else _line_of(path, number)
    stamped = read_stamped(text, where=place)
    stamp = stamped.stamp
    folders = [os.path.join(os.path.dirname(os.path.abspath(path)), BESIDE), _runs_folder()]
    if options.runs is not None:
        folders.insert(0, options.runs)
    kept = find(stamp.run, folders)
    reference = parse_reference(stamp.release)

    def follow(repo: str | None) -> Lineage:
        with _opened(repo, progress) as home:
            sight = _sight(home, home.ledger.evidence(reference.name, reference.version))
            builder = Builder(Direction.UP)
            tell_output(builder, Output(place=place, stamped=stamped, kept=kept), sight)
            return builder.lineage()

    known = _known_address(kept.run.address if kept else "")
    if options.repo is not None or find_root(Path()) is None or known is None:
        return follow(options.repo or known)
    try:
        return follow(None)
    except NotFound:  # the project around here is another one
        return follow(known)


def _line_of(path: str, number: int) -> str:
    try:
        with open(path, "rb") as file:
            for at, line in enumerate(file, 1):
                if at == number:
                    return line.decode("utf-8", "replace")
    except OSError as error:
        raise NotFound(
            "path-missing", f"{path} cannot be read.", why=str(error.strerror), paths=(path,)
        ) from None
    raise NotFound("line-missing", f"{path} has no line {number}.", paths=(path,))


def _runs_folder() -> str:
    return str(state_folder(current_environment()) / "runs")


def _known_address(address: str) -> str | None:
    """Where a run says that it took its release from, if this user took something from there.

    A record is data: it must not make anybody's machine talk to an address of its choice.
    """
    if not address:
        return None
    folder = str(state_folder(current_environment()) / "seen")
    if os.path.exists(memory_path(folder, address)):
        return address
    return None


@contextmanager
def _opened(repo: str | None, progress: Progress) -> Iterator[Home]:
    """The repository, whose policy must be the one that was seen before."""
    if repo is None and find_root(Path()) is None:
        raise NotFound(
            "repository-unknown",
            "It is not known where the release's repository is.",
            why="There is none around here, and nothing was ever taken from the one that the run "
            "names.",
            fix="Name it: --repo PATH or URL.",
        )
    with open_home(repo, progress=progress) as home:
        folder = str(state_folder(current_environment()) / "seen")
        memory = load_memory(memory_path(folder, home.address))
        refuse_other_root(memory, home.ledger.trust, home.policy_root)
        yield home


def _sight(home: Home, evidence: Evidence) -> Sight:
    source = home.source(evidence.release.value.commit)
    return Sight(
        ledger=home.ledger,
        evidence=evidence,
        snapshot=snapshot_of(source),
        pipelines=pipelines_at(source.reader, source.rev, source.dialect),
        read_blob=lambda digest: _blob(source, digest),
    )


def _blob(source: Source, digest: bytes) -> bytes:
    source.fetch({digest: int(ObjectKind.BLOB)})
    with source.cache.open_blob(digest) as file:
        return file.read()


# -- releases -----------------------------------------------------------------------------


def _trace_release(reference: Reference, options: TraceOptions, progress: Progress) -> Lineage:
    with _opened(options.repo, progress) as home:
        ledger = home.ledger
        states = ledger.states(reference.name, reference.channel) if reference.channel else []
        version = reference.version
        if reference.channel:
            if not states:
                raise NotFound("channel-empty", f"Channel {reference} serves nothing.")
            version = states[-1].value.version
        evidence = ledger.evidence(reference.name, version)
        builder = Builder(Direction.DOWN if options.down else Direction.UP)
        if options.down:
            _down_from_release(builder, ledger, evidence)
        else:
            from assay.trace.made_of import tell_release

            tell_release(builder, _sight(home, evidence), channel=states[-1] if states else None)
        return builder.lineage()


def _down_from_release(builder: Builder, ledger: Ledger, evidence: Evidence) -> None:
    from assay.pipelines.graph import Graph
    from assay.trace.used_by import Use, tell_uses_of_release

    use = Use(
        graph=Graph(stages={}, before={}),
        now={},
        ledger=ledger,
        releases=[],
        runs=list(all_kept(_runs_folder())),
    )
    tell_uses_of_release(builder, use, evidence)


# -- paths of the workspace ---------------------------------------------------------------


def _trace_path(target: str, options: TraceOptions, progress: Progress) -> Lineage:
    if not os.path.lexists(target) and (options.repo or find_root(Path()) is None):
        raise _nothing(target)
    if options.repo is not None:
        raise InvalidInput(
            "trace-target-invalid",
            f"{target} is neither FILE:LINE of an output nor NAME@VERSION of a release.",
            why="Of another repository only those can be traced.",
        )
    context = Context.find(Path(), progress=progress)
    try:
        with open_desk(context) as desk:
            path = context.relative(target)
            return _down_from_path(desk, path) if options.down else _up_from_path(desk, path)
    finally:
        context.close()


def _down_from_path(desk: Desk, path: bytes) -> Lineage:
    from assay.api.pipelines import load_pipelines
    from assay.trace.used_by import Use, tell_uses_of_path

    pipelines, everything = load_pipelines(desk.context)
    builder = Builder(Direction.DOWN)
    use = Use(
        graph=pipelines.graph,
        now={t.path: t.output for t in everything},
        ledger=desk.ledger,
        releases=[desk.ledger.evidence(*pair) for pair in desk.ledger.versions()],
        runs=list(all_kept(_runs_folder())),
    )
    _require_there(desk.context, path, use.now)
    tell_uses_of_path(builder, use, path)
    return builder.lineage()


def _require_there(context: Context, path: bytes, known: dict[bytes, Recorded]) -> None:
    if path in known or os.path.lexists(os.path.join(os.fsencode(context.root), path)):
        return
    raise _nothing(os.fsdecode(path))


def _nothing(name: str) -> NotFound:
    return NotFound(
        "trace-target-unknown",
        f"There is nothing called {name} to trace.",
        why="It is no file here, no FILE:LINE of one, and no NAME@VERSION or NAME@CHANNEL.",
        fix="`assay release list` shows releases; `assay ls .` shows files.",
        paths=(name,),
    )


def _up_from_path(desk: Desk, path: bytes) -> Lineage:
    from assay.api.pipelines import load_pipelines, run_log
    from assay.pipelines.observe import Observer
    from assay.trace.here import Here, tell_path

    context = desk.context
    pipelines, everything = load_pipelines(context)
    _require_there(context, path, {t.path: t.output for t in everything})
    try:
        runs = run_log(context).entries()
    except AssayError as error:
        context.progress.note(error.what)
        runs = []
    builder = Builder(Direction.UP)
    here = Here(
        pipelines=pipelines.by_folder,
        graph=pipelines.graph,
        tracked=everything,
        observer=Observer(workspace=context.workspace, progress=context.progress),
        runs=runs,
        read_node=lambda digest: read_node_anywhere(
            context.cache, context.usable_remotes(), digest
        ),
    )
    tell_path(builder, here, path)
    return builder.lineage()
