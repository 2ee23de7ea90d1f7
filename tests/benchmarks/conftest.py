"""Makes the benchmarks importable, which live beside the package and not in it."""

from __future__ import annotations

import sys
from pathlib import Path

# In front: the folder of these tests bears the same name and is on the path, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
