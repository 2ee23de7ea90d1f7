"""Running one stage: clear its outputs, run its commands, take in what they made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from assay.core.pointer import Output, Pointer
from assay.core.progress import Progress
from assay.data.checkout import apply_checkout
from assay.data.checkout_plan import plan_checkout
from assay.data.model import Tracked, printable
from assay.data.moving import opened, parent_of, remove_tree
from assay.data.record import describe, ignore_in_git, store_manifest
from assay.data.relink import relink
from assay.data.scan import A_FILE, ABSENT, PathState, Workspace, look
from assay.data.status import recorded_manifest
from assay.data.trash import Trash
from assay.errors import StageFailed
from assay.pipelines.model import LockEntry, Stage, StageOutput
from assay.pipelines.shell import Shell, run_command


class Narrator(Protocol):
    """Hears what happens: lines for people, and what the commands print."""

    def say(self, text: str) -> None: ...

    def output(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a stage is run with.

    ``held`` is the descriptor of the lock on running stages: commands inherit it, so that they
    are waited for even when this process is killed.
    """

    workspace: Workspace
    trash: Trash
    shell: Shell
    narrator: Narrator
    clock: Callable[[], int]
    progress: Progress
    uses_git: bool
    held: tuple[int, ...] = ()


def prepare(bench: Bench, stage: Stage, *, is_unfinished: bool, recorded: LockEntry | None) -> None:
    """Clear the way: outputs are ignored by Git, and gone unless they persist.

    What no cache has a copy of goes to the trash, except the leavings of a run that was cut
    short (``is_unfinished``).
    """
    by_name = {out.path: out for out in recorded.outs} if recorded else {}
    displaced = []
    for out in stage.outs:
        if out.is_cached and bench.uses_git:
            ignore_in_git(bench.workspace, out.path)
        if out.is_persistent:
            continue
        state = look(bench.workspace, out.path, progress=bench.progress)
        if state.kind == ABSENT:
            continue
        if is_unfinished or _is_saved(bench.workspace, state, by_name.get(out.name)):
            _remove(bench.workspace.root, out.path)
        else:
            displaced.append(out.path)
    if displaced:
        entry = bench.trash.displace(displaced, command="repro", now_ns=bench.clock())
        names = ", ".join(map(printable, displaced))
        bench.narrator.say(f"Moved {names} to the trash ({entry.id}): the cache has no copy.")


def _is_saved(workspace: Workspace, state: PathState, recorded: Output | None) -> bool:
    if recorded is not None and recorded.digest == state.digest:
        return True  # what the last run made; running it again makes it again
    if state.kind == A_FILE:
        return workspace.cache.has(state.digest)
    digests = {state.manifest.entry(at).digest for at in range(len(state.manifest.paths))}
    digests.discard(bytes(32))
    return not workspace.cache.missing(digests)


def _remove(root: bytes, path: bytes) -> None:
    with opened(root) as fd, parent_of(fd, path) as (folder, name):
        remove_tree(folder, name)


def execute(bench: Bench, stage: Stage, log_path: str) -> int:
    """Run the stage's commands in turn, until one fails; the last exit code."""
    folder = bench.workspace.absolute(stage.folder)
    if not os.path.isdir(folder):
        raise StageFailed(
            "stage-folder-missing",
            f"Stage {stage.address!r} runs in {printable(stage.folder)}, which is no folder.",
            fix="Create it, or correct the stage's `wdir`.",
            paths=(printable(stage.folder),),
        )
    shell = replace(
        bench.shell,
        environ={
            **bench.shell.environ,
            "ASSAY_ROOT": os.fsdecode(bench.workspace.root),
            "ASSAY_STAGE": stage.address,
        },
    )
    with open(log_path, "wb", buffering=0) as log:

        def keep(data: bytes) -> None:
            log.write(data)

        for command in stage.commands:
            bench.narrator.say(f"> {command}")
            log.write(f"> {command}\n".encode("utf-8", "surrogateescape"))
            code = run_command(
                shell,
                command,
                cwd=folder,
                sinks=(keep, bench.narrator.output),
                held=bench.held,
            )
            if code != 0:
                return code
    return 0


def failed(stage: Stage, code: int, log_path: str) -> StageFailed:
    """The error for a command that did not end well."""
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    command = " && ".join(stage.commands)
    return StageFailed(
        "stage-failed",
        f"Stage {stage.address!r} failed with {how}: {command[:500]}",
        why=f"Its output is in {log_path}.",
        fix="Stages before it are recorded; correct it and run `assay repro` again.",
        paths=(log_path,),
    )


def missing_outputs(stage: Stage, names: list[str], log_path: str) -> StageFailed:
    """The error for outputs that a run did not make."""
    return StageFailed(
        "stage-output-missing",
        f"Stage {stage.address!r} ended well but did not write {', '.join(names)}.",
        why=f"Every path under `outs` must be there after a run. Its output is in {log_path}.",
        fix="Correct the command or the stage's `outs`, then run `assay repro` again.",
        paths=tuple(names),
    )


def inputs_modified(stage: Stage, names: list[str]) -> StageFailed:
    """The error for a stage that wrote what it only reads."""
    return StageFailed(
        "stage-changed-input",
        f"Stage {stage.address!r} changed its own input {', '.join(names)}, or something else did.",
        why="What it made can no longer be told from what it was made of; it is not recorded.",
        fix="Restore the input, let the stage write elsewhere, and run `assay repro` again.",
        paths=tuple(names),
    )


def take_in(bench: Bench, stage: Stage, *, keep_all: bool) -> list[Output]:
    """Store what a stage made, durably; absent outputs are left out.

    ``keep_all`` stores also what Git keeps, so that the run can be found again.
    """
    found = []
    with bench.workspace.cache.writing(bench.progress):
        for out in stage.outs:
            store = out.is_cached or keep_all
            state = look(bench.workspace, out.path, store=store, progress=bench.progress)
            if state.kind == ABSENT:
                continue
            if store:
                store_manifest(bench.workspace.cache, state)
            if out.is_cached and bench.workspace.link_types[0] in ("hardlink", "symlink"):
                relink(bench.workspace, state, progress=bench.progress)
            found.append(describe(state, out.name, {}))
    return found


def put_back(bench: Bench, stage: Stage, outputs: Iterable[Output]) -> None:
    """Check recorded outputs out of the cache in place of whatever lies there."""
    by_name = {output.path: output for output in outputs}
    for out in stage.outs:
        if out.is_cached and bench.uses_git:
            ignore_in_git(bench.workspace, out.path)
        _put_back(bench, out, by_name[out.name])


def _put_back(bench: Bench, out: StageOutput, output: Output) -> None:
    workspace = bench.workspace
    if not out.is_cached:  # Git's own file is never a link into the cache
        workspace = replace(workspace, link_types=("reflink", "copy"))
    state = look(workspace, out.path, progress=bench.progress)
    if state.kind != ABSENT and state.digest == output.digest:
        return
    tracked = Tracked(
        path=out.path, pointer_path=out.path, pointer=Pointer(outs=(output,)), output=output
    )
    plan = plan_checkout(
        workspace,
        state,
        recorded_manifest(workspace, tracked),
        tracked.root_digest,
        is_file=not output.is_folder,
    )
    outcome = apply_checkout(
        workspace,
        state,
        plan,
        trash=bench.trash,
        now_ns=bench.clock(),
        command="repro",
        progress=bench.progress,
    )
    for error in outcome.failed.values():
        raise error
