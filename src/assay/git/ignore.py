"""What Git ignores and tracks: the `.gitignore` line of each output, and questions about both.

A pattern is written so that it matches exactly the one name beside the file, whatever bytes the
name holds.  Other lines, their order and their line endings stay as they are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from assay.errors import InvalidInput
from assay.git.program import Location, run_git

GITIGNORE = b".gitignore"

_SPECIAL = frozenset(b"\\*?[]!#")
_ARGUMENT_BYTES = 96 * 1024  # well below any limit on one command line


def escape_name(name: bytes) -> bytes:
    """The `.gitignore` pattern, without its leading slash, that matches ``name`` literally.

    No pattern can spell a newline, so it becomes the narrowest class that holds it.
    """
    out = bytearray()
    for byte in name:
        if byte in _SPECIAL:
            out += b"\\"
        if byte == 0x0A:
            out += b"[\x09-\x0b]"
        elif byte == 0x0D:
            out += b"[\x0d]"  # Git strips a bare CR at the end of a line
        else:
            out.append(byte)
    body = out.rstrip(b" ")
    # Unescaped blanks at the end of a line do not count; escaping each is what Git documents.
    return bytes(body) + b"\\ " * (len(out) - len(body))


def with_name(content: bytes, name: bytes) -> bytes:
    """``content`` of a `.gitignore` with a line that ignores ``name``, if there is none yet."""
    lines = content.split(b"\n")
    spellings = _spellings(name)
    if any(line.removesuffix(b"\r") in spellings for line in lines):
        return content
    ending = b"\r\n" if lines[0].endswith(b"\r") else b"\n"
    if content and not content.endswith(b"\n"):
        content += ending
    return content + b"/" + escape_name(name) + ending


def without_name(content: bytes, name: bytes) -> bytes:
    """``content`` without the lines that ignore ``name`` literally, as written here or by DVC."""
    spellings = _spellings(name)
    lines = content.split(b"\n")
    return b"\n".join(line for line in lines if line.removesuffix(b"\r") not in spellings)


def _spellings(name: bytes) -> frozenset[bytes]:
    """How tools write the line: this module, and DVC with its fewer escapes."""
    fewer = b"".join(b"\\%c" % c if c in b"[]!*#?" else b"%c" % c for c in name)
    return frozenset({b"/" + escape_name(name), b"/" + fewer})


def add_ignore(folder: bytes, name: bytes) -> bool:
    """Ignore ``name`` in the `.gitignore` of ``folder``; whether the file changed."""
    before = _read(folder)
    after = with_name(before or b"", name)
    if after == before:
        return False
    _replace(folder, after)
    return True


def remove_ignore(folder: bytes, name: bytes) -> bool:
    """Take ``name`` out of the `.gitignore` of ``folder``; whether the file changed.

    A file that is empty then goes, as it does with DVC.
    """
    before = _read(folder)
    if before is None:
        return False
    after = without_name(before, name)
    if after == before:
        return False
    if after:
        _replace(folder, after)
    else:
        os.unlink(os.path.join(folder, GITIGNORE))
    return True


def is_tracked(root: Location, paths: Iterable[bytes]) -> set[bytes]:
    """Those of ``paths`` (relative to ``root``) that are in Git's index, or hold files that are."""
    wanted = set(paths)
    found: set[bytes] = set()
    for batch in _batches(sorted(wanted)):
        args = ["--literal-pathspecs", "ls-files", "-z", "--cached", "--"]
        for listed in run_git([*args, *batch], cwd=root).split(b"\0"):
            while listed:
                if listed in wanted:
                    found.add(listed)
                listed = listed.rpartition(b"/")[0]
    return found


def is_ignored(root: Location, paths: Iterable[bytes]) -> set[bytes]:
    """Those of ``paths`` (relative to ``root``) that Git's ignore files leave out.

    Whether Git tracks them all the same makes no difference.
    """
    # "./" before each: a name that begins with a colon would be read as pathspec magic, which
    # this command cannot be told to leave alone.
    names = b"".join(b"./" + path + b"\0" for path in paths)
    if not names:
        return set()
    args = ["check-ignore", "--no-index", "-z", "--stdin"]
    ignored = run_git(args, cwd=root, input=names, accept=(0, 1))
    return {path[2:] for path in ignored.split(b"\0") if path}


def stage(root: Location, paths: Iterable[bytes]) -> None:
    """Put ``paths`` (relative to ``root``) into Git's index, as `git add` does."""
    names = b"".join(path + b"\0" for path in paths)
    if names:
        args = ["--literal-pathspecs", "add", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run_git(args, cwd=root, input=names)


def _batches(paths: list[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size_bytes = 0
    for path in paths:
        if batch and size_bytes + len(path) > _ARGUMENT_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(path)
        size_bytes += len(path) + 9  # the terminator and the pointer to it
    if batch:
        yield batch


def _read(folder: bytes) -> bytes | None:
    path = os.path.join(folder, GITIGNORE)
    try:
        # Git does not follow a symbolic link here either, and it may point anywhere.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _irregular(path, error.strerror or "it cannot be opened") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _irregular(path, "it is not a regular file")
        return file.read()


def _irregular(path: bytes, problem: str) -> InvalidInput:
    shown = os.fsdecode(path)
    return InvalidInput(
        "gitignore-irregular",
        f"{shown} cannot be edited.",
        why=f"Git reads only a regular file under that name: {problem}.",
        fix="Replace it by a regular file.",
        paths=(shown,),
    )


def _replace(folder: bytes, content: bytes) -> None:
    """Write the file whole or not at all, with the mode it had."""
    path = os.path.join(folder, GITIGNORE)
    try:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
    except FileNotFoundError:
        mode = None
    scratch = path + b"." + os.urandom(6).hex().encode() + b".tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(scratch, flags, 0o666), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content)
        os.replace(scratch, path)
    except BaseException:
        try:
            os.unlink(scratch)
        except FileNotFoundError:
            pass
        raise
