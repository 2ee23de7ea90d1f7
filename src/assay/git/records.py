"""Small files kept under refs of their own: read whole, written as a commit, moved together.

Each such ref names a commit whose tree holds the files; its parents are the commit before it and
what it is about, so that Git (and assay's collection) keeps that alive and sends it along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from assay.errors import Conflict, IntegrityError
from assay.git.objects import ObjectReader
from assay.git.program import Location, run_git
from assay.git.trees import parse_tree

PREFIX = "refs/assay/"
_MOST_FILES = 100_000
_MOST_BYTES = 256 << 20
_FILE_BYTES = 32 << 20
_NOBODY = ("-c", "user.name=assay", "-c", "user.email=assay@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The files of one ref by path, and the commit that they stand in."""

    ref: str
    commit: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefChange:
    """One ref's move; ``old`` is None where it must not exist yet."""

    ref: str
    old: str | None
    new: str


def read_record(reader: ObjectReader, ref: str) -> Record | None:
    """The record under ``ref``, or None.  Raises IntegrityError ``record-too-large``."""
    commit = reader.lookup(f"{ref}^{{commit}}")
    if commit is None:
        return None
    tree = reader.lookup(f"{commit.id}^{{tree}}", max_bytes=_FILE_BYTES)
    files = dict(_files(reader, tree.body, commit.id, ref)) if tree else {}
    return Record(ref=ref, commit=commit.id, files=files)


def _files(reader: ObjectReader, tree: bytes, commit: str, ref: str) -> Iterator[tuple[str, bytes]]:
    width = len(commit) // 2
    count = total = 0
    pending = [("", tree)]
    while pending:
        folder, body = pending.pop()
        for name, _, oid in parse_tree(body, width):
            found = reader.lookup(oid, max_bytes=_FILE_BYTES)
            count += 1
            total += len(found.body) if found else 0
            if found is None or count > _MOST_FILES or total > _MOST_BYTES:
                raise _unreadable(ref, found is None)
            path = folder + os.fsdecode(name)
            if found.kind == "tree":
                pending.append((f"{path}/", found.body))
            else:
                yield path, found.body


def _unreadable(ref: str, is_missing: bool) -> IntegrityError:
    return IntegrityError(
        "record-unreadable",
        f"{ref} cannot be read.",
        why="Git lacks some of its files." if is_missing else "It is far too large for a record.",
        fix="Fetch it again, or ask who pushed to it.",
    )


def list_refs(
    root: Location, prefix: str, *, foreign: bool = False, bare: bool = False
) -> list[str]:
    """The names of the refs under ``prefix``, sorted."""
    where = [f"--git-dir={os.fsdecode(root)}"] if bare else []
    args = [*where, "for-each-ref", "--format=%(refname)", prefix.rstrip("/")]
    return run_git(args, cwd=root, foreign=foreign).decode("utf-8", "replace").split()


def write_record(
    root: Location,
    changed: Mapping[str, bytes],
    *,
    before: Record | None,
    about: Iterable[str] = (),
    message: str,
    pending: str,
) -> str:
    """A commit with ``before``'s files and the ``changed`` ones over them; its id.

    ``about`` are commits to keep alive with it.  Until :func:`move_refs`, the ref ``pending``
    (below ``refs/assay/``) holds it, where a killed command leaves nothing that counts.
    """
    parents = [*([before.commit] if before else []), *about]
    who = _identity(root)
    text = message.encode("utf-8", "replace")
    stream = [f"commit {pending}\nmark :1\ncommitter {who}\n".encode(), _data(text)]
    for place, parent in enumerate(dict.fromkeys(parents)):
        stream.append(f"{'from' if place == 0 else 'merge'} {parent}\n".encode("ascii"))
    if before is None:
        stream.append(b"deleteall\n")
    for path, content in sorted(changed.items()):
        stream += [f"M 100644 inline {_quoted(path)}\n".encode(), _data(content)]
    stream.append(b"\nget-mark :1\ndone\n")
    args = ["fast-import", "--quiet", "--done", "--force", "--cat-blob-fd=1"]
    return run_git(args, cwd=root, input=b"".join(stream)).decode("ascii").split()[0]


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        path = path.replace(plain, escaped)
    return f'"{path}"'


def _identity(root: Location) -> str:
    """Name, address and time as Git has them for this user, or ours where it has none."""
    asked = ["var", "GIT_COMMITTER_IDENT"]
    said = run_git(asked, cwd=root, check=False)
    if not said.strip():
        said = run_git([*_NOBODY, *asked], cwd=root)
    return said.decode("utf-8", "replace").strip()


def write_tag(root: Location, name: str, commit: str, message: str) -> str:
    """An annotated tag object (no ref yet); its id."""
    said = message.replace("\0", " ")
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {_identity(root)}\n\n{said}\n"
    data = text.encode("utf-8", "replace")
    return run_git(["mktag"], cwd=root, input=data).decode("ascii").strip()


def move_refs(root: Location, changes: Iterable[RefChange], *, drop: Iterable[str] = ()) -> None:
    """Move refs here, all or none; ``drop`` are pending ones to delete.

    Raises Conflict ``record-raced`` when one is not where it was expected.
    """
    lines = ["start"]
    for change in changes:
        if change.old is None:
            lines.append(f"create {change.ref} {change.new}")
        else:
            lines.append(f"update {change.ref} {change.new} {change.old}")
    lines += [f"delete {ref}" for ref in drop]
    text = "\n".join([*lines, "prepare", "commit", ""])
    from assay.errors import InvalidInput

    try:
        run_git(["update-ref", "--stdin"], cwd=root, input=text.encode())
    except InvalidInput as error:
        if "cannot lock ref" in error.why:
            raise raced() from error
        raise


def raced() -> Conflict:
    """The error for two people who changed one record at once."""
    return Conflict(
        "record-raced",
        "Somebody else changed the same record in the meantime.",
        why="Two changes at once cannot both count; theirs came first, and nothing was changed.",
        fix="Look at what is there now (`assay release show`), then decide again.",
    )
