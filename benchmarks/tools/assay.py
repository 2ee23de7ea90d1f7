"""assay, in its native dialect and with its own defaults."""

from __future__ import annotations

from pathlib import Path

from benchmarks.site import Site
from benchmarks.tools.pointer_tool import PointerTool


class AssayTool(PointerTool):
    """Measures ``assay`` as it comes: durable writes and verified reads stay on."""

    name = "assay"
    executable = "assay"

    def homes(self, site: Site) -> tuple[Path, ...]:
        return (site.work / ".git", site.work / ".assay")
