"""Where one turn of one tool happens: its folders, its environment, its set-up commands."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import CommandFailed

GIT_CONFIG = """\
[user]
    name = Benchmark
    email = benchmark@example.invalid
[init]
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
[advice]
    detachedHead = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A fresh folder that holds everything a tool reads or writes during its turn."""

    root: Path
    environment: Mapping[str, str]
    target: str = "data"
    """Name of what is tracked, inside ``work`` and ``clone``."""
    links: str = ""
    """How the tool shall bring files into the workspace: copy, hardlink, or as it likes."""
    _moves: Iterator[int] = field(default_factory=itertools.count)

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def data(self) -> Path:
        return self.work / self.target

    @property
    def store(self) -> Path:
        """The local remote that data is pushed to."""
        return self.root / "store"

    @property
    def origin(self) -> Path:
        """The bare Git repository that commits are pushed to."""
        return self.root / "origin.git"

    @property
    def clone(self) -> Path:
        return self.root / "clone"

    @property
    def log(self) -> Path:
        return self.root / "output.log"

    def quiet(self, *argv: str | Path, cwd: Path | None = None, **environment: str) -> str:
        """Run a set-up command untimed and return what it printed; CommandFailed if it fails."""
        done = subprocess.run(
            argv,
            cwd=cwd or self.work,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout)[-2000:].decode(errors="replace").strip()
            shown = " ".join(str(word) for word in argv)
            raise CommandFailed(f"setting up: {shown}: ended with {done.returncode}: {said}")
        return done.stdout.decode(errors="replace")

    def move_aside(self, path: Path) -> None:
        """Take ``path`` out of the way by renaming, since deleting slows down what follows."""
        folder = self.root / "aside"
        folder.mkdir(exist_ok=True)
        path.rename(folder / f"{next(self._moves)}-{path.name}")
