"""The stamp on an output: which release and run made it, from which input.

A stamped output is a JSON object with the key ``_assay``.  Its *leaf* is the digest of the whole
object, stamp included; the run's record binds all of its leaves in order, so that neither an
output nor its stamp can be changed, and none can be added, without that showing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.errors import IntegrityError, InvalidInput
from assay.releases.names import require_version

KEY = "_assay"
LEAF_BYTES = 32

_LEAF_CONTEXT = "assay 2026 job output format 1"
_INPUT_CONTEXT = "assay 2026 job input format 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What made one output.

    ``sequence`` counts the run's outputs from 0; ``input`` is ``blake3:HEX`` or empty; ``rows``
    names lines of the release's data that the output rests on, as ``PATH:LINE``.
    """

    release: str
    digest: str
    run: str
    sequence: int
    id: str
    input: str = ""
    rows: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The stamp as an output carries it."""
        value: dict[str, Any] = {
            "release": self.release,
            "digest": self.digest,
            "run": self.run,
            "seq": self.sequence,
            "id": self.id,
        }
        if self.input:
            value["input"] = self.input
        if self.rows:
            value["rows"] = list(self.rows)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A stamped output as it was read: the whole object, its stamp and its leaf."""

    value: Mapping[str, Any]
    stamp: Stamp
    leaf: bytes = field(repr=False)


def canonical(value: object) -> str:
    """The one spelling of a JSON value: sorted keys, no blanks, numbers as Python writes them.

    Of what a program holds first becomes what JSON makes of it, so that a value and the line that
    it was written to are spelled alike.  Raises :class:`InvalidInput` ``output-not-json``.
    """
    try:
        plain = json.loads(_json(value), object_pairs_hook=_untwinned)
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from None


def spelled(value: Mapping[str, Any]) -> str:
    """A stamped output as a line of a file has it: keys in the order in which they came.

    Raises :class:`InvalidInput` ``output-not-json``.
    """
    text = _json(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates have no UTF-8, but an escape
        return _json(value)
    return text


def _json(value: object, *, ensure_ascii: bool = True) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _not_json(error) from None


def _untwinned(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping in which no key stands twice: readers would differ about which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one mapping")
    return found


def _not_json(error: Exception) -> InvalidInput:
    return InvalidInput(
        "output-not-json",
        f"A job's output must be JSON: {error}.",
        why="It is stamped, written and verified as JSON; that has no infinite numbers.",
        fix="Turn it into numbers, text, lists and mappings first.",
    )


def leaf_of(value: object) -> bytes:
    """The leaf of a stamped output."""
    from blake3 import blake3

    text = canonical(value).encode("utf-8", "surrogatepass")
    return blake3(text, derive_key_context=_LEAF_CONTEXT).digest()


def input_digest(value: object) -> str:
    """``blake3:HEX`` of an input: of bytes and text their own, of anything else its JSON's."""
    from blake3 import blake3

    if isinstance(value, bytes | bytearray):
        return f"blake3:{blake3(bytes(value)).hexdigest()}"
    if isinstance(value, str):
        return f"blake3:{blake3(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
    text = canonical(value).encode("utf-8", "surrogatepass")
    return f"blake3:{blake3(text, derive_key_context=_INPUT_CONTEXT).hexdigest()}"


def read_stamped(text: str, *, where: str) -> Stamped:
    """A stamped output from its JSON; raises :class:`IntegrityError`.

    ``output-unstamped`` where nothing says what made it, ``stamp-invalid`` where that makes no
    sense.
    """
    try:
        value = json.loads(text, object_pairs_hook=_untwinned)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or KEY not in value:
        raise IntegrityError(
            "output-unstamped",
            f"{where} does not say what made it.",
            why=f"It is no JSON object with the key {KEY!r}.",
            fix="Record outputs through a release: `with release.run(...) as run: "
            "run.record(output, id=...)`.",
        )
    said = value[KEY]
    try:
        stamp = Stamp(
            release=_title(said["release"]),
            digest=_text(said["digest"]),
            run=_text(said["run"]),
            sequence=_count(said["seq"]),
            id=_text(said["id"]),
            input=_text(said.get("input", "")),
            rows=tuple(_text(row) for row in said.get("rows", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput):
        raise IntegrityError(
            "stamp-invalid",
            f"The stamp of {where} makes no sense.",
            why="It lacks release (NAME@VERSION), digest, run, seq or id, or one is no such thing.",
            fix="Do not rely on it; look at how the file was written.",
        ) from None
    return Stamped(value=value, stamp=stamp, leaf=leaf_of(value))


def _title(value: object) -> str:
    title = _text(value)
    require_version(title)
    return title


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
