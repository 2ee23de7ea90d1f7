"""Describes the machine a run was made on."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import MAXRSS_UNIT


def describe_machine(scratch: Path) -> dict[str, Any]:
    """Processor, memory, systems and the load before the run began."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file_system": _file_system(scratch),
        "python": platform.python_version(),
        "load_average_before": round(os.getloadavg()[0], 2),
        # No process's peak memory can be reported as less than this.
        "runner_peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * MAXRSS_UNIT,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _file_system(path: Path) -> str:
    """Type of the mount that ``path`` lies on: that of the longest mount point above it."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    best = ("", "unknown")
    for line in mounts:
        _, point, kind = line.split()[:3]
        if path.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
