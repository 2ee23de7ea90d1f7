"""Finding what is tracked: pointer files in the workspace, and which of them a target means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from errno import ELOOP, ENOENT
from itertools import pairwise

from assay.core.dialect import Dialect
from assay.core.paths import path_problem
from assay.core.pointer import MAX_BYTES as POINTER_BYTES
from assay.core.pointer import Output, Pointer, parse_pointer
from assay.data.ignore import IgnoreRules
from assay.data.model import Tracked, TrackedSource, is_at_or_below, printable
from assay.errors import Conflict, InvalidInput, NotFound
from assay.store.walk import RESERVED_NAMES, SCRATCH_PREFIX


def discover(
    root: bytes, dialect: Dialect, rules: IgnoreRules, sources: Sequence[TrackedSource] = ()
) -> list[Tracked]:
    """Every tracked path of the workspace, sorted by path.

    Tracked folders are not entered, nor repositories inside the repository.
    """
    suffix = os.fsencode(dialect.pointer_suffix)
    found: list[Tracked] = []
    made: set[bytes] = set()
    pending = [b""]

    def open_file(path: bytes) -> bytes | None:
        return _read_plain(os.path.join(root, path), _SOURCE_BYTES)

    while pending:
        folder = pending.pop()
        if folder in made:
            continue
        below, pointers, names = _list_folder(root, folder, suffix, rules)
        for path in pointers:
            found += read_pointer(root, path, dialect)
        for source in sources:
            if not names.isdisjoint(source.names):
                listed = source.read(folder, open_file, strict=True)
                made.update(tracked.path for tracked in listed)
                found += listed
        pending += below
    return _without_overlaps(sorted(found, key=lambda tracked: tracked.path.split(b"/")))


def _without_overlaps(found: list[Tracked]) -> list[Tracked]:
    """``found``, in the order of its folders, when no tracked path holds another."""
    for outer, inner in pairwise(found):
        is_graph_s_affair = bool(outer.maker and inner.maker)
        if is_at_or_below(inner.path, outer.path) and not is_graph_s_affair:
            raise Conflict(
                "output-overlap",
                f"{inner.pointer_name} tracks {inner.name}, which {outer.pointer_name} tracks "
                "as well.",
                why="One file cannot belong to two tracked paths.",
                fix="Remove one of the two pointers, or restore it from Git.",
                paths=(outer.pointer_name, inner.pointer_name),
            )
    return sorted(found, key=lambda tracked: tracked.path)


def _list_folder(
    root: bytes, folder: bytes, suffix: bytes, rules: IgnoreRules
) -> tuple[list[bytes], list[bytes], Set[bytes]]:
    prefix = folder + b"/" if folder else b""
    try:
        with os.scandir(os.path.join(root, folder)) as listing:
            entries = {entry.name: entry for entry in listing}
    except (PermissionError, FileNotFoundError):
        return [], [], frozenset()
    if folder and any(name in entries for name in (b".git", b".assay", b".dvc")):
        return [], [], frozenset()  # a repository of its own
    rule = rules.for_directory(folder)
    below, pointers = [], []
    for name, entry in entries.items():
        if name.decode("utf-8", "replace") in RESERVED_NAMES or name.startswith(_SCRATCH):
            continue
        if entry.is_dir(follow_symlinks=False):
            is_output = name + suffix in entries
            if not is_output and (rule is None or not rule(prefix + name, True)):
                below.append(prefix + name)
        elif _is_pointer(entry, suffix) and not (rule and rule(prefix + name, False)):
            pointers.append(prefix + name)
    return below, pointers, entries.keys()


def _is_pointer(entry: os.DirEntry[bytes], suffix: bytes) -> bool:
    # Neither a link, which may lead anywhere, nor a pipe, which may never end.
    name = entry.name
    return name.endswith(suffix) and name != suffix and entry.is_file(follow_symlinks=False)


_SOURCE_BYTES = 64 << 20
_SCRATCH = SCRATCH_PREFIX.encode()


def read_pointer(root: bytes, pointer_path: bytes, dialect: Dialect) -> list[Tracked]:
    """The tracked paths of one pointer file."""
    data = _read_plain(os.path.join(root, pointer_path), POINTER_BYTES)
    if data is None:
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), pointer_path)
    return tracked_from(data, pointer_path, dialect)


def _read_plain(path: bytes, limit_bytes: int) -> bytes | None:
    """A file's bytes (one more than the limit says that it is too large); no link is followed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        fd = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == ELOOP:
            return None  # a link named like one of ours is not one
        raise
    with open(fd, "rb") as file:
        return file.read(limit_bytes + 1)


def tracked_from(data: bytes, pointer_path: bytes, dialect: Dialect) -> list[Tracked]:
    """The tracked paths that a pointer's bytes name, checked to lie inside the repository."""
    shown = printable(pointer_path)
    pointer = parse_pointer(data, dialect=dialect, where=shown)
    return [
        Tracked(
            path=_output_path(pointer, output, pointer_path, os.fsencode(dialect.pointer_suffix)),
            pointer_path=pointer_path,
            pointer=pointer,
            output=output,
        )
        for output in pointer.outs
    ]


def _output_path(
    pointer: Pointer, output: Output, pointer_path: bytes, pointer_suffix: bytes
) -> bytes:
    folder = os.path.dirname(pointer_path)
    wdir = pointer.extra.get("wdir", "")
    parts: list[bytes] = []
    joined = b"/".join((folder, os.fsencode(str(wdir)), os.fsencode(output.path)))
    problem = "the path is absolute" if output.path.startswith(("/", "\\")) else ""
    for part in joined.split(b"/"):
        if part == b"..":
            if not parts:
                problem = "the path climbs out of its folder"
                break
            parts.pop()
        elif part not in (b"", b"."):
            parts.append(part)
    path = b"/".join(parts)
    problem = problem or path_problem(path)
    if path.endswith(pointer_suffix):
        problem = "it is the name of a pointer"
    if problem:
        raise InvalidInput(
            "pointer-path-unsafe",
            f"{printable(pointer_path)} points at {output.path!r}, which assay will not touch.",
            why=f"{problem[0].upper()}{problem[1:]}.",
            fix="Do not trust where the file came from; restore it from Git.",
            paths=(printable(pointer_path),),
        )
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A tracked path, or with ``inside`` only what lies there below it."""

    tracked: Tracked
    inside: bytes = b""


def select(
    everything: list[Tracked], targets: Iterable[bytes], dialect: Dialect
) -> list[Selection]:
    """What ``targets`` (paths from the root) mean; no targets mean everything.

    A target may be a pointer, a tracked path, a path inside a tracked folder, or a folder that
    holds tracked paths.  Raises :class:`NotFound` ``target-unknown``.
    """
    wanted = list(targets)
    if not wanted:
        return [Selection(tracked=tracked) for tracked in everything]
    chosen: dict[tuple[bytes, bytes], Selection] = {}
    for target in wanted:
        found = _matching(everything, target)
        if not found:
            raise _unknown(target, dialect)
        for selection in found:
            chosen.setdefault((selection.tracked.path, selection.inside), selection)
    whole = {path for path, inside in chosen if not inside}
    return [s for (path, inside), s in chosen.items() if not inside or path not in whole]


def _matching(everything: list[Tracked], target: bytes) -> list[Selection]:
    exact = [t for t in everything if target in (t.path, t.pointer_path)]
    if not exact:
        exact = [t for t in everything if t.maker and t.maker == printable(target)]
    if exact:
        return [Selection(tracked=tracked) for tracked in exact]
    for tracked in everything:
        if tracked.holds(target):
            return [Selection(tracked=tracked, inside=target[len(tracked.path) + 1 :])]
    return [Selection(tracked=t) for t in everything if is_at_or_below(t.path, target)]


def _unknown(target: bytes, dialect: Dialect) -> NotFound:
    shown = printable(target) or "."
    return NotFound(
        "target-unknown",
        f"{shown} is not tracked.",
        why=f"No {dialect.pointer_suffix} pointer and no stage in this workspace names it.",
        fix=f"Track it with `assay add {shown}`, or look at `assay ls .`.",
        paths=(shown,),
    )
