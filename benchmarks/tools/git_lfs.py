"""Git LFS: pointers in Git, content in `.git/lfs`, its file transfer for the remote."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site import Site
from benchmarks.tools.git import GitTool, git, origin_url
from benchmarks.tools.tool import Commands


class GitLfsTool(GitTool):
    """Measures ``git`` with the LFS filter on the data; push and pull move LFS objects."""

    name = "git-lfs"
    executable = "git-lfs"

    def environment(self, root: Path) -> dict[str, str]:
        return {**super().environment(root), "GIT_LFS_SKIP_SMUDGE": "0"}

    def set_up(self, site: Site) -> None:
        super().set_up(site)
        site.quiet("git", "lfs", "install")
        rule = "filter=lfs diff=lfs merge=lfs -text"
        attributes = f"{site.target} {rule}\n{site.target}/** {rule}\n"
        (site.work / ".gitattributes").write_text(attributes, encoding="utf-8")
        site.quiet("git", "add", ".gitattributes")
        site.quiet("git", "commit", "--quiet", "--message", "attributes")

    def pull(self, site: Site) -> Commands:
        skip = {"GIT_LFS_SKIP_SMUDGE": "1"}
        site.quiet("git", "clone", "--quiet", origin_url(site), site.clone, cwd=site.root, **skip)
        return (git(site, "lfs", "pull", cwd=site.clone),)
