"""Lets `python -m benchmarks` start the runner."""

from __future__ import annotations

import sys

from benchmarks.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
