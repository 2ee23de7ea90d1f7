"""Which paths are left out of tracked data: the ignore files of a repository, folder by folder.

Each folder may have an ignore file of gitignore syntax; a deeper file speaks after a shallower
one, the last pattern that matches decides, and nothing inside an ignored folder can come back.
The repositories' own folders are always left out.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import InvalidInput

# Most projects ignore nothing: the grammar is loaded when a file has something to say.
if TYPE_CHECKING:
    from assay.data.patterns import Pattern

ALWAYS_IGNORED = frozenset({b".git", b".hg", b".assay", b".dvc"})

_MOST_BYTES = 1 << 20
_Expression = re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Match:
    """The line that decides about ``path``; ``source`` is empty for what is always ignored."""

    path: bytes
    source: bytes
    line: int
    pattern: bytes
    is_ignored: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring patterns of one sign, joined: by name and by path, for files and folders."""

    negated: bool
    file_name: _Expression | None
    file_path: _Expression | None
    folder_name: _Expression | None
    folder_path: _Expression | None


class FolderRules:
    """The rules for what lies directly in one folder; called with a path and whether a folder."""

    __slots__ = ("_files", "_prefix", "is_excluded")

    def __init__(
        self, rel: bytes, files: tuple[tuple[int, tuple[_Run, ...]], ...], is_excluded: bool
    ) -> None:
        self._prefix = rel + b"/" if rel else b""
        self._files = files  # deepest first: (length of its folder's prefix, runs, last first)
        self.is_excluded = is_excluded

    def __call__(self, path: bytes, is_dir: bool) -> bool:
        """Whether ``path``, given from the root and lying directly in this folder, is left out."""
        name = path[len(self._prefix) :]
        if self.is_excluded or name in ALWAYS_IGNORED:
            return True
        for start, runs in self._files:
            for run in runs:
                by_name = run.folder_name if is_dir else run.file_name
                by_path = run.folder_path if is_dir else run.file_path
                if (by_name is not None and by_name.fullmatch(name)) or (
                    by_path is not None and by_path.fullmatch(path, start)
                ):
                    return not run.negated
        return False


class IgnoreRules:
    """The ignore files of the repository at ``root``, read as their folders are asked about.

    One object sees one state of the files.  It can be sent to another process, which then reads
    the files itself.
    """

    def __init__(self, root: bytes, ignore_file: str) -> None:
        self._root = root
        self._ignore_file = os.fsencode(ignore_file)
        self._folders: dict[bytes, FolderRules | None] = {}

    @classmethod
    def load(cls, root: bytes, ignore_file: str) -> IgnoreRules:
        """The rules below ``root``; each folder's file is called ``ignore_file``."""
        return cls(root, ignore_file)

    def __reduce__(self) -> tuple[object, ...]:
        return (IgnoreRules, (self._root, os.fsdecode(self._ignore_file)))

    def for_directory(self, rel: bytes, *, has_file: bool | None = None) -> FolderRules | None:
        """The rules for the entries of the folder ``rel`` (``b""`` is the root).

        None when no pattern applies there: then only :data:`ALWAYS_IGNORED` names are left out.
        ``has_file`` saves a look for the ignore file where the caller has listed the folder.
        """
        try:
            return self._folders[rel]
        except KeyError:
            rules = self._folders[rel] = self._read(rel, has_file)
            return rules

    def is_ignored(self, rel_path: bytes, is_dir: bool) -> bool:
        """Whether the path from the root is left out, by itself or with a folder above it."""
        folder, _, name = rel_path.rpartition(b"/")
        rules = self.for_directory(folder)
        if rules is None:
            return name in ALWAYS_IGNORED
        return rules(rel_path, is_dir)

    def explain(self, rel_path: bytes, is_dir: bool) -> list[Match]:
        """Every line that matches the path or a folder above it, in order of reading.

        The last one decides, except that of an ignored folder, which ends the list.
        """
        parts = rel_path.split(b"/")
        for depth in range(1, len(parts) + 1):
            path = b"/".join(parts[:depth])
            matches = list(self._matches(path, depth < len(parts) or is_dir))
            if depth == len(parts) or (matches and matches[-1].is_ignored):
                return matches
        return []

    def _matches(self, path: bytes, is_dir: bool) -> Iterable[Match]:
        name = path.rpartition(b"/")[2]
        if name in ALWAYS_IGNORED:
            yield Match(path, b"", 0, name, True)
            return
        for folder in _folders_above(path):
            inside = path[len(folder) + 1 if folder else 0 :]
            source = _join(folder, self._ignore_file)
            for pattern in self._patterns(folder, None):
                if pattern.folders_only and not is_dir:
                    continue
                if re.fullmatch(pattern.regex, name if pattern.by_name else inside):
                    yield Match(path, source, pattern.line, pattern.text, not pattern.negated)

    def _read(self, rel: bytes, has_file: bool | None) -> FolderRules | None:
        above: FolderRules | None = None
        is_excluded = False
        if rel:
            parent, _, name = rel.rpartition(b"/")
            above = self.for_directory(parent)
            is_excluded = name in ALWAYS_IGNORED if above is None else above(rel, True)
        if is_excluded:
            return FolderRules(rel, (), True)
        files = () if above is None else above._files
        patterns = self._patterns(rel, has_file)
        if patterns:
            start = len(rel) + 1 if rel else 0
            files = ((start, _runs(patterns)), *files)
        return FolderRules(rel, files, False) if files else None

    def _patterns(self, rel: bytes, has_file: bool | None) -> list[Pattern]:
        if has_file is False:
            return []
        content = _content(_join(self._root, _join(rel, self._ignore_file)))
        # The file that `init` writes holds comments only; most files are it.
        if not content or all(line[:1] in (b"", b"#") for line in content.split(b"\n")):
            return []
        from assay.data.patterns import parse

        return parse(content)


def _folders_above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(len(parts))]


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _runs(patterns: list[Pattern]) -> tuple[_Run, ...]:
    groups: list[list[Pattern]] = []
    for pattern in patterns:
        if groups and groups[-1][0].negated == pattern.negated:
            groups[-1].append(pattern)
        else:
            groups.append([pattern])
    return tuple(_run(group) for group in reversed(groups))


def _run(group: list[Pattern]) -> _Run:
    for_files = [p for p in group if not p.folders_only]
    return _Run(
        negated=group[0].negated,
        file_name=_any_of(p.regex for p in for_files if p.by_name),
        file_path=_any_of(p.regex for p in for_files if not p.by_name),
        folder_name=_any_of(p.regex for p in group if p.by_name),
        folder_path=_any_of(p.regex for p in group if not p.by_name),
    )


def _any_of(expressions: Iterable[bytes]) -> _Expression | None:
    joined = b"|".join(expressions)
    return re.compile(joined) if joined else None


def _content(path: bytes) -> bytes:
    """What the ignore file holds; nothing where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be opened") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(path, "it is not a regular file")
        if status.st_size > _MOST_BYTES:
            raise _unusable(path, f"it has {status.st_size} bytes, and {_MOST_BYTES} are read")
        return os.read(handle, _MOST_BYTES)
    finally:
        os.close(handle)


def _unusable(path: bytes, problem: str) -> InvalidInput:
    shown = os.fsdecode(path)
    return InvalidInput(
        "ignore-file-unusable",
        f"The ignore file {shown} cannot be used.",
        why=f"Without it, files that should be left out would be taken in: {problem}.",
        fix="Replace it by a regular file, or remove it.",
        paths=(shown,),
    )
