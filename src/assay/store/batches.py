"""What is to be written, cut into batches: files of one folder, bounded in count and size."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from assay.core.manifest import FOLDER, Manifest

_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20


class WriteBatch(NamedTuple):
    """Files to write into one folder; ``replaces`` gives the stat row each may displace."""

    rel: bytes
    names: list[bytes]
    sizes: array[int]
    kinds: bytes
    digests: bytes
    replaces: dict[bytes, tuple[int, ...]]
    is_whole_leaf: bool = False
    """Whether these are all files of a folder that has no folders below it."""


def subset(batch: WriteBatch, rows: list[int]) -> WriteBatch:
    """Some of a batch's files, by their place in it."""
    return WriteBatch(
        batch.rel,
        [batch.names[at] for at in rows],
        array("Q", [batch.sizes[at] for at in rows]),
        bytes([batch.kinds[at] for at in rows]),
        b"".join([batch.digests[at * 32 : at * 32 + 32] for at in rows]),
        batch.replaces,
    )


def batches_of(
    manifest: Manifest, top: bytes, replaces: dict[bytes, tuple[int, ...]]
) -> Iterator[WriteBatch]:
    """The files of a manifest (paths below ``top``) by folder, bounded in count and size.

    Its empty folders are not files: :func:`open_chain` makes those.
    """
    groups: dict[bytes, list[int]] = {}
    for row, path in enumerate(manifest.paths):
        if manifest.kinds[row] == FOLDER:
            continue
        groups.setdefault(path.rpartition(b"/")[0], []).append(row)
    above = _folders_above(groups)
    for folder, rows in groups.items():
        rel = b"/".join(part for part in (top, folder) if part)
        is_leaf = folder not in above and bool(folder)
        low, size = 0, 0
        for at, row in enumerate(rows):
            size += manifest.sizes[row]
            if at + 1 - low >= _BATCH_FILES or size >= _BATCH_BYTES or at + 1 == len(rows):
                batch = _batch(manifest, rel, rows[low : at + 1], replaces)
                is_whole = low == 0 and at + 1 == len(rows)
                yield batch._replace(is_whole_leaf=is_leaf and is_whole)
                low, size = at + 1, 0


def _folders_above(folders: Iterable[bytes]) -> set[bytes]:
    """Every folder that holds another of them."""
    above: set[bytes] = set()
    for folder in folders:
        at = folder.rfind(b"/")
        while at > 0 and folder[:at] not in above:
            above.add(folder[:at])
            at = folder.rfind(b"/", 0, at)
    return above


def _batch(
    manifest: Manifest, rel: bytes, rows: list[int], replaces: dict[bytes, tuple[int, ...]]
) -> WriteBatch:
    names = [manifest.paths[row].rpartition(b"/")[2] for row in rows]
    prefix = rel + b"/" if rel else b""
    return WriteBatch(
        rel,
        names,
        array("Q", [manifest.sizes[row] for row in rows]),
        bytes([manifest.kinds[row] for row in rows]),
        b"".join([manifest.digest_at(row) for row in rows]),
        {name: replaces[prefix + name] for name in names if prefix + name in replaces}
        if replaces
        else {},
    )
