"""How a repository is written: one frozen value per dialect, passed to whoever must know.

``native`` is what ``assay init`` makes; an existing ``.dvc`` folder is the ``dvc`` dialect.
The grammar of pointers, pipelines and locks is the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The names and formats one repository uses.

    ``config_format`` and ``manifest_format`` name the codec; ``digest_width`` is in bytes.
    """

    name: str
    home: str
    pointer_suffix: str
    pipeline_file: str
    lock_file: str
    ignore_file: str
    algorithm: str
    digest_width: int
    config_format: str
    manifest_format: str
    default_layout: str


NATIVE = Dialect(
    name="native",
    home=".assay",
    pointer_suffix=".assay",
    pipeline_file="assay.yaml",
    lock_file="assay.lock",
    ignore_file=".assayignore",
    algorithm="blake3",
    digest_width=32,
    config_format="toml",
    manifest_format="prolly",
    default_layout="packed",
)

DIALECTS: tuple[Dialect, ...] = (NATIVE,)
