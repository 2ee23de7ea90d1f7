"""Speed measurements of assay beside its peers; `python -m benchmarks --help` explains."""

from __future__ import annotations
