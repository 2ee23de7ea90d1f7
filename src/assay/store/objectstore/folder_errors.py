"""What the system's answers mean when a remote is a folder."""

from __future__ import annotations

import errno

from assay.errors import AssayError, IntegrityError, NotFound, RemoteRefused, Temporary

_UNAVAILABLE = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH")
    if hasattr(errno, name)
)


def translate_remote(error: OSError, root: str, where: str) -> AssayError | None:
    """The error of ours that says what ``error`` means, or ``None``."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RemoteRefused(
            "remote-denied",
            f"The remote {root} does not allow this: {error.strerror} ({where}).",
            why="The folder or the file is not yours to use, or is mounted read-only.",
            fix="Ask whoever owns the folder for the permission, or use another remote.",
            paths=(root,),
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Temporary(
            "remote-full",
            f"No space left on the remote {root}.",
            why="Its disk or your quota is full. What was complete stays.",
            fix="Free some space there (`assay gc --cloud --force`), then run the command again.",
            paths=(root,),
        )
    if error.errno in _UNAVAILABLE:
        return Temporary(
            "remote-unavailable",
            f"The remote {root} does not answer: {error.strerror} ({where}).",
            why="The disk or the network failed.",
            fix="Check the connection, then run the command again: it goes on where it stopped.",
            paths=(root,),
        )
    return None


def wrong_size(key: str, root: str, got: int, wanted: int) -> IntegrityError:
    """The error for a file that is not as long as it should be."""
    return IntegrityError(
        "remote-size-differs",
        f"{key} on the remote {root} has {got} bytes; {wanted} were expected.",
        why="It was cut short or replaced there.",
        fix="Run `assay verify --remote --repair` in a clone that has the data.",
        paths=(key,),
    )


def absent_root(root: str) -> NotFound:
    """The error for a folder that is not there."""
    return NotFound(
        "remote-missing",
        f"The remote {root} is not there.",
        why="The folder does not exist. If it is on a NAS or a USB disk, is that mounted?",
        fix="Mount it, correct the remote's url, or create the folder.",
        paths=(root,),
    )


def link_inside(path: str) -> RemoteRefused:
    """The error for a symbolic link below the root."""
    return RemoteRefused(
        "remote-link",
        f"{path} is a symbolic link inside the remote.",
        why="Following it could read or write anywhere.",
        fix="Put a real folder (or a bind mount) in its place.",
        paths=(path,),
    )
