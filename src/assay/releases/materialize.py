"""Writing a release into a folder of its own: verified, whole, and in place only when complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from assay.core.digest import ObjectKind
from assay.core.manifest import EXECUTABLE, FOLDER, SYMLINK, Entry
from assay.core.progress import SILENT, Progress
from assay.data.model import Heal
from assay.data.moving import opened
from assay.errors import AssayError, IntegrityError
from assay.git.objects import ObjectReader
from assay.releases.contents import require_inside
from assay.releases.part import Part
from assay.store.batches import WriteBatch, batches_of, subset
from assay.store.cache import Cache
from assay.store.durable import disk_errors, temporary_name, write_all
from assay.store.restore import RestoreOptions, open_chain, restore

_COPY = ("reflink", "copy")
"""Never hard links: whoever uses a release may write into its folder."""


@contextmanager
def fresh_folder(target: str) -> Iterator[str]:
    """A new folder beside ``target``, which takes its place when the block ends well.

    What stood there is removed only after that; whatever goes wrong, it stays.
    """
    parent = os.path.dirname(target)
    with disk_errors(target):
        os.makedirs(parent, exist_ok=True)
        scratch = temporary_name(parent, ".assay-release")
        old = ""
        try:  # from here on: an interrupt may come right after the folder is made
            os.mkdir(scratch)
            yield scratch
            if os.path.lexists(target):
                old = temporary_name(parent, ".assay-release")
                os.rename(target, old)
            os.rename(scratch, target)
        except BaseException:
            if old and not os.path.lexists(target):
                os.rename(old, target)
                old = ""
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        finally:
            if old and os.path.lexists(old):
                _remove(old)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def write_parts(
    cache: Cache,
    reader: ObjectReader,
    root: str,
    parts: Iterable[Part],
    *,
    heal: Heal | None = None,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> None:
    """Write every part below ``root``; every byte is hashed on its way.

    What is damaged in the cache is healed once, where ``heal`` can.  Links that Git keeps come
    last, so that nothing is ever written through one.
    """
    listed = list(parts)
    cached = [part for part in listed if part.content.tracked is not None]
    top = os.fsencode(root)
    batches = [batch for part in cached for batch in batches_of(part.rows, part.folder, {})]
    options = RestoreOptions(link_types=_COPY, jobs=jobs)
    failed = _write_cached(cache, top, batches, options, progress)
    lost = {batch.digests[at * 32 : at * 32 + 32]: int(ObjectKind.BLOB) for batch, at, _ in failed}
    if lost and heal is not None:
        heal(lost)
        cache.refresh()
        again = [subset(batch, [at]) for batch, at, _ in failed]
        failed = _write_cached(cache, top, again, options, progress)
    for batch, at, error in failed:
        name = os.fsdecode(os.path.join(batch.rel, batch.names[at]))
        raise type(error)(error.code, f"{name}: {error.what}", why=error.why, fix=error.fix)
    kept = [part for part in listed if part.content.tracked is None]
    with opened(top) as fd:
        for part in listed:
            _make_folders(fd, part)
        for is_link in (False, True):
            for part in kept:
                for row in part.rows:
                    if (row.kind == SYMLINK) == is_link:
                        _write_blob(fd, reader, part, row)


def _write_cached(
    cache: Cache,
    top: bytes,
    batches: list[WriteBatch],
    options: RestoreOptions,
    progress: Progress,
) -> list[tuple[WriteBatch, int, AssayError]]:
    """Write files that the cache keeps; those that it could not give, and why."""
    return [
        (batch, at, error)
        for batch, written in restore(cache, top, batches, options, progress=progress)
        for at, error in written.failed.items()
    ]


def _make_folders(fd: int, part: Part) -> None:
    """Empty folders, and the top of a part that holds nothing."""
    folders = [e.path for e in part.rows if e.kind == FOLDER]
    if not part.content.is_file:
        folders.append(b"")
    for path in folders:
        whole = b"/".join(p for p in (part.folder, path) if p)
        os.close(open_chain(fd, whole, create=True))


def _write_blob(fd: int, reader: ObjectReader, part: Part, row: Entry) -> None:
    key = b"" if part.content.is_file else row.path
    data = reader.read(part.content.blobs[key])
    whole = b"/".join(p for p in (part.folder, row.path) if p)
    folder, _, name = whole.rpartition(b"/")
    if data is None or _digest(data) != row.digest:
        raise IntegrityError(
            "artifact-damaged",
            f"Git's copy of {os.fsdecode(whole)} does not match the release.",
            why="Its bytes do not have the digest that the release binds.",
            fix="Run `git fsck` where the repository is kept.",
            paths=(os.fsdecode(whole),),
        )
    folder_fd = open_chain(fd, folder, create=True)
    try:
        if row.kind == SYMLINK:
            require_inside(whole, data)
            os.symlink(data, name, dir_fd=folder_fd)
            return
        mode = 0o777 if row.kind == EXECUTABLE else 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        file_fd = os.open(name, flags, mode, dir_fd=folder_fd)
        try:
            write_all(file_fd, data)
        finally:
            os.close(file_fd)
    finally:
        os.close(folder_fd)


def _digest(data: bytes) -> bytes:
    from blake3 import blake3

    return blake3(data).digest()
