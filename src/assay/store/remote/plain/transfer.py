"""Moving whole objects between a cache and the files of a plain remote, in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.core.digest import ObjectKind
from assay.errors import AssayError, NotFound
from assay.store.cache import Cache, is_packed_size, missing_object
from assay.store.objectstore.port import ObjectStore
from assay.store.packs import SealedPack, damaged
from assay.store.remote.packed.fetch import fetch_large, is_good
from assay.store.remote.packed.index import rows_among
from assay.store.remote.packed.mend import hash_remote
from assay.store.remote.packed.push import local_places
from assay.store.remote.packed.stream import LARGEST_PACKED, DamagedSource, row_length
from assay.store.remote.packed.upload import large_blocks

_FEW = 64
_BATCH_OBJECTS = 2048
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PlainPlace:
    """Where the objects of a plain remote lie: below the key ``top`` of a store."""

    store: ObjectStore
    top: str

    def key(self, digest: bytes) -> str:
        """Where an object lies."""
        name = digest.hex()
        return f"{self.top}{name[:2]}/{name[2:]}"

    def sizes(self, digests: set[bytes]) -> dict[bytes, int]:
        """Sizes of those digests that are there."""
        if len(digests) <= _FEW:
            found = {d: stat for d in digests if (stat := self.store.head(self.key(d)))}
            return {digest: stat.size for digest, stat in found.items()}
        return {digest: size for digest, size in self.listed() if digest in digests}

    def listed(self) -> Iterator[tuple[bytes, int]]:
        """Every object and its size."""
        start = len(self.top)
        for row in self.store.list(self.top):
            try:
                digest = bytes.fromhex(row.key[start:].replace("/", ""))
            except ValueError:
                continue
            if self.key(digest) == row.key:
                yield digest, row.size


class PlainResult(NamedTuple):
    """What became of a batch of fetched objects."""

    sealed: list[SealedPack]
    brought: int
    size_bytes: int
    damaged: dict[bytes, str]
    absent: set[bytes]


@dataclass(slots=True)
class Tally:
    """The sum of what a fetch brought."""

    count: int = 0
    size_bytes: int = 0
    damaged: dict[bytes, str] = field(default_factory=dict)
    absent: set[bytes] = field(default_factory=set)

    def add(self, result: PlainResult) -> None:
        """Count one batch."""
        self.count += result.brought
        self.size_bytes += result.size_bytes
        self.damaged.update(result.damaged)
        self.absent |= result.absent


def by_rank(left: set[bytes], kinds: dict[bytes, int], roots: set[bytes]) -> list[list[bytes]]:
    """Contents, then inner manifest nodes, then roots."""
    nodes = {digest for digest in left if kinds[digest]}
    ranks = (left - nodes, nodes - roots, nodes & roots)
    return [sorted(rank) for rank in ranks if rank]


def batches_of(digests: list[bytes], sizes: dict[bytes, int]) -> Iterator[list[bytes]]:
    """Digests in groups of bounded count and size."""
    group: list[bytes] = []
    size = 0
    for digest in digests:
        group.append(digest)
        size += sizes[digest]
        if len(group) >= _BATCH_OBJECTS or size >= _BATCH_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def local_sizes(cache: Cache, digests: list[bytes]) -> dict[bytes, int]:
    """Sizes of objects of the cache; :class:`NotFound` for one that it lacks."""
    rows = rows_among(cache.segments(), set(digests), set(local_places(cache)))
    sizes = {digest: row_length(row) for digest, row in rows.items()}
    for digest in digests:
        if digest not in sizes:
            try:
                sizes[digest] = os.stat(cache.loose_path(digest)).st_size
            except FileNotFoundError:
                raise missing_object(digest) from None
    return sizes


class PlainSender:
    """A worker that sends batches of objects, each verified when it is read."""

    def __init__(
        self, place: PlainPlace, root: str, kinds: dict[bytes, int], batches: list[list[bytes]]
    ) -> None:
        self._place = place
        self._cache = Cache(root)
        self._kinds = kinds
        self._batches = batches
        self._sent = 0

    def run(self, at: int) -> int:
        """Send one batch; its bytes."""
        self._sent = 0
        self._place.store.put_many(self._small(self._batches[at]))
        return self._sent

    def _small(self, digests: list[bytes]) -> Iterator[tuple[str, bytes]]:
        for digest in digests:
            key = self._place.key(digest)
            path = self._cache.loose_path(digest)
            if self._cache.locate(digest) is None and not is_packed_size(_size_of(path)):
                try:
                    self._sent += self._place.store.put_blocks(key, large_blocks(path, digest))
                except DamagedSource as error:
                    raise damaged(error.digest, error.where) from None
                continue
            data = self._cache.read(digest, self._kinds[digest])
            self._sent += len(data)
            yield key, data

    def finish(self) -> int:
        """Close what was opened."""
        self._cache.close()
        return 0

    def abandon(self) -> None:
        """Nothing is kept between batches."""


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


class PlainFetcher:
    """A worker that reads files of the remote, verifies them and stores them in the cache."""

    def __init__(
        self,
        place: PlainPlace,
        root: str,
        kinds: dict[bytes, int],
        sizes: dict[bytes, int],
        batches: list[list[bytes]],
    ) -> None:
        self._place = place
        self._cache = Cache(root)
        self._kinds = kinds
        self._sizes = sizes
        self._batches = batches
        self._writer = self._cache.pack_writer()

    def run(self, at: int) -> PlainResult:
        """Bring one batch."""
        sealed: list[SealedPack] = []
        bad: dict[bytes, str] = {}
        absent: set[bytes] = set()
        count = size = 0
        for digest in self._batches[at]:
            try:
                got = self._bring(digest)
            except NotFound:
                absent.add(digest)
                continue
            if got is None:
                bad[digest] = self._place.key(digest)
                continue
            count += 1
            size += got
            if self._writer.is_full and (pack := self._writer.seal()) is not None:
                sealed.append(pack)
        return PlainResult(sealed, count, size, bad, absent)

    def _bring(self, digest: bytes) -> int | None:
        store, key = self._place.store, self._place.key(digest)
        if not is_packed_size(self._sizes[digest]) and not self._kinds[digest]:
            return fetch_large(store, self._cache, digest, key)
        data = store.get(key)
        if not is_good(data, digest, self._kinds[digest]):
            return None
        self._writer.append(digest, self._kinds[digest], data)
        return len(data)

    def finish(self) -> PlainResult:
        """Seal the last pack."""
        pack = self._writer.seal()
        return PlainResult([pack] if pack is not None else [], 0, 0, {}, set())

    def abandon(self) -> None:
        """Drop the unfinished pack."""
        self._writer.abandon()


class PlainChecker:
    """A worker that reads files of the remote and compares their digests."""

    def __init__(
        self, place: PlainPlace, sizes: dict[bytes, int], batches: list[list[bytes]]
    ) -> None:
        self._place = place
        self._sizes = sizes
        self._batches = batches

    def run(self, at: int) -> list[bytes]:
        """The damaged ones of a batch."""
        return [digest for digest in self._batches[at] if not self._is_sound(digest)]

    def _is_sound(self, digest: bytes) -> bool:
        key, size = self._place.key(digest), self._sizes[digest]
        try:
            if hash_remote(self._place.store, key, size) == digest:
                return True
            # Whether a file is content or a manifest node only its digest tells.
            if size > LARGEST_PACKED:
                return False
            data = self._place.store.get(key)
        except AssayError:
            return True  # gone meanwhile: not damaged
        return any(is_good(data, digest, kind) for kind in ObjectKind if kind)

    def finish(self) -> None:
        """Nothing is kept between batches."""

    def abandon(self) -> None:
        """Nothing is kept between batches."""
