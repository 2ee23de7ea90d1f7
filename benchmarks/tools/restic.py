"""restic, a deduplicating backup program, where its steps have the same purpose."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site import Site
from benchmarks.tools.tool import Commands, NotOffered, Tool

PASSWORD = "benchmark"  # of throw-away repositories: restic has no unencrypted ones


class ResticTool(Tool):
    """Measures ``restic`` with a repository on the same disk, and a second one as the remote."""

    name = "restic"
    executable = "restic"
    version_argv = ("version",)

    def environment(self, root: Path) -> dict[str, str]:
        return {
            "RESTIC_REPOSITORY": str(root / "restic"),
            "RESTIC_PASSWORD": PASSWORD,
            "RESTIC_FROM_PASSWORD": PASSWORD,
            "RESTIC_CACHE_DIR": str(root / "restic-cache"),
        }

    def set_up(self, site: Site) -> None:
        site.quiet(self.program, "init")
        # The same chunk boundaries, or the remote could not hold the same chunks.
        same = ("--copy-chunker-params", "--from-repo", site.root / "restic")
        site.quiet(self.program, "--repo", site.store, "init", *same)

    def homes(self, site: Site) -> tuple[Path, ...]:
        return (site.root / "restic", site.root / "restic-cache")

    def add(self, site: Site) -> Commands:
        return (self.run(site, "backup", "--quiet", site.target),)

    def save(self, site: Site) -> Commands:
        del site
        raise NotOffered("its add makes the version")

    def status(self, site: Site) -> Commands:
        return (self.run(site, "backup", "--quiet", "--dry-run", site.target),)

    def checkout(self, site: Site) -> Commands:
        return (self.run(site, "restore", "--quiet", "latest", "--target", site.work),)

    def switch(self, site: Site, label: str) -> Commands:
        del site, label
        raise NotOffered("it restores whole snapshots only")

    def push(self, site: Site) -> Commands:
        copy = ("copy", "--quiet", "--from-repo", site.root / "restic")
        return (self.run(site, "--repo", site.store, *copy),)

    def pull(self, site: Site) -> Commands:
        restore = ("restore", "--quiet", "latest", "--target", site.clone)
        return (self.run(site, "--repo", site.store, *restore, cwd=site.root),)
