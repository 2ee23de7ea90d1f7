"""What is measured: each scenario makes its data and walks the tools through its steps."""

from __future__ import annotations
