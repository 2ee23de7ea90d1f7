"""The grammar of ignore files: one line of gitignore syntax becomes one regular expression.

It follows Git's own reading (`wildmatch.c`, `dir.c`), corner cases included; a property test
holds it against `git check-ignore`.  Patterns come from repositories that may be hostile, so the
expressions never backtrack across a `*`: each stretch between two stars is taken at the first
place where it fits, which is always as good as any later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SLASH = 0x2F
_NEVER = b"(?!)"
_CLASSES: dict[bytes, frozenset[int]] = {
    b"alnum": frozenset(b for b in range(128) if chr(b).isalnum()),
    b"alpha": frozenset(b for b in range(128) if chr(b).isalpha()),
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset([*range(32), 127]),
    b"digit": frozenset(b"0123456789"),
    b"graph": frozenset(range(33, 127)),
    b"lower": frozenset(range(0x61, 0x7B)),
    b"print": frozenset(range(32, 127)),
    b"punct": frozenset(b for b in range(33, 127) if not chr(b).isalnum()),
    b"space": frozenset(b" \t\n\v\f\r"),
    b"upper": frozenset(range(0x41, 0x5B)),
    b"xdigit": frozenset(b"0123456789abcdefABCDEF"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line that means something: where it stands and what it matches.

    ``regex`` is to match in full: the last component of a path when ``by_name``, else the path
    from the ignore file's folder.
    """

    line: int
    text: bytes
    negated: bool
    folders_only: bool
    by_name: bool
    regex: bytes


class _Malformed(Exception):
    """The pattern can match nothing, as Git has it."""


def parse(content: bytes) -> list[Pattern]:
    """The patterns of an ignore file in their order; blank lines and comments left out."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    patterns = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        line = _without_trailing_blanks(line.removesuffix(b"\r"))
        if line and not line.startswith(b"#"):
            patterns.append(_pattern(number, line))
    return patterns


def _without_trailing_blanks(line: bytes) -> bytes:
    stripped = line.rstrip(b" ")
    if stripped == line:
        return line
    backslashes = len(stripped) - len(stripped.rstrip(b"\\"))
    # An odd number of backslashes: the last of them keeps one blank.
    return stripped + b" " if backslashes % 2 else stripped


def _pattern(number: int, line: bytes) -> Pattern:
    body = line
    negated = body.startswith(b"!")
    if negated:
        body = body[1:]
    folders_only = body.endswith(b"/")
    if folders_only:
        body = body[:-1]
    by_name = b"/" not in body
    return Pattern(
        line=number,
        text=line,
        negated=negated,
        folders_only=folders_only,
        by_name=by_name,
        regex=translate(body.removeprefix(b"/")),
    )


def translate(glob: bytes) -> bytes:
    """The regular expression for a glob without its leading ``!`` and ``/`` and trailing ``/``."""
    try:
        parts = _components(glob)
    except _Malformed:
        return _NEVER
    return _assemble(parts)


# A component is None for `**`, else the stretches between its stars, each of a fixed length.
_Component = list[bytes] | None


def _components(glob: bytes) -> list[_Component]:
    parts: list[_Component] = []
    current: list[bytes] = [b""]
    at = 0
    while at < len(glob):
        byte = glob[at]
        if byte == _SLASH:
            parts.append(current)
            current = [b""]
            at += 1
        elif byte == 0x2A:  # *
            end = at
            while end < len(glob) and glob[end] == 0x2A:
                end += 1
            alone = current == [b""] and (end == len(glob) or glob[end] == _SLASH)
            if end - at > 1 and alone:
                parts.append(None)
                current = [b""]
                end += 1
                if end > len(glob):
                    return parts
            else:
                current.append(b"")
            at = end
        else:
            piece, at = _single(glob, at)
            current[-1] += piece
    parts.append(current)
    return parts


def _single(glob: bytes, at: int) -> tuple[bytes, int]:
    """The expression for what matches exactly one byte at ``at``, and where the next begins."""
    byte = glob[at]
    if byte == 0x3F:  # ?
        return b"[^/]", at + 1
    if byte == 0x5B:  # [
        return _bracket(glob, at + 1)
    if byte == 0x5C:  # \
        if at + 1 == len(glob):
            raise _Malformed
        at += 1
    return re.escape(glob[at : at + 1]), at + 1


def _bracket(glob: bytes, at: int) -> tuple[bytes, int]:
    negated = glob[at : at + 1] in (b"!", b"^") and at < len(glob)
    if negated:
        at += 1
    members: set[int] = set()
    previous: int | None = None
    first = True
    while True:
        if at >= len(glob):
            raise _Malformed
        byte = glob[at]
        if byte == 0x5D and not first:  # ]
            break
        first = False
        follows = glob[at + 1 : at + 2]
        if byte == 0x5C:  # \
            previous, at = _escaped(glob, at)
            members.add(previous)
        elif byte == 0x2D and previous is not None and follows not in (b"", b"]"):
            end, at = _escaped(glob, at + 1) if follows == b"\\" else (follows[0], at + 1)
            members.update(range(previous, end + 1))
            previous = None
        elif byte == 0x5B and follows == b":" and (named := _named(glob, at + 2)) is not None:
            name, at = named
            if name not in _CLASSES:
                raise _Malformed
            members |= _CLASSES[name]
            previous = None
        else:
            members.add(byte)
            previous = byte
        at += 1
    chosen = (set(range(256)) - members if negated else members) - {_SLASH}
    return _one_of(chosen), at + 1


def _escaped(glob: bytes, at: int) -> tuple[int, int]:
    if at + 1 >= len(glob):
        raise _Malformed
    return glob[at + 1], at + 1


def _named(glob: bytes, at: int) -> tuple[bytes, int] | None:
    """The name of a class such as ``[:alpha:]`` and the place of its closing bracket."""
    end = glob.find(b"]", at)
    if end == -1:
        raise _Malformed
    if end - at < 1 or glob[end - 1] != 0x3A:
        return None
    return glob[at : end - 1], end


def _one_of(members: set[int]) -> bytes:
    """A class of exactly these bytes, written as ranges."""
    ranges = b""
    for byte in sorted(members):
        if byte - 1 not in members:
            ranges += b"\\x%02x" % byte
        if byte + 1 not in members and byte - 1 in members:
            ranges += b"-\\x%02x" % byte
    return b"[" + ranges + b"]" if ranges else _NEVER


def _assemble(parts: list[_Component]) -> bytes:
    runs = list(_runs(parts))
    first, *middle = runs
    if not middle:
        return b"/".join(map(_component, first))
    *middle, last = middle
    expression = b"".join(_component(c) + b"/" for c in first)
    for run in middle:
        expression += b"(?>(?:[^/]+/)*?" + b"".join(_component(c) + b"/" for c in run) + b")"
    if last:
        return expression + b"(?:[^/]+/)*" + b"/".join(map(_component, last))
    return expression + b"(?s:.+)"


def _runs(parts: list[_Component]) -> Iterator[list[list[bytes]]]:
    """The components between one `**` and the next; neighbouring `**` count as one."""
    run: list[list[bytes]] = []
    for place, part in enumerate(parts):
        if part is not None:
            run.append(part)
        elif place == 0 or parts[place - 1] is not None:
            yield run
            run = []
    yield run


def _component(stretches: list[bytes]) -> bytes:
    if len(stretches) == 1:
        return stretches[0]
    first, *middle, last = stretches
    between = b"".join(b"(?>[^/]*?" + stretch + b")" for stretch in middle if stretch)
    return first + between + b"[^/]*" + last
