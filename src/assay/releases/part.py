"""One part of a release as it is written to a folder."""

from __future__ import annotations

from dataclasses import dataclass

from assay.core.manifest import Manifest
from assay.releases.contents import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows to write below ``folder``, and where their bytes come from."""

    folder: bytes
    rows: Manifest
    content: Content
