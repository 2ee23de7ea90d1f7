"""The programs behind the `floor` column; runs as a script, so it imports nothing of the rest.

Each verb imports what it needs itself: a floor that spends most of its time starting is none.

floors.py walk TREE          list and stat everything
floors.py pack TREE PACK     read and hash every file, append all to PACK, one fsync
floors.py unpack PACK TREE   create every file out of PACK, no fsync
floors.py hash FILE one|all  read and hash one file on one core or on all
floors.py copy FROM TO       copy one file and fsync it
"""

from __future__ import annotations

import importlib
import marshal
import os
import sys
from collections.abc import Callable
from typing import Any

# Reads of 128 KiB and more map and unmap memory on every call, hence this for streams.
STREAM_BYTES = 1 << 20
FLUSH_BYTES = 1 << 20


def hash_name() -> str:
    """blake3 where it is installed (assay brings it), else the fastest in the standard library."""
    return "blake2b" if _blake3() is None else "blake3"


def _new_hash() -> Callable[..., Any]:
    fastest = _blake3()
    if fastest is not None:
        return fastest
    from hashlib import blake2b

    return blake2b


def _blake3() -> Callable[..., Any] | None:
    try:
        return importlib.import_module("blake3").blake3  # type: ignore[no-any-return]
    except ImportError:
        return None


def walk(tree: str) -> None:
    if os.path.isfile(tree):
        os.stat(tree)
        return
    with os.scandir(tree) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                walk(entry.path)
            else:
                entry.stat(follow_symlinks=False)


def pack(tree: str, target: str) -> None:
    new_hash = _new_hash()
    names: dict[str, list[tuple[str, int]]] = {}
    buffer: list[bytes] = []
    waiting = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for folder, _, files in os.walk(tree):
        rows = names.setdefault(os.path.relpath(folder, tree), [])
        handle = os.open(folder, os.O_RDONLY)
        for name in files:
            content = _content(handle, name)
            new_hash(content).digest()
            rows.append((name, len(content)))
            buffer.append(content)
            waiting += len(content)
            if waiting > FLUSH_BYTES:
                os.write(descriptor, b"".join(buffer))
                buffer, waiting = [], 0
        os.close(handle)
    os.write(descriptor, b"".join(buffer))
    os.write(descriptor, _trailer(names))
    os.fsync(descriptor)
    os.close(descriptor)


def _content(folder: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    # The whole file in one call; a larger buffer would cost more than the read.
    content = os.read(file, os.fstat(file).st_size + 1)
    os.close(file)
    return content


def _trailer(names: dict[str, list[tuple[str, int]]]) -> bytes:
    rows = marshal.dumps(names)
    return rows + len(rows).to_bytes(8, "big")


def unpack(source: str, tree: str) -> None:
    with open(source, "rb") as file:
        file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(8), "big")
        file.seek(-8 - length, os.SEEK_END)
        names: dict[str, list[tuple[str, int]]] = marshal.loads(file.read(length))
        file.seek(0)
        for folder, rows in names.items():
            os.makedirs(os.path.join(tree, folder), exist_ok=True)
            handle = os.open(os.path.join(tree, folder), os.O_RDONLY)
            for name, size in rows:
                target = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=handle)
                os.write(target, file.read(size))
                os.close(target)
            os.close(handle)


def hash_file(path: str, cores: str) -> None:
    if cores == "all" and hash_name() == "blake3":
        blake3: Any = _blake3()
        blake3(max_threads=blake3.AUTO).update_mmap(path)
        return
    state = _new_hash()()
    buffer = bytearray(STREAM_BYTES)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            state.update(view[:count])


def copy(source: str, target: str) -> None:
    from shutil import copyfile

    copyfile(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


VERBS: dict[str, Callable[..., None]] = {
    "walk": walk,
    "pack": pack,
    "unpack": unpack,
    "hash": hash_file,
    "copy": copy,
}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
