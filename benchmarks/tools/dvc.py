"""DVC, with its defaults but for what would reach outside or start in the background."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site import Site
from benchmarks.tools.pointer_tool import PointerTool


class DvcTool(PointerTool):
    """Measures ``dvc`` with a local remote."""

    name = "dvc"
    executable = "dvc"

    def environment(self, root: Path) -> dict[str, str]:
        # Otherwise its state database lands in /var/tmp and outlives the run.
        return {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root / "dvc-site")}

    def configure(self, site: Site) -> None:
        # Both start a daemon process that would run beside the next step.
        site.quiet(self.program, "config", "core.analytics", "false")
        site.quiet(self.program, "config", "core.check_update", "false")

    def homes(self, site: Site) -> tuple[Path, ...]:
        return (site.work / ".git", site.work / ".dvc", site.root / "dvc-site")
