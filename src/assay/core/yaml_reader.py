"""Reading YAML that people and other programs wrote: plain values, YAML 1.2 words, bounded work.

The fast loader of the YAML library recurses in C without looking, so nesting is measured on
its events first; aliases can stand for more values than memory holds, so what they stand for
is counted before it is built.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

_MAX_DEPTH = 64
_MAX_VALUES = 200_000
_MAX_SLOW_BYTES = 256 << 10
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

# The words of YAML 1.2 as DVC's library reads them: `yes`, `on` and `12:30` are text.
_WORDS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    ("merge", r"<<", "<"),
)


class YamlProblem(Exception):
    """Text that cannot be read; ``line`` counts from 1 where it is known."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


def read_mapping(data: bytes) -> dict[str, Any]:
    """The mapping at the top of one YAML document; raises only :class:`YamlProblem`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlProblem("it is not UTF-8 text", line) from None
    try:
        value = _read(text)
    except YamlProblem:
        raise
    except Exception as error:  # the library's constructors fail in many ways: `!!int ""`
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error).split("\n")[0] or "it is not YAML"
        raise YamlProblem(str(why)[:200], mark.line + 1 if mark else None) from None
    if not isinstance(value, dict):
        raise YamlProblem("it is not a mapping")
    if not all(isinstance(key, str) for key in value):
        raise YamlProblem("a key is not text")
    return value


def _read(text: str) -> object:
    import yaml

    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # libyaml refuses the lone surrogates that stand for odd bytes; the slow loader does not.
    is_odd = _LONE_SURROGATE.search(text) is not None
    if is_odd and len(text) > _MAX_SLOW_BYTES:
        raise YamlProblem("it is far too large")
    base: type[yaml.SafeLoader] = yaml.SafeLoader if is_odd else fast
    _refuse_deep(yaml.parse(text, Loader=base))
    loader = _with_words(base)(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def line_of(data: bytes, place: Sequence[str | int]) -> int | None:
    """The line, from 1, of what lies at ``place`` (keys and positions) in a readable document.

    Where the place does not exist, the line of the nearest thing that holds it.
    """
    import yaml

    try:
        node: Any = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None
    if node is None:
        return None
    line: int = node.start_mark.line + 1
    for key in place:
        found = _below(node, key)
        if found is None:
            return line
        line, node = found
    return line


def _below(node: Any, key: str | int) -> tuple[int, Any] | None:
    if not isinstance(node.value, list):
        return None
    for at, item in enumerate(node.value):
        if isinstance(item, tuple):
            if item[0].value == str(key):
                return item[0].start_mark.line + 1, item[1]
        elif at == key:
            return item.start_mark.line + 1, item
    return None


def _with_words(base: type[Any]) -> type[Any]:
    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    for name, pattern, first in _WORDS:
        tag = f"tag:yaml.org,2002:{name}"
        Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), list(first))
    Loader.add_constructor("tag:yaml.org,2002:int", _integer)
    return Loader


def _integer(loader: Any, node: Any) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    if len(text) > 80:
        raise YamlProblem("a number is far too long", node.start_mark.line + 1)
    bare = text.lstrip("+-").lower()
    if bare[:2] in ("0b", "0o", "0x"):
        return int(text, 0)
    return int(text, 10)


def _refuse_deep(events: Any) -> None:
    from yaml.events import CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                raise YamlProblem("it is nested too deep", mark.line + 1 if mark else None)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _count(node: Any, done: dict[int, int]) -> int:
    """How many values a node stands for once its aliases are followed."""
    known = done.get(id(node))
    if known == 0:
        raise YamlProblem("an alias refers to what contains it", node.start_mark.line + 1)
    if known is not None:
        return known
    done[id(node)] = 0
    total = 1
    if isinstance(node.value, list):
        _refuse_twins(node)
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                total += _count(part, done)
    if total > _MAX_VALUES:
        raise YamlProblem("its aliases stand for too many values", node.start_mark.line + 1)
    done[id(node)] = total
    return total


def _refuse_twins(node: Any) -> None:
    """A key that stands twice in one mapping: one of the two would be lost without a word."""
    seen: set[str] = set()
    for item in node.value:
        key = item[0] if isinstance(item, tuple) else None
        if key is None or not isinstance(key.value, str) or key.value == "<<":
            continue
        if key.value in seen:
            raise YamlProblem(f"the key {key.value[:80]!r} stands twice", key.start_mark.line + 1)
        seen.add(key.value)
