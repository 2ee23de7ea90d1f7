"""What the file system below a path is and can do: its type, and which links it makes."""

from __future__ import annotations

import os
import sys

from assay.store.durable import CREATE, READ, temporary_name
from assay.store.links import COPY, LINK_TYPES, REFLINK, make_link, reflink

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "beegfs"}
)


def file_system_type(path: str) -> str:
    """The type that the system gives the mount of ``path``, such as ``ext4``; empty if unknown."""
    if sys.platform != "linux":
        return ""
    try:
        device = os.stat(path).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields, _, tail = line.partition(" - ")
                if fields.split(" ")[2] == wanted:
                    return tail.split(" ")[0]
    except (OSError, IndexError):
        return ""
    return ""


def is_network(path: str) -> bool:
    """Whether ``path`` lies on a network file system, where SQLite's log cannot be shared."""
    kind = file_system_type(path)
    return kind in _NETWORK or kind.startswith("fuse.")


def working_link_types(cache_folder: str, workspace_folder: str) -> list[str]:
    """The link types that work from one folder to the other, tried with a scratch file."""
    source = temporary_name(cache_folder, "probe")
    fd = os.open(source, CREATE, 0o600)
    os.write(fd, b"probe")
    os.close(fd)
    try:
        return [kind for kind in LINK_TYPES if _works(kind, source, workspace_folder)]
    finally:
        os.unlink(source)


def _works(kind: str, source: str, folder: str) -> bool:
    if kind == COPY:
        return True
    target = temporary_name(folder, ".assay-scratch-probe")
    try:
        if kind != REFLINK:
            return make_link(kind, source, target)
        from_fd, to_fd = os.open(source, READ), os.open(target, CREATE, 0o600)
        try:
            return reflink(from_fd, to_fd)
        finally:
            os.close(from_fd)
            os.close(to_fd)
    except OSError:
        return False
    finally:
        if os.path.lexists(target):
            os.unlink(target)
