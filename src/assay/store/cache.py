"""The object cache of a machine: packs of small objects, loose files for large ones.

Layout below its folder: ``format.json``, ``packs/xx/ID.pack``, ``index/ID.seg``,
``objects/xx/REST`` (read-only), ``tmp/``, ``trash/``, ``lock``.  Several repositories may
share one cache.  Readers take no lock; writers share one that only the collector excludes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO

from assay.core.digest import ObjectKind, object_digest
from assay.core.progress import SILENT, Progress
from assay.errors import AssayError, IntegrityError, NotFound
from assay.store.cache_index import PackIndex
from assay.store.durable import (
    disk_errors,
    make_folder,
    process_is_running,
    sweep_temporaries,
    write_atomic,
)
from assay.store.locks import locked, tried_lock
from assay.store.packs import (
    PACK_OBJECT_LIMIT,
    Location,
    PackWriter,
    SealedPack,
    damaged,
    newer_format,
    read_object,
)

FORMAT_VERSION = 1


class Cache(PackIndex):
    """One cache folder.  Cheap to make; nothing is read before it is asked for."""

    # -- layout ---------------------------------------------------------------------------

    def ensure(self) -> None:
        """Create the folder where it is absent; refuse one of a newer format."""
        import json

        path = os.path.join(self.root, "format.json")
        try:
            with open(path, encoding="utf-8") as file:
                version = json.load(file).get("format")
        except FileNotFoundError:
            with disk_errors(self.root):
                for folder in (self.packs_folder, self.index_folder, self.tmp_folder):
                    make_folder(folder)
                write_atomic(path, b'{"format": %d}\n' % FORMAT_VERSION)
            return
        except (ValueError, AttributeError, RecursionError):
            version = None
        if not isinstance(version, int):
            raise IntegrityError(
                "cache-invalid",
                f"{path} does not say the cache's format.",
                why="The file was damaged.",
                fix=f'Restore it: it should read {{"format": {FORMAT_VERSION}}}.',
                paths=(path,),
            )
        if version > FORMAT_VERSION:
            raise newer_format(path, version)
        if not os.path.isdir(self.tmp_folder):
            with disk_errors(self.root):
                make_folder(self.tmp_folder)

    @contextmanager
    def writing(self, progress: Progress = SILENT) -> Iterator[None]:
        """Hold the writers' shared lock, after clearing what killed writers left."""
        self.ensure()
        lock = os.path.join(self.root, "lock")
        with disk_errors(self.root):
            with tried_lock(lock) as is_alone:
                # A process id says nothing about writers in other containers, the lock does.
                if is_alone:
                    sweep_temporaries(self.tmp_folder, process_is_running)
            with locked(lock, shared=True, what="the cache", progress=progress):
                # What was here before may have been collected while the lock was not held.
                if self._segments is not None:
                    self.refresh()
                yield

    @contextmanager
    def collecting(self, progress: Progress = SILENT) -> Iterator[None]:
        """Exclude every writer, for the garbage collector."""
        self.ensure()
        lock = os.path.join(self.root, "lock")
        with disk_errors(self.root), locked(lock, what="the cache", progress=progress):
            sweep_temporaries(self.tmp_folder, process_is_running)
            self.forget()  # not a refresh: a repair comes here because the index is damaged
            yield

    def loose_path(self, digest: bytes) -> str:
        """Where a large blob lies."""
        name = digest.hex()
        return os.path.join(self.root, "objects", name[:2], name[2:])

    # -- finding --------------------------------------------------------------------------

    def has(self, digest: bytes) -> bool:
        """Whether the object is here (its bytes are verified when they are read)."""
        return self.locate(digest) is not None or os.path.exists(self.loose_path(digest))

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of ``digests`` that are neither packed nor loose here."""
        wanted = self.not_packed(digests)
        if wanted and os.path.isdir(os.path.join(self.root, "objects")):
            wanted -= self._loose_among(wanted)
        return wanted

    def _loose_among(self, wanted: set[bytes]) -> set[bytes]:
        if len(wanted) < 1000:
            return {digest for digest in wanted if os.path.exists(self.loose_path(digest))}
        return wanted & set(self.loose_digests())

    def loose_digests(self) -> Iterator[bytes]:
        """Every loose object's digest."""
        top = os.path.join(self.root, "objects")
        for shard in sorted(os.listdir(top)) if os.path.isdir(top) else ():
            folder = os.path.join(top, shard)
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                try:
                    digest = bytes.fromhex(shard + name)
                except ValueError:
                    continue
                if len(digest) == 32:
                    yield digest

    # -- reading --------------------------------------------------------------------------

    def read(self, digest: bytes, kind: int, *, at: Location | None = None) -> bytes:
        """An object's bytes, verified; for nodes and small blobs.

        ``at`` is where :meth:`locate` just found it.  Raises :class:`NotFound`
        ``object-missing`` or :class:`IntegrityError` ``object-damaged``.
        """
        for _ in range(2):
            found = at or self.locate(digest)
            if found is None or found.kind != kind:
                break
            try:
                fd = self.pack_fd(found.pack)
            except FileNotFoundError:  # the collector moved it since the segments were listed
                self.refresh()
                at = None
                continue
            return read_object(fd, found, where=self.pack_name(found.pack))
        try:
            with open(self.loose_path(digest), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            raise self.absent(digest) from None
        if object_digest(kind, data) != digest:
            raise damaged(digest, self.loose_path(digest))
        return data

    def absent(self, digest: bytes) -> AssayError:
        """The error for an object that cannot be read: damaged when its pack was cut short."""
        for segment in self.segments():
            found = segment.find(digest)
            if found is None or found.pack in self._present:
                continue
            for pack_id in segment.packs:
                path = self.pack_path(pack_id)
                if pack_id[:8] == found.pack and os.path.exists(path):
                    return damaged(digest, path)
        return missing_object(digest)

    def open_blob(self, digest: bytes) -> BufferedReader | BytesIO:
        """A verified blob of any size, open for reading from its start.

        A large one is hashed whole before the first byte is handed out.
        """
        if self.locate(digest) is not None:
            return BytesIO(self.read(digest, ObjectKind.BLOB))
        from assay.store.hashing import hash_large

        path = self.loose_path(digest)
        try:
            file = open(path, "rb")
        except FileNotFoundError:
            raise self.absent(digest) from None
        if hash_large(file.fileno()) != digest:
            file.close()
            raise damaged(digest, path)
        return file

    # -- writing --------------------------------------------------------------------------

    def pack_writer(self) -> PackWriter:
        """A writer of packs into this cache; publish what it seals."""
        return PackWriter(self.packs_folder, self.tmp_folder)

    def put(self, kind: int, objects: dict[bytes, bytes]) -> None:
        """Store small objects under their digests, unless they are here.

        For use inside :meth:`writing`.
        """
        new = self.missing(objects)
        writer = self.pack_writer()
        sealed: list[SealedPack] = []
        try:
            for digest, data in objects.items():
                if digest in new:
                    writer.append(digest, kind, data)
                    if writer.is_full and (pack := writer.seal()) is not None:
                        sealed.append(pack)
            if (pack := writer.seal()) is not None:
                sealed.append(pack)
        finally:
            writer.abandon()
        self.publish_packs(sealed)


def is_packed_size(size_bytes: int) -> bool:
    """Whether a blob of this size goes into a pack."""
    return size_bytes <= PACK_OBJECT_LIMIT


def missing_object(digest: bytes) -> NotFound:
    """The error for an object that the cache does not hold."""
    return NotFound(
        "object-missing",
        f"Object {digest.hex()} is not in the cache.",
        why="It was never fetched, or it was collected.",
        fix="Run `assay pull`, or `assay fetch` for the data alone.",
    )
