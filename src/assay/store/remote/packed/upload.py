"""Sending packs and large files to an object store, each byte verified on its way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from blake3 import blake3

from assay.store.durable import READ
from assay.store.hashing import BLOCK_BYTES, hashing_thread
from assay.store.objectstore.port import Buffer, ObjectStore
from assay.store.remote.packed.stream import DamagedSource, PackPlan, pack_blocks


class PackUpload(NamedTuple):
    """A pack to send: its plan, where its objects lie, and its key."""

    plan: PackPlan
    places: dict[bytes, str]
    loose: list[str]
    key: str


class LargeUpload(NamedTuple):
    """A large blob to send as an object of its own."""

    digest: bytes
    path: str
    size: int
    key: str


class Uploaded(NamedTuple):
    """What became of an upload; ``damaged`` where the local bytes were bad."""

    damaged: bytes | None
    where: str
    vanished: bool = False


def extent(upload: PackUpload | LargeUpload) -> tuple[int, int]:
    """Objects and bytes of an upload."""
    if isinstance(upload, PackUpload):
        return upload.plan.count, upload.plan.size_bytes
    return 1, upload.size


class Uploader:
    """A worker that sends packs and large objects, verifying each byte on its way."""

    def __init__(self, store: ObjectStore, batches: list[PackUpload | LargeUpload]) -> None:
        self._store = store
        self._batches = batches

    def run(self, at: int) -> Uploaded:
        """Send one; bad local bytes leave the remote as it was."""
        batch = self._batches[at]
        try:
            if isinstance(batch, PackUpload):
                blocks = pack_blocks(batch.plan, batch.places, batch.loose)
            else:
                blocks = large_blocks(batch.path, batch.digest)
            self._store.put_blocks(batch.key, blocks)
        except DamagedSource as error:
            return Uploaded(error.digest, error.where)
        except FileNotFoundError:
            return Uploaded(None, "", vanished=True)
        return Uploaded(None, "")

    def finish(self) -> None:
        """Nothing is kept between batches."""

    def abandon(self) -> None:
        """Nothing is kept between batches."""


def large_blocks(path: str, digest: bytes) -> Iterator[Buffer]:
    """A file's blocks, hashed in the background; :class:`DamagedSource` at the end if wrong."""
    hasher = blake3()
    fd = os.open(path, READ)
    try:
        size = os.fstat(fd).st_size
        buffers = [memoryview(bytearray(min(BLOCK_BYTES, size + 1))) for _ in range(2)]
        turn = 0
        with hashing_thread(hasher) as submit:
            while got := os.readv(fd, [buffers[turn]]):
                block = buffers[turn][:got]
                wait = submit(block)
                yield block
                wait()
                turn = 1 - turn
    finally:
        os.close(fd)
    if hasher.digest() != digest:
        raise DamagedSource(digest, path)
