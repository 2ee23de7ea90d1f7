"""Verifying the bytes of a release: every file of every artifact against its digest."""

from __future__ import annotations

import os
from collections.abc import Mapping

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import FOLDER
from assay.core.progress import SILENT, Progress
from assay.data.model import Heal, join_path
from assay.errors import AssayError
from assay.git.objects import ObjectReader
from assay.releases.contents import Content
from assay.store.cache import Cache


def count_good(
    contents: Mapping[bytes, Content],
    cache: Cache,
    reader: ObjectReader,
    *,
    absent: Mapping[bytes, str] | None = None,
    heal: Heal | None = None,
    progress: Progress = SILENT,
) -> tuple[int, str]:
    """``(files that are good, what is wrong with the first that is not)``.

    ``absent`` says of objects why they are not in the cache; what is damaged there is healed where
    ``heal`` can.
    """
    files = 0
    task = progress.task("verifying", items=sum(c.rows.file_count for c in contents.values()))
    try:
        for path, content in contents.items():
            for row in range(len(content.rows)):
                if content.rows.kinds[row] == FOLDER:
                    continue
                problem = _problem(content, row, cache, reader, absent or {})
                if problem and heal is not None and content.tracked is not None:
                    heal({content.rows.digest_at(row): int(ObjectKind.BLOB)})
                    cache.refresh()
                    problem = _problem(content, row, cache, reader, absent or {})
                if problem:
                    name = os.fsdecode(join_path(path, content.rows.paths[row]))
                    return files, f"{name}: {problem}"
                files += 1
                task.advance(1)
    finally:
        task.done()
    return files, ""


def _problem(
    content: Content, row: int, cache: Cache, reader: ObjectReader, absent: Mapping[bytes, str]
) -> str:
    digest = content.rows.digest_at(row)
    if content.tracked is None:
        data = reader.read(content.blobs[content.rows.paths[row]])
        is_good = data is not None and object_digest(ObjectKind.BLOB, data) == digest
        return "" if is_good else "Git's copy does not match its digest"
    if digest in absent:
        return absent[digest]
    try:
        with cache.open_blob(digest):
            return ""
    except AssayError as error:
        return error.what
