"""Every error code that the source can raise has a row in the reference, and the reverse."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from assay import errors
from source_tree import document, modules, parsed, relative

REFERENCE = "docs/reference/errors.md"


class Raised(NamedTuple):
    where: str
    error_class: str
    code: str | None


def error_classes() -> set[str]:
    """Names of the error classes, wherever in the package they are defined."""
    names = {"AssayError"}
    nodes = [node for module in modules() for node in ast.walk(parsed(module))]
    definitions = [node for node in nodes if isinstance(node, ast.ClassDef)]
    while True:
        found = {
            node.name for node in definitions if any(_name(base) in names for base in node.bases)
        }
        if found <= names:
            return names
        names |= found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def raised() -> Iterator[Raised]:
    """Each place that makes an error, with its literal code or None where it is computed.

    A row of a table that leads from symptoms to errors counts too: a class, then its code.
    """
    classes = error_classes()
    for module in modules():
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.Call) and _name(node.func) in classes:
                for code in _codes(node):
                    yield Raised(f"{relative(module)}:{node.lineno}", _name(node.func), code)
            if isinstance(node, ast.Tuple):
                for before, after in pairwise(node.elts):
                    if _name(before) in classes and _text(after):
                        place = f"{relative(module)}:{after.lineno}"
                        yield Raised(place, _name(before), _text(after))


def _codes(call: ast.Call) -> list[str | None]:
    given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "code")]
    if len(given) != 1:
        return [None]
    choices = [given[0].body, given[0].orelse] if isinstance(given[0], ast.IfExp) else given
    return [_text(node) for node in choices]


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def documented() -> list[str]:
    """The codes in the first column of the reference's tables."""
    return re.findall(r"^\|\s*`([^`]+)`\s*\|", document(REFERENCE), flags=re.MULTILINE)


def test_every_code_is_a_literal_in_kebab_case() -> None:
    wrong = [
        f"{place.where}: {place.error_class}({place.code!r})"
        for place in raised()
        if place.code is None or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", place.code)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_code_has_one_class_and_so_one_exit_code() -> None:
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for place in raised():
        if place.code:
            places[place.code][place.error_class] = place.where
    torn = {code: by_class for code, by_class in places.items() if len(by_class) > 1}
    assert not torn, torn


def test_every_code_raised_is_documented() -> None:
    known = set(documented())
    missing = sorted(
        f"{place.code}  ({place.error_class}, {place.where})"
        for place in raised()
        if place.code and place.code not in known
    )
    assert not missing, f"no row in {REFERENCE} for:\n" + "\n".join(missing)


def test_every_documented_code_can_be_raised() -> None:
    alive = {place.code for place in raised()}
    gone = sorted(set(documented()) - alive)
    assert not gone, f"{REFERENCE} describes codes that nothing raises: {gone}"


def test_no_code_is_documented_twice() -> None:
    codes = documented()
    assert len(codes) == len(set(codes)), sorted(c for c in codes if codes.count(c) > 1)


def test_an_error_keeps_its_parts_across_processes() -> None:
    import pickle

    before = errors.Conflict("some-code", "what.", why="why.", fix="fix.", paths=("a", "b"))
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is errors.Conflict
    assert after.as_dict() == before.as_dict()
