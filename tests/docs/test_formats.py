"""The format specification suffices: what it says, done a second time, reads and writes the same.

Nothing in the first half of this file uses the package: it is written from the page alone.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from source_tree import document

PAGE = document("docs/reference/formats.md")
NODE_CONTEXT = "assay 2026 manifest node format 1"
Row = tuple[bytes, int, int, bytes]  # path, size, kind, digest

# -- from the page alone ----------------------------------------------------------------------


def node_digest(data: bytes) -> bytes:
    return blake3(data, derive_key_context=NODE_CONTEXT).digest()


def cuts(paths: list[bytes], level: int) -> Iterator[tuple[int, int]]:
    low, count = 0, len(paths)
    marks = [
        at + 1
        for at, path in enumerate(paths)
        if zlib.crc32(path, level) * 0x9E3779B1 % 2**32 < 2**32 // 512
    ]
    for mark in [*marks, count] if count > 128 else []:
        while mark - low > 2048:
            yield low, low + 2048
            low += 2048
        if mark - low >= 128 and mark != count:
            yield low, mark
            low = mark
    if low < count or not count:
        yield low, count


def node(level: int, paths: list[bytes], *columns: bytes) -> bytes:
    names = b"\0".join(paths)
    header = struct.pack("<4sBBBBII", b"ASYN", 1, level, 32, 0, len(paths), len(names))
    return header + names + b"".join(columns)


def u64(values: list[int]) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def root_of(rows: list[Row]) -> bytes:
    rows = sorted(rows)
    above = []
    for low, high in cuts([row[0] for row in rows], 0):
        paths, sizes, kinds, digests = map(list, zip(*rows[low:high], strict=True))
        data = node(0, paths, bytes(kinds), u64(sizes), b"".join(digests))
        above.append((paths[-1], high - low, sum(sizes), node_digest(data)))
    level = 0
    while len(above) > 1:
        level += 1
        below, above = above, []
        for low, high in cuts([row[0] for row in below], level):
            paths, counts, sizes, digests = map(list, zip(*below[low:high], strict=True))
            data = node(level, paths, u64(counts), u64(sizes), b"".join(digests))
            above.append((paths[-1], sum(counts), sum(sizes), node_digest(data)))
    return above[0][3]


def pack(objects: list[tuple[int, bytes, bytes]]) -> tuple[bytes, bytes]:
    data = struct.pack("<8sII", b"ASYPACK1", 1, 0)
    rows = []
    for kind, digest, content in objects:
        size = len(content)
        rows.append(
            struct.pack("<32s8sQIIBBH", digest, bytes(8), len(data), size, size, kind, 0, 0)
        )
        data += content
    table = b"".join(sorted(rows))
    pack_id = blake3(table).digest()
    return pack_id, data + table + struct.pack(
        "<QQ32s8s", len(data), len(rows), pack_id, b"ASYPEND1"
    )


def segment(packs: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    rows = []
    for pack_id, data in packs.items():
        at, count, _, _ = struct.unpack("<QQ32s8s", data[-56:])
        table = [data[at + 60 * n : at + 60 * (n + 1)] for n in range(count)]
        rows += [row[:32] + pack_id[:8] + row[40:] for row in table]
    rows.sort()
    body = struct.pack("<8sIIQII", b"ASYSEGM1", 1, len(packs), len(rows), 0, 0)
    body += b"".join(struct.pack("<32sQ", key, len(packs[key])) for key in sorted(packs))
    body += u64([sum(row[0] <= first for row in rows) for first in range(256)])
    body += b"".join(rows)
    return blake3(body).digest(), body + blake3(body).digest()


def objects_of(top: Path) -> dict[bytes, bytes]:
    """Every object of a cache or packed remote, found through its segments."""
    found: dict[bytes, bytes] = {}
    segments = {path.stem: path.read_bytes() for path in (top / "index").glob("*.seg")}
    replaced: set[str] = set()
    tables = {}
    for name, data in segments.items():
        magic, version, packs, rows, old, _ = struct.unpack("<8sIIQII", data[:32])
        assert (magic, version, blake3(data[:-32]).hexdigest()) == (b"ASYSEGM1", 1, name)
        at = 32 + 40 * packs
        replaced |= {data[at + 32 * n :][:32].hex() for n in range(old)}
        tables[name] = data[at + 32 * old + 2048 :][: 60 * rows]
    for name in tables.keys() - replaced:
        for row in struct.iter_unpack("<32s8sQIIBBH", tables[name]):
            digest, prefix, offset, stored, _, kind, encoding, _ = row
            (path,) = (top / "packs" / prefix.hex()[:2]).glob(f"{prefix.hex()}*.pack")
            content = path.read_bytes()[offset : offset + stored]
            wanted = node_digest(content) if kind == 1 else blake3(content).digest()
            assert (encoding, wanted) == (0, digest)
            found[digest] = content
    for path in (top / "objects").glob("*/*"):
        content = path.read_bytes()
        assert blake3(content).hexdigest() == path.parent.name + path.name.split(".")[0]
        found[blake3(content).digest()] = content
    return found


def files_of(root: bytes, objects: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The files of the folder with this manifest."""
    data = objects[root]
    level, count, length = data[5], *struct.unpack("<II", data[8:16])
    paths = data[16 : 16 + length].split(b"\0") if count else []
    digests = [data[len(data) - 32 * (count - n) :][:32] for n in range(count)]
    if level:
        parts = [files_of(digest, objects) for digest in digests]
        return {path: content for part in parts for path, content in part.items()}
    kinds = data[16 + length : 16 + length + count]
    rows = zip(paths, kinds, digests, strict=True)
    return {path: objects[digest] for path, kind, digest in rows if kind != 3}


# -- held against the page and the program ----------------------------------------------------

HELLO = b"hello\n"
SMALL: list[Row] = [
    (b"a.txt", 6, 0, blake3(HELLO).digest()),
    (b"b/run", 6, 1, blake3(HELLO).digest()),
    (b"empty", 0, 3, bytes(32)),
]


def many() -> list[Row]:
    return [(b"%06d" % n, 6, 0, blake3(HELLO).digest()) for n in range(10_000)]


def test_the_digests_on_the_page_are_right() -> None:
    contexts = dict(re.findall(r"\| (\w+) \| \d \| .* \| `(assay 2026 .*)` \|", PAGE))
    assert contexts.keys() == {"node", "recipe", "chunk"}
    for name, context in contexts.items():
        digest = blake3(HELLO, derive_key_context=context).hexdigest()
        assert f"| {name} | `{digest}` |" in PAGE
    assert f"| blob | `{blake3(HELLO).hexdigest()}` |" in PAGE


def test_the_manifest_vectors_on_the_page_are_right() -> None:
    paths, sizes, kinds, digests = map(list, zip(*SMALL, strict=True))
    data = node(0, paths, bytes(kinds), u64(sizes), b"".join(digests))
    shown = re.search(r"node of 156 bytes:\n\n```text\n([0-9a-f\n]+)```", PAGE)
    assert shown
    assert bytes.fromhex(shown[1].replace("\n", "")) == data
    assert f"| that folder | `{node_digest(data).hex()}` |" in PAGE
    assert f"| nothing | `{node_digest(node(0, [])).hex()}` |" in PAGE
    assert f"all files `hello\\n` | `{root_of(many()).hex()}` |" in PAGE
    ends = [high for _, high in cuts([row[0] for row in many()], 0)]
    said = re.search(r"leaves that end before entry ([\d,\s]+) and (\d+)\.", PAGE)
    assert said
    assert [*map(int, said[1].split(",")), int(said[2])] == ends


def test_the_pack_and_segment_vectors_on_the_page_are_right() -> None:
    paths, sizes, kinds, digests = map(list, zip(*SMALL, strict=True))
    manifest = node(0, paths, bytes(kinds), u64(sizes), b"".join(digests))
    pack_id, data = pack([(0, blake3(HELLO).digest(), HELLO), (1, node_digest(manifest), manifest)])
    assert f"a pack of {len(data)} bytes" in PAGE
    assert f"`{pack_id.hex()}`" in PAGE
    segment_id, table = segment({pack_id: data})
    assert f"a segment of {len(table):,} bytes" in PAGE
    assert f"`{segment_id.hex()}`" in PAGE


@pytest.mark.parametrize("count", [0, 1, 128, 129, 5_000, 60_000])
def test_the_cut_rule_of_the_page_is_the_program_s(count: int) -> None:
    from assay.core.manifest import Manifest
    from assay.core.prolly import encode

    rows: list[Row] = [
        (b"d%d/%06d" % (n % 7, n), n, n % 2, bytes([n % 251]) * 32) for n in range(count)
    ]
    rows.sort()
    manifest = Manifest(
        paths=[row[0] for row in rows],
        sizes=array("Q", [row[1] for row in rows]),
        kinds=bytes(row[2] for row in rows),
        digests=b"".join(row[3] for row in rows),
    )
    expected = root_of(rows) if rows else node_digest(node(0, []))
    assert encode(manifest).root == expected


def test_a_cache_and_a_remote_can_be_read_with_the_page_alone(tmp_path: Path) -> None:
    import assay

    wanted = {b"a/%03d.txt" % n: b"%d" % n * n for n in range(300)} | {
        b"big": bytes(range(256)) * 2000
    }
    folder = tmp_path / "project"
    for path, content in wanted.items():
        target = folder / "data" / path.decode()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    with assay.init(folder, uses_git=False) as repository:
        repository.add([str(folder / "data")])
        from assay.api.configuration import Configuration

        Configuration.at(folder).add_remote("store", str(tmp_path / "store"), is_default=True)
    with assay.open_repository(folder) as repository:
        repository.push()
    pointer = (folder / "data.assay").read_text("utf-8")
    root = bytes.fromhex(pointer.split("blake3: ")[1].split(".dir")[0])
    for top in (folder / ".assay" / "cache", tmp_path / "store"):
        assert files_of(root, objects_of(top)) == wanted
        assert json.loads((top / "format.json").read_text("utf-8"))["format"] == 1
    (pin,) = (tmp_path / "store" / "pins").glob("*.json")
    content = json.loads(pin.read_text("utf-8"))
    assert (content["format"], content["roots"]) == (1, [root.hex()])
    assert all((tmp_path / "store" / key).is_file() for key in content["keys"])
