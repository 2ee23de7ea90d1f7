"""The nouns of data contracts: what a table must look like, and what a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Scalar = str | int | float | bool
"""A bound or an allowed value, as the file spells it; dates are ISO 8601 text."""

FORMAT = 1
"""The number of the contract format that this version writes."""


class ColumnType(StrEnum):
    """What the values of a column are; ``any`` leaves it open."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"
    OBJECT = "object"
    ANY = "any"


ORDERED = frozenset({ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE, ColumnType.DATETIME})
"""Types that have a smallest and a largest value."""
MEASURED = frozenset({ColumnType.STRING, ColumnType.LIST, ColumnType.ANY})
"""Types whose values have a length."""
LISTABLE = ORDERED | {ColumnType.STRING, ColumnType.BOOLEAN}
"""Types whose values can be listed in a contract."""


class TableFormat(StrEnum):
    """How a table is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the bytes are read; ``format`` is told from the name when it is ``None``."""

    format: TableFormat | None = None
    delimiter: str | None = None
    null_values: tuple[str, ...] = ("",)
    """Texts in a CSV cell that mean "no value"."""
    files: str | None = None
    """Glob that picks the files of a folder, matched on the whole path inside it."""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """What one column must look like; ``extra`` keeps fields that are not known here."""

    name: str
    type: ColumnType = ColumnType.ANY
    required: bool = True
    max_null_fraction: float = 0.0
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    allowed: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    unique: bool = False
    min_length: int | None = None
    max_length: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a table must look like."""

    columns: tuple[ColumnRule, ...]
    data: str | None = None
    """What is checked when no path is given, from the folder that holds ``contracts/``."""
    description: str | None = None
    allows_extra_columns: bool = False
    min_rows: int | None = None
    max_rows: int | None = None
    reading: Reading = field(default_factory=Reading)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Verdict(StrEnum):
    """The answer of a rule or of a whole check."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def worst(verdicts: list[Verdict]) -> Verdict:
    """What several verdicts say together: a rule that is broken outweighs one left open."""
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExample:
    """One place where a rule is broken; rows count from 1 without the header."""

    file: str
    row: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one rule says.  ``column`` is ``None`` for rules about the whole table."""

    rule: str
    verdict: Verdict
    column: str | None = None
    value: Scalar | None = None
    limit: Scalar | None = None
    unit: str = ""
    reason: str = ""
    examples: tuple[RowExample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFile:
    """A file as it was judged: ``digest`` is BLAKE3 of the bytes that were read."""

    path: str
    digest: bytes
    size_bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractReport:
    """The outcome of a check, bound to the bytes of the contract and of the data.

    ``data_digest`` is a single file's own BLAKE3, or for a folder that of the canonical JSON
    ``[[path, size, hex digest], ...]`` of its judged files, sorted by path.
    """

    contract_digest: bytes
    data_digest: bytes
    files: tuple[JudgedFile, ...]
    results: tuple[CheckResult, ...]
    rows: int

    @property
    def verdict(self) -> Verdict:
        """Fail when a rule is broken, else inconclusive when one is open, else pass."""
        return worst([result.verdict for result in self.results])
