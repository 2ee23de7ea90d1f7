"""The port that every measured program is adapted to: one method per step."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from benchmarks.measure import Command
from benchmarks.site import Site

Commands = tuple[Command, ...]


class NotOffered(Exception):
    """The tool has no such step; the text says what it has instead."""


class Tool(ABC):
    """A program under measurement.

    A step method first does what must precede the step (untimed, through ``site.quiet``) and then
    returns the commands that a user would type for it; those are what is timed. It may be called
    several times in a row when a step is repeated.
    """

    name: ClassVar[str]
    """How the tool is called on the command line of the runner and in the report."""
    executable: ClassVar[str]
    """What is looked for on PATH."""
    version_argv: ClassVar[tuple[str, ...]] = ("--version",)
    link_types: ClassVar[tuple[str, ...]] = ()
    """The values of ``Site.links`` that make a difference to this tool."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def version(self) -> str:
        """The first line of what the tool says about its version."""
        done = subprocess.run(
            [self.program, *self.version_argv], capture_output=True, text=True, check=True
        )
        return (done.stdout or done.stderr).strip().splitlines()[0]

    def environment(self, root: Path) -> dict[str, str]:
        """Variables that keep the tool inside ``root``."""
        del root
        return {}

    def homes(self, site: Site) -> tuple[Path, ...]:
        """The folders in which the tool keeps what it knows, content included."""
        return (site.work / ".git",)

    def run(self, site: Site, *argv: str | Path, cwd: Path | None = None) -> Command:
        """The tool's own program, called with ``argv`` in the work folder."""
        return Command(argv=(str(self.program), *map(str, argv)), cwd=cwd or site.work)

    @abstractmethod
    def set_up(self, site: Site) -> None:
        """Make an empty repository in ``site.work`` and connect its remote; the data is not there
        yet."""

    def show_version(self, site: Site) -> Commands:
        """The cheapest command there is."""
        return (self.run(site, *self.version_argv),)

    @abstractmethod
    def add(self, site: Site) -> Commands:
        """Record the present state of ``site.data``; also after changes."""

    @abstractmethod
    def save(self, site: Site) -> Commands:
        """Make what was added a version, where that is a step of its own."""

    def label(self, site: Site, name: str) -> None:
        """Name the version just saved, so that ``switch`` finds it; never timed."""
        del site, name

    @abstractmethod
    def status(self, site: Site) -> Commands:
        """Compare ``site.data`` with what was added last."""

    @abstractmethod
    def checkout(self, site: Site) -> Commands:
        """Write ``site.data``, which is not there, as it was added last."""

    @abstractmethod
    def switch(self, site: Site, label: str) -> Commands:
        """Turn the workspace into the version called ``label``."""

    @abstractmethod
    def push(self, site: Site) -> Commands:
        """Send to the local remote what it lacks."""

    @abstractmethod
    def pull(self, site: Site) -> Commands:
        """Get the pushed data into ``site.clone``, a folder that does not exist yet."""
