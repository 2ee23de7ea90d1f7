"""Recording: turning what a path holds now into its pointer, after its objects are durable."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from assay.core.dialect import Dialect
from assay.core.digest import ObjectKind
from assay.core.manifest import Manifest, splice
from assay.core.pointer import Output, Pointer, render
from assay.core.prolly import encode, load
from assay.data.leftovers import clear_unwritten
from assay.data.model import Tracked
from assay.data.scan import A_FILE, ABSENT, PathState, Workspace, manifest_of
from assay.git.ignore import add_ignore
from assay.store.cache import Cache
from assay.store.durable import write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one recorded path became."""

    path: bytes
    pointer_path: bytes
    digest: bytes
    is_folder: bool
    size_bytes: int
    file_count: int
    is_changed: bool
    touched: tuple[bytes, ...] = ()


def describe(state: PathState, name: str, extra: dict[str, object]) -> Output:
    """The output that says what ``state`` holds."""
    is_folder = state.kind != A_FILE
    return Output(
        path=name,
        digest=state.digest,
        is_folder=is_folder,
        size_bytes=state.size_bytes,
        file_count=state.file_count if is_folder else None,
        is_executable=state.is_executable and not is_folder,
        extra=extra,
    )


def store_manifest(cache: Cache, state: PathState) -> None:
    """Put a folder's manifest nodes into the cache, where they are not there yet."""
    if state.kind not in (A_FILE, ABSENT) and (
        "tree" in state.__dict__ or not cache.has(state.digest)
    ):
        cache.put(ObjectKind.NODE, state.tree.nodes)


def splice_state(
    workspace: Workspace, tracked: Tracked, inside: bytes, part: PathState
) -> PathState:
    """The state of a tracked folder in which only ``inside`` was looked at anew."""
    recorded = tracked.output.digest
    base = (
        load(recorded, lambda digest: workspace.cache.read(digest, ObjectKind.NODE))
        if recorded is not None and tracked.output.is_folder
        else manifest_of([], b"")
    )
    if part.kind == ABSENT:
        rows = manifest_of([], b"")
    elif part.kind == A_FILE:
        rows = _one(part, inside)
    else:
        below = part.manifest
        rows = Manifest(
            paths=[inside + b"/" + path for path in below.paths],
            sizes=below.sizes,
            kinds=below.kinds,
            digests=below.digests,
        )
    merged = splice(base, inside, rows)
    tree = encode(merged)
    state = PathState(
        kind="folder",
        path=tracked.path,
        digest=tree.root,
        size_bytes=merged.size_bytes,
        file_count=merged.file_count,
        hashed=part.hashed,
    )
    state.manifest, state.tree = merged, tree
    return state


def _one(part: PathState, inside: bytes) -> Manifest:
    from assay.core.manifest import EXECUTABLE, FILE, Entry, from_entries

    kind = EXECUTABLE if part.is_executable else FILE
    return from_entries([Entry(inside, part.size_bytes, kind, part.digest)])


def write_pointer(
    workspace: Workspace, dialect: Dialect, tracked: Tracked, state: PathState
) -> Recorded:
    """Write the pointer of ``tracked`` for ``state``, unless it says so already."""
    output = describe(state, tracked.output.path, dict(tracked.output.extra))
    changed = output != tracked.output
    if changed:
        outs = tuple(output if o is tracked.output else o for o in tracked.pointer.outs)
        pointer = replace(tracked.pointer, outs=outs)
        path = os.fsdecode(workspace.absolute(tracked.pointer_path))
        previous = _read(path)
        folder, name = os.path.split(workspace.absolute(tracked.pointer_path))
        clear_unwritten(folder, name)
        write_atomic(path, render(pointer, dialect=dialect, previous=previous))
    return Recorded(
        path=tracked.path,
        pointer_path=tracked.pointer_path,
        digest=state.digest,
        is_folder=output.is_folder,
        size_bytes=state.size_bytes,
        file_count=state.file_count,
        is_changed=changed,
        touched=(tracked.pointer_path,) if changed else (),
    )


def new_tracked(path: bytes, dialect: Dialect) -> Tracked:
    """A tracked path that has no pointer yet."""
    output = Output(path=os.fsdecode(os.path.basename(path)), digest=None)
    return Tracked(
        path=path,
        pointer_path=path + os.fsencode(dialect.pointer_suffix),
        pointer=Pointer(outs=(output,)),
        output=output,
    )


def ignore_in_git(workspace: Workspace, path: bytes) -> bytes | None:
    """Add a tracked path to the ``.gitignore`` beside it; the file's path when it changed."""
    folder, _, name = path.rpartition(b"/")
    if add_ignore(workspace.absolute(folder), name):
        return folder + b"/.gitignore" if folder else b".gitignore"
    return None


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
