"""Reading tracked data: open, read, get_url, and the commands get and ls."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from assay.api.source import Source, blob_objects, open_source
from assay.core.digest import ObjectKind
from assay.core.manifest import Manifest
from assay.core.paths import path_problem
from assay.core.progress import SILENT, Progress
from assay.data.access import (
    Listed,
    content_of,
    find_output,
    list_output,
    not_there,
    outputs_below,
)
from assay.data.checkout_plan import refuse_contradictions
from assay.data.model import printable
from assay.errors import Conflict, InvalidInput, NotFound
from assay.store.batches import batches_of
from assay.store.remote.port import Remote
from assay.store.restore import RestoreOptions, restore


def _inside(path: str) -> bytes:
    cleaned = os.path.normpath(path).replace(os.sep, "/")
    raw = b"" if cleaned == "." else os.fsencode(cleaned)
    if raw and path_problem(raw):
        raise InvalidInput(
            "path-outside",
            f"{path} is not a path inside a repository.",
            why=f"{path_problem(raw).capitalize()}.",
            fix="Give the path from the repository's root.",
        )
    return raw


@contextmanager
def open(
    path: str,
    repo: str | None = None,
    rev: str | None = None,
    *,
    mode: str = "r",
    encoding: str | None = None,
    remote: str | None = None,
) -> Iterator[IO[str] | IO[bytes]]:
    """Open one tracked file of any repository and revision for reading, verified.

    ``path`` is from the repository's root; ``repo`` a path or Git URL (default: around the
    current folder); ``rev`` any Git revision (default: the workspace, or a URL's HEAD).
    """
    if mode not in ("r", "rt", "rb"):
        raise InvalidInput("mode-invalid", f"Mode {mode!r} cannot be used.", fix="Use 'r' or 'rb'.")
    with open_source(repo, rev, remote=remote) as source:
        binary = _open_binary(source, _inside(path))
        if mode == "rb":
            with binary:
                yield binary
        else:
            with io.TextIOWrapper(binary, encoding=encoding or "utf-8") as text:
                yield text


def _open_binary(source: Source, path: bytes) -> io.BufferedReader | io.BytesIO:
    if find_output(source.tracked, path) is None:
        data = _from_git(source, path)
        if data is None:
            raise not_there(printable(path))
        return io.BytesIO(data)
    rows, is_file = source.content(path)
    if not is_file:
        raise InvalidInput(
            "path-is-folder",
            f"{printable(path)} is a folder.",
            fix="Name a file inside it; `assay ls` shows them.",
        )
    digest = rows.digest_at(0)
    source.fetch({digest: int(ObjectKind.BLOB)})
    return source.cache.open_blob(digest)


def _from_git(source: Source, path: bytes) -> bytes | None:
    if source.rev:
        return source.reader.read_path(source.rev, path)
    return None


def read(
    path: str,
    repo: str | None = None,
    rev: str | None = None,
    *,
    mode: str = "r",
    encoding: str | None = None,
    remote: str | None = None,
) -> str | bytes:
    """The content of one tracked file (see :func:`open`)."""
    with open(path, repo, rev, mode=mode, encoding=encoding, remote=remote) as file:
        return file.read()


def get_url(
    path: str, repo: str | None = None, rev: str | None = None, *, remote: str | None = None
) -> str:
    """Where the remote keeps a tracked file or the manifest of a tracked folder.

    In a packed remote an object has no file of its own: the URL names the object below the
    remote (``URL#blake3:HEX``); in a plain one it is the object's own address.
    """
    with open_source(repo, rev, remote=remote) as source:
        found = find_output(source.tracked, _inside(path))
        if found is None:
            raise not_there(path)
        tracked, inside = found
        if inside:
            rows, is_file = content_of(tracked, inside, source.read_node)
            if not is_file:
                raise InvalidInput(
                    "path-is-folder",
                    f"{path} is a folder inside a tracked folder.",
                    why="Only files and whole tracked paths have an address.",
                    fix="Name a file inside it.",
                )
            digest = rows.digest_at(0)
        else:
            digest = tracked.root_digest
        if not source.remotes:
            raise NotFound(
                "remote-unset",
                "The repository has no remote.",
                fix="Add one: `assay remote add --default NAME URL`.",
            )
        return _address(source.remotes[0], digest)


def _address(remote: Remote, digest: bytes) -> str:
    name = digest.hex()
    if remote.layout == "plain":
        return f"{remote.describe()}/files/blake3/{name[:2]}/{name[2:]}"
    return f"{remote.describe()}#blake3:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What ``get`` wrote."""

    path: str
    files: int
    size_bytes: int


def get(
    url: str,
    path: str,
    out: str | None = None,
    *,
    rev: str | None = None,
    remote: str | None = None,
    force: bool = False,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Got:
    """Download a tracked file or folder of another repository, tracking nothing here.

    Written beside its place and renamed, so that a cut leaves nothing half done.
    """
    target = _target(out, path)
    if os.path.lexists(target) and not force:
        raise Conflict(
            "target-exists",
            f"{target} exists already.",
            fix="Choose another place with -o, or replace it with --force.",
            paths=(target,),
        )
    with open_source(url, rev, remote=remote, progress=progress) as source:
        inside = _inside(path)
        if find_output(source.tracked, inside) is None:
            data = _from_git(source, inside)
            if data is None:
                raise not_there(path)
            return _write_plain(target, data)
        rows, is_file = source.content(inside)
        if not is_file:
            refuse_contradictions(rows, inside)
        source.fetch(blob_objects(rows))
        _write_rows(source, rows, is_file, target, jobs, progress)
        return Got(path=target, files=rows.file_count, size_bytes=rows.size_bytes)


def _target(out: str | None, path: str) -> str:
    name = os.path.basename(os.path.normpath(path))
    if out is None:
        return os.path.abspath(name)
    if os.path.isdir(out) or out.endswith("/"):
        return os.path.abspath(os.path.join(out, name))
    return os.path.abspath(out)


def _write_plain(target: str, data: bytes) -> Got:
    from assay.store.durable import write_atomic

    os.makedirs(os.path.dirname(target), exist_ok=True)
    write_atomic(target, data)
    return Got(path=target, files=1, size_bytes=len(data))


def _write_rows(
    source: Source, rows: Manifest, is_file: bool, target: str, jobs: int | None, progress: Progress
) -> None:
    import shutil
    import tempfile

    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    name = os.fsencode(os.path.basename(target))
    if is_file:
        rows = Manifest(paths=[name], sizes=rows.sizes, kinds=rows.kinds, digests=rows.digests)
    with tempfile.TemporaryDirectory(prefix=".assay-scratch-", dir=parent) as scratch:
        root = os.fsencode(scratch)
        if not is_file:
            os.mkdir(os.path.join(root, name))
        batches = list(batches_of(rows, b"" if is_file else name, {}))
        options = RestoreOptions(link_types=("reflink", "copy"), jobs=jobs)
        for _, written in restore(source.cache, root, batches, options, progress=progress):
            for error in written.failed.values():
                raise error
        _make_empty_folders(rows, os.path.join(root, name))
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        os.replace(os.path.join(root, name), os.fsencode(target))


def _make_empty_folders(rows: Manifest, top: bytes) -> None:
    from assay.core.manifest import FOLDER

    for path, kind in zip(rows.paths, rows.kinds, strict=True):
        if kind == FOLDER:
            os.makedirs(os.path.join(top, path), exist_ok=True)


def ls(
    url: str | None = None,
    path: str = "",
    *,
    rev: str | None = None,
    remote: str | None = None,
    recursive: bool = False,
    tracked_only: bool = False,
    progress: Progress = SILENT,
) -> list[Listed]:
    """What a repository holds at ``path``: Git's files and tracked data alike."""
    with open_source(url, rev, remote=remote, progress=progress) as source:
        top = _inside(path) if path else b""
        found = find_output(source.tracked, top) if top else None
        if found is not None:
            rows, is_file = source.content(top)
            if is_file:
                return [_file_of(printable(top), rows)]
            return sorted(list_output(rows, "", recursive=recursive), key=lambda e: e.path)
        return sorted(
            _list_folder(source, top, recursive, tracked_only), key=lambda entry: entry.path
        )


def _file_of(name: str, rows: Manifest) -> Listed:
    entry = rows.entry(0)
    return Listed(
        path=os.path.basename(name),
        size_bytes=entry.size,
        is_folder=False,
        is_executable=entry.kind == 1,
        is_output=True,
        digest=entry.digest,
    )


def _list_folder(source: Source, top: bytes, recursive: bool, tracked_only: bool) -> list[Listed]:
    entries: dict[str, Listed] = {}
    skip = len(top) + 1 if top else 0
    for tracked in outputs_below(source.tracked, top):
        name = printable(tracked.path[skip:])
        output = tracked.output
        if "/" in name and not recursive:
            head = name.split("/")[0]
            entries.setdefault(head, _plain_folder(head))
        elif recursive and output.is_folder and output.digest is not None:
            rows, _ = content_of(tracked, b"", source.read_node)
            for listed in list_output(rows, name + "/", recursive=True):
                entries[listed.path] = listed
        else:
            entries[name] = Listed(
                path=name,
                size_bytes=output.size_bytes,
                is_folder=output.is_folder,
                is_executable=output.is_executable,
                is_output=True,
                digest=output.digest,
            )
    if not tracked_only:
        for name, listed in _git_files(source, top, recursive).items():
            entries.setdefault(name, listed)
    if not entries and top:
        raise not_there(printable(top))
    return list(entries.values())


def _plain_folder(name: str) -> Listed:
    return Listed(
        path=name,
        size_bytes=None,
        is_folder=True,
        is_executable=False,
        is_output=False,
        digest=None,
    )


def _git_files(source: Source, top: bytes, recursive: bool) -> dict[str, Listed]:
    """What Git keeps at ``top``: from the revision's tree, or from the work tree."""
    skip = len(top) + 1 if top else 0
    entries: dict[str, Listed] = {}
    for path, mode, size in source.git_files(top):
        name = printable(path[skip:])
        if "/" in name and not recursive:
            head = name.split("/")[0]
            entries.setdefault(head, _plain_folder(head))
            continue
        entries[name] = Listed(
            path=name,
            size_bytes=size,
            is_folder=False,
            is_executable=bool(mode & 0o100),
            is_output=False,
            digest=None,
        )
    return entries
