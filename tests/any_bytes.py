"""Any bytes at all for whoever reads a file: they must give a value or an error that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from assay.errors import AssayError

T = TypeVar("T")

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([10**30, -(10**30), 0.5, float("inf"), float("nan")])
    | st.text(max_size=4)
    | st.sampled_from(["ab" * 32, "zz", "../x", ".git/config", "a\0b", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def records(sound: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A sound record with some values replaced, keys missing or bytes cut; and any bytes."""
    changed = st.dictionaries(st.sampled_from(sorted(sound)), VALUES).map(lambda new: sound | new)
    pruned = st.sets(st.sampled_from(sorted(sound)), max_size=2).flatmap(
        lambda gone: changed.map(lambda all_: {k: v for k, v in all_.items() if k not in gone})
    )
    texts = pruned.map(lambda record: json.dumps(record).encode())
    cut = st.tuples(texts, st.integers(0, 200)).map(lambda pair: pair[0][: pair[1]])
    return texts | cut | st.binary(max_size=40) | VALUES.map(lambda v: json.dumps(v).encode())


def texts(pieces: str) -> st.SearchStrategy[bytes]:
    """Pieces (separated by ``@``) of a language, in any order."""
    return st.lists(st.sampled_from(pieces.split("@")), max_size=30).map("".join).map(str.encode)


def value_or_error(read: Callable[[], T], *codes: str, names: str) -> T | None:
    """What ``read`` gives; ``None`` for an error with one of these codes (by their beginning).

    The error must name the file.
    """
    try:
        return read()
    except AssayError as error:
        refused = error
    assert refused.code.startswith(codes), refused.code
    assert names in refused.what, refused.what
    return None
