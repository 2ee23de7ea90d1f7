"""Starts the runner from any folder: `python benchmarks/run.py` is `python -m benchmarks`."""

from __future__ import annotations

import sys
from pathlib import Path

# Python put this file's own folder first; the package is found from the folder above it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.program import main  # noqa: E402  (needs the path set just above)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
