"""The least work that each step needs: what a tool without any bookkeeping would take."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import floors
from benchmarks.measure import Command
from benchmarks.site import Site
from benchmarks.tools.tool import Commands, NotOffered, Tool


class FloorTool(Tool):
    """Plain system calls from Python (``floors.py``), and ``cp`` for large files."""

    name = "floor"
    executable = sys.executable
    link_types = ("copy", "hardlink")

    def version(self) -> str:
        return f"plain system calls from Python, hashing with {floors.hash_name()}"

    def set_up(self, site: Site) -> None:
        site.store.mkdir()

    def add(self, site: Site) -> Commands:
        if not site.links:
            pack = site.root / "pack"
            # Where nearly everything is known already, looking at it is the least it takes.
            return self.status(site) if pack.exists() else (self._pack(site),)
        if site.links == "hardlink":
            return (self._floor(site, "hash", site.data, "all"),)
        return (self._cp(site, site.data, self._fresh(site.root / "copy")),)

    def save(self, site: Site) -> Commands:
        del site
        raise NotOffered("nothing to do")

    def label(self, site: Site, name: str) -> None:
        del name
        site.quiet(*self._pack(site).argv)

    def status(self, site: Site) -> Commands:
        return (self._floor(site, "walk", site.data),)

    def checkout(self, site: Site) -> Commands:
        if not site.links:
            return (self._floor(site, "unpack", site.root / "pack", site.data),)
        if site.links == "hardlink":
            raise NotOffered("nothing to do")
        return (self._cp(site, site.root / "copy", site.data),)

    def switch(self, site: Site, label: str) -> Commands:
        del label
        # Finding out that nothing else changed is the least it takes.
        return self.status(site)

    def push(self, site: Site) -> Commands:
        if (site.store / "pack").exists():
            raise NotOffered("nothing to do")
        return (self._floor(site, "copy", site.root / "pack", site.store / "pack"),)

    def pull(self, site: Site) -> Commands:
        site.clone.mkdir()
        return (self._floor(site, "unpack", site.store / "pack", site.clone / site.target),)

    def nothing(self, site: Site) -> Commands:
        """A bare interpreter: no Python program starts faster."""
        return (self.run(site, "-c", "pass"),)

    def hash_on_one_core(self, site: Site) -> Commands:
        return (self._floor(site, "hash", site.data, "one"),)

    def copy_durably(self, site: Site) -> Commands:
        return (self._floor(site, "copy", site.data, self._fresh(site.root / "durable")),)

    def _cp(self, site: Site, source: Path, copy: Path) -> Command:
        return Command(argv=("cp", str(source), str(copy)), cwd=site.work)

    def _pack(self, site: Site) -> Command:
        return self._floor(site, "pack", site.data, site.root / "pack")

    def _floor(self, site: Site, *argv: str | Path) -> Command:
        return self.run(site, floors.__file__, *argv)

    def _fresh(self, path: Path) -> Path:
        path.unlink(missing_ok=True)
        return path
