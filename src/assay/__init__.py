"""The name users import: the version, with the Python API loaded on first use.

>>> import assay
>>> with assay.open("data/train.csv", repo="https://example.org/team/data", rev="v1.2.0") as file:
...     first_line = file.readline()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.api import get_url, init, open, open_repository, read, release

__version__ = "0.1.0"

__all__ = ["__version__", "get_url", "init", "open", "open_repository", "read", "release"]

_API = frozenset(__all__) - {"__version__"}


def __getattr__(name: str) -> object:
    """Resolve the API names lazily (PEP 562): `assay --version` must not pay for the engine."""
    if name in _API:
        from assay import api

        value: object = getattr(api, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
