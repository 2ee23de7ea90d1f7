"""One adapter per measured program; the port they implement is in `tool.py`."""

from __future__ import annotations
