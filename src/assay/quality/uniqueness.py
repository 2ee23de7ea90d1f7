"""Whether values repeat, in bounded memory: exact up to a number of values, then an open answer."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

_WIDTH = 16
_ROW_BYTES = 8
_ENTRY = _WIDTH + _ROW_BYTES
_BUCKETS = 64
MAX_VALUES = 1_500_000
"""Values that all unique columns of one check may hold together (24 bytes each)."""


class Budget:
    """How many values may still be remembered, shared by all columns of a check."""

    def __init__(self, values: int = MAX_VALUES) -> None:
        self.limit = values
        self.left = values

    def take(self, values: int) -> bool:
        """Whether so many more fit; they are taken if they do."""
        if values > self.left:
            return False
        self.left -= values
        return True


class Uniqueness:
    """The values of one column so far: 128-bit digests in buckets, with their row numbers."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._buckets: list[bytearray] = [bytearray() for _ in range(_BUCKETS)]
        self.values = 0
        self.is_exact = True

    def add(self, keys: Iterable[bytes], rows: Iterable[int], count: int) -> None:
        """Remember ``count`` values with the rows they stand in, or give up for good."""
        if not self.is_exact:
            return
        if not self._budget.take(count):
            self.forget()
            return
        self.values += count
        buckets = self._buckets
        for value, row in zip(keys, rows, strict=True):
            digest = blake2b(value, digest_size=_WIDTH).digest()
            buckets[digest[0] & 63] += digest + row.to_bytes(_ROW_BYTES, "little")

    def forget(self) -> None:
        """Give up for good, and the memory back."""
        if self.is_exact:
            self.is_exact = False
            self._budget.left += self.values
            self._buckets = []

    def repeats(self, most: int) -> tuple[int, list[tuple[int, int]]]:
        """How many values repeat an earlier one, and the first ``most`` as (row, earlier row)."""
        count = 0
        examples: list[tuple[int, int]] = []
        for bucket in self._buckets:
            first: dict[bytes, int] = {}
            for at in range(0, len(bucket), _ENTRY):
                digest = bytes(bucket[at : at + _WIDTH])
                row = int.from_bytes(bucket[at + _WIDTH : at + _ENTRY], "little")
                earlier = first.setdefault(digest, row)
                if earlier != row:
                    count += 1
                    examples.append((row, earlier))
            examples = sorted(examples)[:most]
        return count, examples
