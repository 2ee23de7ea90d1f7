"""Git itself, with the data committed like source."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import Command
from benchmarks.site import Site
from benchmarks.tools.tool import Commands, Tool


class GitTool(Tool):
    """Measures ``git``; its housekeeping is switched off, so that none falls into a step."""

    name = "git"
    executable = "git"

    def set_up(self, site: Site) -> None:
        start_git(site)

    def add(self, site: Site) -> Commands:
        return (git(site, "add", site.target),)

    def save(self, site: Site) -> Commands:
        return (git(site, "commit", "--quiet", "--message", "data"),)

    def label(self, site: Site, name: str) -> None:
        site.quiet("git", "tag", name)

    def status(self, site: Site) -> Commands:
        return (git(site, "status"),)

    def checkout(self, site: Site) -> Commands:
        return (git(site, "checkout", "--quiet", "--", site.target),)

    def switch(self, site: Site, label: str) -> Commands:
        return (git(site, "checkout", "--quiet", label),)

    def push(self, site: Site) -> Commands:
        return (git(site, "push", "--quiet", "origin", "main"),)

    def pull(self, site: Site) -> Commands:
        return (git(site, "clone", "--quiet", origin_url(site), str(site.clone), cwd=site.root),)


def git(site: Site, *argv: str, cwd: Path | None = None) -> Command:
    """A command of the ``git`` on the site's PATH."""
    return Command(argv=("git", *argv), cwd=cwd or site.work)


def start_git(site: Site) -> None:
    """A repository in ``site.work`` with one commit, whose origin is a bare one beside it."""
    site.quiet("git", "init", "--quiet", "--bare", site.origin)
    site.quiet("git", "init", "--quiet", ".")
    site.quiet("git", "remote", "add", "origin", origin_url(site))
    site.quiet("git", "commit", "--quiet", "--allow-empty", "--message", "start")


def origin_url(site: Site) -> str:
    """As a URL: given a plain path, ``git clone`` would hard-link the objects, not transfer."""
    return site.origin.as_uri()
