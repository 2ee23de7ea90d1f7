"""``add``: take files and folders under version control, or record that they changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise

from assay.core.dialect import Dialect
from assay.core.paths import path_problem, require_safe
from assay.core.progress import SILENT, Progress
from assay.data.intake import take_in
from assay.data.model import Tracked, is_at_or_below, printable
from assay.data.outputs import read_pointer
from assay.data.record import (
    Recorded,
    ignore_in_git,
    new_tracked,
    splice_state,
    store_manifest,
    write_pointer,
)
from assay.data.relink import relink
from assay.data.scan import A_FOLDER, ABSENT, PathState, Workspace, look
from assay.data.status import recorded_manifest
from assay.errors import Conflict, IntegrityError, InvalidInput, NotFound
from assay.git.ignore import is_tracked
from assay.store.walk import RESERVED_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class AddItem:
    """One path to add: a tracked path, new or known, or a part inside one."""

    tracked: Tracked
    inside: bytes
    is_new: bool

    @property
    def path(self) -> bytes:
        """What will be looked at."""
        return self.tracked.path + b"/" + self.inside if self.inside else self.tracked.path


def plan_add(
    workspace: Workspace,
    dialect: Dialect,
    everything: list[Tracked],
    targets: Iterable[bytes],
    *,
    uses_git: bool,
) -> list[AddItem]:
    """Decide for every target (paths from the root) what adding it means.

    Raises :class:`NotFound`, :class:`InvalidInput` or :class:`Conflict`, naming the target.
    """
    items: dict[bytes, AddItem] = {}
    by_path = {tracked.path: tracked for tracked in everything}
    for target in targets:
        item = _plan_one(workspace, dialect, by_path, target)
        items[item.path] = item
    new = [item.tracked.path for item in items.values() if item.is_new]
    _refuse_overlaps(new, everything)
    if uses_git and new:
        _refuse_in_git(workspace, new)
    return list(items.values())


def _plan_one(
    workspace: Workspace, dialect: Dialect, by_path: dict[bytes, Tracked], target: bytes
) -> AddItem:
    shown = printable(target)
    if target in by_path:
        _refuse_made(by_path[target])
        return AddItem(tracked=by_path[target], inside=b"", is_new=False)
    outer = next((by_path[top] for top in _holders(target) if top in by_path), None)
    if outer is not None and outer.holds(target):
        _refuse_made(outer)
        _refuse_hidden(workspace, dialect, target)
        return AddItem(tracked=outer, inside=target[len(outer.path) + 1 :], is_new=False)
    if outer is not None and os.path.lexists(workspace.absolute(target)):
        raise _refused(shown, f"{outer.name} is tracked as a file; add it whole")
    if not os.path.lexists(workspace.absolute(target)):
        raise NotFound(
            "path-missing",
            f"{shown} does not exist.",
            why="There is nothing to add under this name.",
            fix="Check the spelling; quote globs and use --glob, or let the shell expand them.",
            paths=(shown,),
        )
    _refuse_unfit(workspace, dialect, target)
    return AddItem(tracked=new_tracked(target, dialect), inside=b"", is_new=True)


def _refuse_made(tracked: Tracked) -> None:
    if tracked.maker:
        raise made_by_stage(tracked)


def made_by_stage(tracked: Tracked) -> InvalidInput:
    """The error for recording by hand what only a run records."""
    return InvalidInput(
        "add-made-by-stage",
        f"{tracked.name} is written by stage {tracked.maker!r}.",
        why="What a stage makes is recorded when the stage runs.",
        fix=f"Run `assay repro {tracked.maker}`; or take it out of the stage's outputs.",
        paths=(tracked.name,),
    )


def _holders(path: bytes) -> Iterator[bytes]:
    """The folders around a path, the innermost first."""
    while path := path.rpartition(b"/")[0]:
        yield path


def _refuse_unfit(workspace: Workspace, dialect: Dialect, target: bytes) -> None:
    absolute = workspace.absolute(target)
    problem = ""
    if target.endswith(os.fsencode(dialect.pointer_suffix)):
        problem = "it is a pointer; add the data that it stands for"
    elif not target or os.fsencode(dialect.home) == target.split(b"/")[0]:
        problem = "it holds the repository itself"
    elif os.path.lexists(os.path.join(absolute, os.fsencode(dialect.home))):
        problem = "it is a repository of its own"
    elif os.path.islink(absolute) and os.path.isdir(absolute):
        problem = "it is a symbolic link to a folder"
    if problem:
        raise _refused(printable(target) or ".", problem)
    _refuse_hidden(workspace, dialect, target)


def _refuse_hidden(workspace: Workspace, dialect: Dialect, target: bytes) -> None:
    """Refuse what a look at the folder around it would leave out, or a checkout not write."""
    problem = path_problem(target)
    if any(part.decode("utf-8", "replace") in RESERVED_NAMES for part in target.split(b"/")):
        problem = "it is part of a repository's own folder"
    elif workspace.rules.is_ignored(target, os.path.isdir(workspace.absolute(target))):
        problem = f"{dialect.ignore_file} excludes it"
    if problem:
        raise _refused(printable(target), problem)


def _refused(shown: str, problem: str) -> InvalidInput:
    return InvalidInput(
        "add-refused",
        f"{shown} cannot be added: {problem}.",
        fix="Name the data itself; `assay add --help` has examples.",
        paths=(shown,),
    )


def _refuse_overlaps(new: list[bytes], everything: list[Tracked]) -> None:
    # Sorted by their parts, whatever lies inside a path comes right after it.
    paths = sorted({*new, *(t.path for t in everything)}, key=lambda path: path.split(b"/"))
    fresh = set(new)
    pairs = [(a, b) for a, b in pairwise(paths) if is_at_or_below(b, a) and {a, b} & fresh]
    if pairs:
        outer, inner = (printable(path) for path in pairs[0])
        raise Conflict(
            "output-overlap",
            f"{outer} holds {inner}, which is tracked by itself.",
            why="One file cannot belong to two tracked paths.",
            fix=f"Remove the pointer of {inner} first, or add something smaller than {outer}.",
            paths=(outer, inner),
        )


def _refuse_in_git(workspace: Workspace, new: list[bytes]) -> None:
    held = is_tracked(workspace.root, new)
    if held:
        names = [printable(path) for path in sorted(held)]
        raise Conflict(
            "tracked-by-git",
            f"{names[0]} is already tracked by Git.",
            why="A file belongs to Git or to assay, not to both.",
            fix=f"Take it out of Git first: git rm -r --cached {names[0]}; then commit and add it.",
            paths=tuple(names),
        )


def apply_add(
    workspace: Workspace,
    dialect: Dialect,
    items: list[AddItem],
    *,
    uses_git: bool,
    store: bool = True,
    progress: Progress = SILENT,
) -> list[Recorded]:
    """Store and record every item.  Objects are durable before a pointer names them."""
    with workspace.cache.writing(progress) if store else nullcontext():
        done: list[Recorded] = []
        if store:
            take_in(workspace, [item.path for item in items], progress=progress)
        for item in items:
            current = _reread(workspace, dialect, item, done)
            done.append(_add_one(workspace, dialect, current, uses_git, store, progress))
        return done


def _reread(workspace: Workspace, dialect: Dialect, item: AddItem, done: list[Recorded]) -> AddItem:
    """``item`` with its pointer as an item before it has left it."""
    pointer_path = item.tracked.pointer_path
    if not any(pointer_path == recorded.pointer_path for recorded in done):
        return item
    for tracked in read_pointer(workspace.root, pointer_path, dialect):
        if tracked.path == item.tracked.path:
            return replace(item, tracked=tracked)
    return item


def _add_one(
    workspace: Workspace,
    dialect: Dialect,
    item: AddItem,
    uses_git: bool,
    store: bool,
    progress: Progress,
) -> Recorded:
    state = look(workspace, item.path, store=store, progress=progress)
    if state.kind == ABSENT and not _is_recorded(workspace, item):
        raise NotFound(
            "path-missing",
            f"{printable(item.path)} does not exist.",
            why="" if item.inside else "Its pointer is here, its data is not.",
            fix="Check the spelling."
            if item.inside
            else f"Fetch it with `assay pull {item.tracked.name}`, or remove the pointer.",
            paths=(printable(item.path),),
        )
    if state.kind == A_FOLDER and state.digest != item.tracked.root_digest:
        _refuse_unsafe(state)
    whole: PathState = state
    if item.inside:
        whole = splice_state(workspace, item.tracked, item.inside, state)
    if store:
        store_manifest(workspace.cache, whole)
        if workspace.link_types[0] in ("hardlink", "symlink"):
            relink(workspace, state, progress=progress)
    recorded = write_pointer(workspace, dialect, item.tracked, whole)
    ignored = ignore_in_git(workspace, item.tracked.path) if uses_git else None
    if ignored is None:
        return recorded
    return replace(recorded, touched=(*recorded.touched, ignored))


def _is_recorded(workspace: Workspace, item: AddItem) -> bool:
    """Whether the pointer records something at a part that is not there any more."""
    if not item.inside or item.tracked.output.digest is None:
        return False
    rows = recorded_manifest(workspace, item.tracked, item.inside)
    return bool(len(rows))


def _refuse_unsafe(state: PathState) -> None:
    """Refuse names that no checkout would write, before anything records them."""
    try:
        require_safe(state.manifest.paths, where=printable(state.path))
    except IntegrityError as error:
        name = f"{printable(state.path)}/{error.paths[0]}"
        raise InvalidInput(
            "add-refused",
            f"{name} cannot be added.",
            why=error.why,
            fix="Rename it, or name it in the ignore file.",
            paths=(name,),
        ) from None
