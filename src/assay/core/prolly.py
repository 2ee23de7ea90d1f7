"""The native manifest on disk: a prolly tree of columnar nodes.

Entries are cut into leaves where a hash of the path says so, leaves into inner nodes by the
same rule, up to one root.  Boundaries depend on paths only, so equal sets give equal roots
and a small change rewrites one leaf and its ancestors.  ``docs/reference/formats.md`` is the
specification; ``tests/core/test_prolly.py`` pins it with frozen vectors.

Node layout, little-endian::

    magic "ASYN" | version u8 | level u8 | digest width u8 | zero u8 | count u32 | paths length u32
    paths        NUL-separated; of entries in a leaf, of each child's last entry above
    leaf:  kinds u8[count] | sizes u64[count] | digests
    inner: entry counts u64[count] | sizes u64[count] | digests of children
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from operator import lt
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from assay.core.digest import ObjectKind, object_digest
from assay.core.manifest import EMPTY, FOLDER, Manifest
from assay.core.paths import require_safe
from assay.errors import IntegrityError

FORMAT_VERSION = 1
MIN_ENTRIES, MAX_ENTRIES = 128, 2048
_CUT_BELOW = (1 << 32) // 512
_GOLDEN = 0x9E3779B1  # spreads crc32, whose low bits are linear in the path
_MAX_LEVEL = 8
_MAX_NODE_BYTES = MAX_ENTRIES * (4096 + 64)
_MAX_SIZE = (1 << 63) - 1  # what a file system can hold; sums stop there
_HEADER = Struct("<4sBBBBII")
_MAGIC = b"ASYN"

ReadNode = Callable[[bytes], bytes]
"""Verified bytes of the node with this digest; raises where it is missing or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """An encoded manifest: the root's digest and every node, children before parents."""

    root: bytes
    nodes: dict[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One decoded node; ``kinds`` is empty above the leaves, ``counts`` empty in them."""

    level: int
    width: int
    paths: list[bytes]
    kinds: bytes
    counts: array[int]
    sizes: array[int]
    digests: bytes

    def child(self, row: int) -> bytes:
        """Digest of the child (or of the content) in one row."""
        return self.digests[row * self.width : (row + 1) * self.width]


def encode(manifest: Manifest) -> Tree:
    """Cut and encode a manifest."""
    nodes: dict[bytes, bytes] = {}
    row = _encode_leaves(manifest, nodes)
    level = 0
    while len(row.keys) > 1:
        level += 1
        row = _encode_inner(level, row, nodes)
    return Tree(root=row.digests[0], nodes=nodes)


class _Row(NamedTuple):
    """One level of the tree: for each node its last path, entries, bytes and digest."""

    keys: list[bytes]
    counts: array[int]
    sizes: array[int]
    digests: list[bytes]


def _encode_leaves(manifest: Manifest, nodes: dict[bytes, bytes]) -> _Row:
    out = _Row([], array("Q"), array("Q"), [])
    width = manifest.width
    for low, high in _cuts(manifest.paths, 0):
        paths = manifest.paths[low:high]
        body = b"".join(
            (
                manifest.kinds[low:high],
                _little(manifest.sizes[low:high]),
                manifest.digests[low * width : high * width],
            )
        )
        out.digests.append(_put(nodes, 0, width, paths, body))
        out.keys.append(paths[-1] if paths else b"")
        out.counts.append(high - low)
        out.sizes.append(min(sum(manifest.sizes[low:high]), _MAX_SIZE))
    return out


def _encode_inner(level: int, row: _Row, nodes: dict[bytes, bytes]) -> _Row:
    out = _Row([], array("Q"), array("Q"), [])
    for low, high in _cuts(row.keys, level):
        counts, sizes = row.counts[low:high], row.sizes[low:high]
        body = _little(counts) + _little(sizes) + b"".join(row.digests[low:high])
        out.digests.append(_put(nodes, level, 32, row.keys[low:high], body))
        out.keys.append(row.keys[high - 1])
        out.counts.append(sum(counts))
        out.sizes.append(min(sum(sizes), _MAX_SIZE))
    return out


def _cuts(paths: list[bytes], level: int) -> list[tuple[int, int]]:
    """Content-defined ranges over sorted paths; a lone empty range for no paths."""
    count = len(paths)
    ranges: list[tuple[int, int]] = []
    low = 0
    if count > MIN_ENTRIES:
        marks = [
            row + 1
            for row, path in enumerate(paths)
            if (crc32(path, level) * _GOLDEN & 0xFFFFFFFF) < _CUT_BELOW
        ]
        for mark in (*marks, count):
            while mark - low > MAX_ENTRIES:
                ranges.append((low, low + MAX_ENTRIES))
                low += MAX_ENTRIES
            if mark - low >= MIN_ENTRIES and mark < count:
                ranges.append((low, mark))
                low = mark
    if low < count or not ranges:
        ranges.append((low, count))
    return ranges


def _put(
    nodes: dict[bytes, bytes], level: int, width: int, paths: list[bytes], body: bytes
) -> bytes:
    names = b"\0".join(paths)
    header = _HEADER.pack(_MAGIC, FORMAT_VERSION, level, width, 0, len(paths), len(names))
    data = header + names + body
    digest = object_digest(ObjectKind.NODE, data)
    nodes[digest] = data
    return digest


def _little(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _array(data: bytes) -> array[int]:
    values = array("Q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def decode_node(data: bytes, *, where: str = "manifest node") -> Node:
    """One node from its bytes; every bound is checked before anything is allocated.

    Raises :class:`IntegrityError` ``manifest-invalid`` on malformed bytes,
    ``manifest-newer-format`` on a format of the future, ``path-unsafe`` on a hostile path.
    """
    if len(data) < _HEADER.size or len(data) > _MAX_NODE_BYTES or data[:4] != _MAGIC:
        raise _invalid(where, "it does not start as a manifest node")
    _, version, level, width, zero, count, names_length = _HEADER.unpack_from(data)
    if version > FORMAT_VERSION:
        raise IntegrityError(
            "manifest-newer-format",
            f"{where} has format {version}; this program reads up to {FORMAT_VERSION}.",
            why="A newer assay wrote it.",
            fix="Upgrade assay.",
        )
    row_bytes = (9 if level == 0 else 16) + width
    expected = _HEADER.size + names_length + count * row_bytes
    sound = version == 1 and zero == 0 and width in (16, 32) and level <= _MAX_LEVEL
    if not sound or count > MAX_ENTRIES or len(data) != expected or (level and width != 32):
        raise _invalid(where, "its header contradicts its length")
    at = _HEADER.size + names_length
    paths = data[_HEADER.size : at].split(b"\0") if count else []
    if not count and (level or names_length):
        raise _invalid(where, "it lists nothing, but is not the empty manifest")
    if len(paths) != count or not all(map(lt, paths, islice(paths, 1, None))):
        raise _invalid(where, "its paths are not sorted, or their count is wrong")
    require_safe(paths, where=where)
    kinds = b"" if level else data[at : at + count]
    at += len(kinds)
    counts = _array(data[at : at + 8 * count]) if level else array("Q")
    at += 8 * len(counts)
    node = Node(
        level=level,
        width=width,
        paths=paths,
        kinds=kinds,
        counts=counts,
        sizes=_array(data[at : at + 8 * count]),
        digests=data[at + 8 * count :],
    )
    if kinds and max(kinds) > FOLDER:
        raise _invalid(where, "an entry has an unknown kind")
    if count and max(node.sizes) > _MAX_SIZE:
        raise _invalid(where, "an entry has an impossible size")
    return node


def _invalid(where: str, why: str) -> IntegrityError:
    return IntegrityError(
        "manifest-invalid",
        f"{where} is not a valid manifest: {why}.",
        why="The object is damaged, or was not written by assay.",
        fix="Run `assay verify --repair`, which fetches a good copy from a remote.",
    )


def load(root: bytes, read: ReadNode) -> Manifest:
    """The whole manifest under ``root``.

    Raises what ``read`` raises, and :class:`IntegrityError` when the tree contradicts itself.
    """
    leaves = [node for node in walk(root, read) if node.level == 0]
    return _join(leaves, root)


def load_folder(root: bytes, folder: bytes, read: ReadNode) -> Manifest:
    """Entries at or below ``folder``, reading only the nodes that can hold them."""
    if not folder:
        return load(root, read)
    low, high = folder, folder + b"0"
    leaves = [n for n in walk(root, read, low=low, high=high) if n.level == 0]
    whole = _join(leaves, root)
    exact = whole.find(folder)
    return (
        whole.rows(range(exact, exact + 1))
        if exact >= 0
        else whole.rows(whole.folder_range(folder))
    )


def walk(
    root: bytes,
    read: ReadNode,
    *,
    low: bytes = b"",
    high: bytes | None = None,
    known: Callable[[bytes], bool] | None = None,
) -> Iterator[Node]:
    """Nodes in order, parents before children; subtrees for which ``known`` is true are skipped.

    ``low`` and ``high`` bound the paths of interest (half open).
    """
    stack = [_Child(root, -1, b"", None)]
    while stack:
        child = stack.pop()
        if known is not None and known(child.digest):
            continue
        where = f"manifest node {child.digest.hex()[:16]}"
        node = decode_node(read(child.digest), where=where)
        if child.last is not None:
            _check_place(node, child, where)
        yield node
        if node.level:
            stack.extend(_children(node, child.before, low, high))


class _Child(NamedTuple):
    """What a parent says of a child: its level, the path before it, its last path."""

    digest: bytes
    level: int
    before: bytes
    last: bytes | None


def _check_place(node: Node, child: _Child, where: str) -> None:
    # With strictly increasing keys no node can be listed twice, so a small hostile tree
    # cannot unfold into an endless one.
    placed = node.paths and node.paths[-1] == child.last and node.paths[0] > child.before
    if node.level != child.level or not placed:
        raise _invalid(where, "it does not fit where its parent lists it")


def _children(node: Node, before: bytes, low: bytes, high: bytes | None) -> Iterable[_Child]:
    wanted = []
    for row, last in enumerate(node.paths):
        if last >= low and (high is None or before < high):
            wanted.append(_Child(node.child(row), node.level - 1, before, last))
        before = last
    return reversed(wanted)


def _join(leaves: list[Node], root: bytes) -> Manifest:
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        paths, sizes, kinds, digests = (
            leaves[0].paths,
            leaves[0].sizes,
            leaves[0].kinds,
            leaves[0].digests,
        )
    else:
        paths, sizes = [], array("Q")
        last = b""
        for leaf in leaves:
            if (leaf.paths and leaf.paths[0] <= last) or leaf.width != leaves[0].width:
                raise _invalid(f"manifest {root.hex()[:16]}", "its leaves overlap")
            last = leaf.paths[-1] if leaf.paths else last
            paths += leaf.paths
            sizes += leaf.sizes
        kinds = b"".join(leaf.kinds for leaf in leaves)
        digests = b"".join(leaf.digests for leaf in leaves)
    return Manifest(paths=paths, sizes=sizes, kinds=kinds, digests=digests, width=leaves[0].width)
