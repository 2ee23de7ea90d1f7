"""The only door: composes settings, stores and capabilities for the CLI and for Python users."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.api.access import get, get_url, ls, open, read
    from assay.api.initialize import init
    from assay.api.releases.jobs import release
    from assay.api.repository import Repository, open_repository

__all__ = [
    "Repository",
    "get",
    "get_url",
    "init",
    "ls",
    "open",
    "open_repository",
    "read",
    "release",
]

_HOMES = {
    "Repository": "repository",
    "init": "initialize",
    "open_repository": "repository",
    "get": "access",
    "get_url": "access",
    "ls": "access",
    "open": "access",
    "read": "access",
    "release": "releases.jobs",
}


def __getattr__(name: str) -> object:
    """Load the part that a name lives in on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"assay.api.{home}"), name)
    globals()[name] = value
    return value
