"""What assay and DVC share: small pointers in Git, data beside it, one grammar of commands."""

from __future__ import annotations

from benchmarks.site import Site
from benchmarks.tools.git import git, origin_url, start_git
from benchmarks.tools.tool import Commands, Tool


class PointerTool(Tool):
    """A tool with the commands init, add, status, checkout, push, pull of DVC."""

    link_types = ("copy", "hardlink")

    def set_up(self, site: Site) -> None:
        start_git(site)
        site.quiet(self.program, "init")
        self.configure(site)
        if site.links:
            site.quiet(self.program, "config", "cache.type", site.links)
        site.store.mkdir()
        site.quiet(self.program, "remote", "add", "-d", "store", site.store)
        site.quiet("git", "add", "--all")
        site.quiet("git", "commit", "--quiet", "--message", "init")

    def configure(self, site: Site) -> None:
        """Settings that keep a measurement clean; none may make a step cheaper."""

    def add(self, site: Site) -> Commands:
        return (self.run(site, "add", site.target),)

    def save(self, site: Site) -> Commands:
        return (
            git(site, "add", "--all"),
            git(site, "commit", "--quiet", "--message", "data"),
        )

    def label(self, site: Site, name: str) -> None:
        site.quiet("git", "tag", name)

    def status(self, site: Site) -> Commands:
        return (self.run(site, "status"),)

    def checkout(self, site: Site) -> Commands:
        return (self.run(site, "checkout"),)

    def switch(self, site: Site, label: str) -> Commands:
        return (git(site, "checkout", "--quiet", label), self.run(site, "checkout"))

    def push(self, site: Site) -> Commands:
        site.quiet("git", "push", "--quiet", "origin", "main")
        return (self.run(site, "push"),)

    def pull(self, site: Site) -> Commands:
        site.quiet("git", "clone", "--quiet", origin_url(site), site.clone, cwd=site.root)
        return (self.run(site, "pull", cwd=site.clone),)
