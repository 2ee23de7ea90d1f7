"""Projects for tests: a repository with data in it, ways to look at it and ways to damage it."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.api import open_repository
from assay.api.repository import Repository
from assay.cli.main import main
from assay.store.cache import Cache
from git_repositories import Git, git_in

Name = str | bytes
Content = bytes | str | None
Tree = Mapping[Name, Content]
"""Files by path; text is UTF-8, ``None`` an empty folder."""
LARGE = 300 << 10
"""More bytes than a pack takes: such a file becomes a loose object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one command ended."""

    words: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.stdout)

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.stdout + self.stderr


def assay(folder: Path, *words: Name | Path, exit_code: int | None = 0) -> Outcome:
    """Run one command line in ``folder``, in this process: all of it but the interpreter's start.

    ``exit_code=None`` accepts any.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    argv = [os.fsdecode(word) for word in words]
    before = os.getcwd()
    os.chdir(folder)
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = main(argv)
    finally:
        os.chdir(before)
    outcome = Outcome(
        words=tuple(argv), exit_code=code, stdout=stdout.getvalue(), stderr=stderr.getvalue()
    )
    if exit_code is not None and code != exit_code:
        command = " ".join(argv).encode("utf-8", "backslashreplace").decode()
        pytest.fail(
            f"`assay {command}` ended with {code}, not {exit_code}\n"
            f"--- stdout\n{outcome.stdout}\n--- stderr\n{outcome.stderr}",
            pytrace=False,
        )
    return outcome


def write_tree(folder: Path, tree: Tree) -> None:
    """Write files below ``folder``, and folders as they need."""
    top = os.fsencode(folder)
    for name, content in tree.items():
        path = os.path.join(top, os.fsencode(name))
        if content is None:
            os.makedirs(path, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)


def read_tree(folder: Path | bytes) -> dict[bytes, bytes | str | None]:
    """Every file and empty folder below ``folder``; links as text, empty folders as ``None``.

    An executable file's path ends in ``*``.
    """
    top = os.fsencode(folder)
    found: dict[bytes, bytes | str | None] = {}
    for holder, folders, names in os.walk(top):
        rel = os.path.relpath(holder, top)
        prefix = b"" if rel == b"." else rel + b"/"
        if prefix and not folders and not names:
            found[prefix[:-1]] = None
        for name in [*names, *(f for f in folders if os.path.islink(os.path.join(holder, f)))]:
            path = os.path.join(holder, name)
            if os.path.islink(path):
                found[prefix + name] = os.fsdecode(os.readlink(path))
                continue
            with open(path, "rb") as file:
                mark = b"*" if os.fstat(file.fileno()).st_mode & 0o100 else b""
                found[prefix + name + mark] = file.read()
    return found


class Project:
    """One repository on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def assay(self, *words: Name | Path, exit_code: int | None = 0) -> Outcome:
        """Run a command in the project's root."""
        return assay(self.root, *words, exit_code=exit_code)

    @property
    def git(self) -> Git:
        """Runs Git in the project's root."""
        return git_in(self.root)

    @contextmanager
    def opened(self) -> Iterator[Repository]:
        """The project through the Python API."""
        with open_repository(self.root) as repository:
            yield repository

    def write(self, tree: Tree) -> None:
        """Write files below the root."""
        write_tree(self.root, tree)

    def read(self, name: Name) -> bytes:
        """The bytes of one file."""
        with open(os.path.join(os.fsencode(self.root), os.fsencode(name)), "rb") as file:
            return file.read()

    def tree(self, name: Name = "data") -> dict[bytes, bytes | str | None]:
        """What lies in a folder of the project."""
        return read_tree(os.path.join(os.fsencode(self.root), os.fsencode(name)))

    def remove(self, *names: Name) -> None:
        """Delete files or folders."""
        for name in names:
            path = os.path.join(os.fsencode(self.root), os.fsencode(name))
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def commit(self, message: str = "change") -> str:
        """Commit everything that Git sees; the commit's id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").decode()

    def save(self, message: str = "change", *names: str) -> str:
        """`assay add` (of data, when no name is given), then commit."""
        self.assay("add", *(names or ("data",)))
        return self.commit(message)

    def switch(self, rev: str, *flags: str, exit_code: int = 0) -> Outcome:
        """`git checkout`, then `assay checkout`."""
        self.git("checkout", "-q", rev)
        return self.assay("checkout", *flags, exit_code=exit_code)

    def status(self) -> dict[str, str]:
        """`assay status` as changes by tracked path."""
        answer = self.assay("status", "--json").json()
        return {
            path: change
            for stages in answer.values()
            for stage in stages
            for path, change in stage["changed outs"].items()
        }

    def pointer(self, name: str = "data") -> str:
        """A pointer's text."""
        return (self.root / f"{name}.assay").read_text(encoding="utf-8")

    @property
    def cache_folder(self) -> Path:
        """Where the project's own cache is."""
        return self.root / ".assay" / "cache"

    def cached(self) -> set[bytes]:
        """Every digest that the cache can find."""
        cache = Cache(str(self.cache_folder))
        try:
            packed = {row.digest for segment in cache.segments() for row in segment.locations()}
            return packed | set(cache.loose_digests())
        finally:
            cache.close()

    def leftovers(self) -> list[str]:
        """Unfinished files that a killed command left anywhere in the project."""
        return [
            os.path.join(folder, name)
            for folder, _, names in os.walk(self.root)
            for name in names
            if name.startswith(".assay-scratch-") or name.endswith(".tmp")
        ]


def new_project(root: Path, *, remote: Path | None = None) -> Project:
    """A fresh project with Git, and a remote named store where one is given."""
    root.mkdir(parents=True)
    project = Project(root)
    project.git("init", "-q")
    project.assay("init")
    if remote is not None:
        project.assay("remote", "add", "--default", "store", remote)
    project.commit("begin")
    return project


def clone(source: Project, root: Path) -> Project:
    """A Git clone of a project, with nothing pulled."""
    git_in(root.parent)("clone", "-q", os.fspath(source.root), os.fspath(root))
    return Project(root)


MakeProject = Callable[..., Project]


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Let a read-only file be written for a moment."""
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode | 0o200)
    try:
        yield
    finally:
        if path.exists():
            path.chmod(mode)


def overwrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's bytes in place, through every hard link to it."""
    with writable(path), path.open("r+b") as file:
        data = change(file.read())
        file.seek(0)
        file.truncate()
        file.write(data)


def flip(data: bytes, at: int) -> bytes:
    """``data`` with one bit changed."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
