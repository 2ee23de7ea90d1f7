"""Sentence templates: how many sentences one stands for, and any of them by its number.

The grammar is hassil's: `(a|b)` alternatives, `[optional]`, `(a;b)` in any order, `<rule>` and
`{list:slot}`.  A template may stand for billions of sentences, so they are counted instead of
listed: the count of a part follows from those of its parts, and a sentence's number, taken apart
by the same counts, says which way to go at each of them.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    TextChunk,
)
from hassil.parse_expression import parse_sentence

Slots = dict[str, Any]

_BLANKS = re.compile(r"\s+")
_TEXT, _ALL_IN_ORDER, _ALL_IN_ANY_ORDER, _ONE, _SLOT = range(5)


class _Part(NamedTuple):
    """A part of a template, its rules and lists put in place.

    ``total`` is how many texts it stands for.  ``text`` is a piece of text or a slot's name,
    ``values`` what each choice puts into the slot.
    """

    form: int
    total: int
    text: str = ""
    parts: tuple[_Part, ...] = ()
    values: tuple[Any, ...] = ()


class Grammar:
    """The rules and lists that a language's templates refer to.

    ``fillers`` stand in for what a template leaves open: names, areas and free text.
    """

    def __init__(
        self,
        rules: Mapping[str, str],
        lists: Mapping[str, Any],
        fillers: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._rules = rules
        self._lists = lists
        self._fillers = fillers
        self._ready_rules: dict[str, _Part] = {}
        self._ready_lists: dict[str, tuple[tuple[_Part, ...], tuple[Any, ...]]] = {}

    def count(self, template: str) -> int:
        """How many sentences a template stands for, the same text counted each time."""
        return self._ready(parse(template)).total

    def sentences(self, template: str, most: int) -> Iterator[tuple[str, Slots]]:
        """Sentences of a template with their slots, ``most`` of them: all, or some at random.

        The same ones every time: chance comes from the template's own text.
        """
        part = self._ready(parse(template))
        for number in _numbers(template, part.total, most):
            words: list[str] = []
            slots: Slots = {}
            _walk(part, number, words, slots)
            yield _BLANKS.sub(" ", "".join(words)).strip(), slots

    # -- putting rules and lists in place -------------------------------------------------

    def _ready(self, expression: Expression) -> _Part:
        if isinstance(expression, TextChunk):
            return _Part(_TEXT, 1, expression.original_text)
        if isinstance(expression, RuleReference):
            return self._ready_rule(expression.rule_name)
        if isinstance(expression, ListReference):
            parts, values = self._ready_list(expression)
            return _Part(_SLOT, _sum(parts), expression.slot_name, parts, values)
        if not isinstance(expression, Group):
            raise TypeError(f"not a part of a template: {expression!r}")
        parts = tuple(map(self._ready, expression.items))
        if isinstance(expression, Alternative):
            return _Part(_ONE, _sum(parts), "", parts)
        if isinstance(expression, Permutation):
            orders = math.factorial(len(parts))
            return _Part(_ALL_IN_ANY_ORDER, orders * _product(parts), "", parts)
        return _Part(_ALL_IN_ORDER, _product(parts), "", parts)

    def _ready_rule(self, name: str) -> _Part:
        found = self._ready_rules.get(name)
        if found is None:
            found = self._ready_rules[name] = self._ready(parse(self._rules[name]))
        return found

    def _ready_list(self, wanted: ListReference) -> tuple[tuple[_Part, ...], tuple[Any, ...]]:
        found = self._ready_lists.get(wanted.list_name)
        if found is None:
            choices = self._choices(wanted)
            parts = tuple(self._ready(parse(text)) for text, _ in choices)
            found = parts, tuple(value for _, value in choices)
            self._ready_lists[wanted.list_name] = found
        return found

    def _choices(self, wanted: ListReference) -> list[tuple[str, Any]]:
        """(template, slot value) for each thing that may stand where a list does."""
        bounds = wanted.get_inline_range()
        known = self._lists.get(wanted.list_name, {})
        if "range" in known:
            reach = known["range"]
            bounds = reach["from"], reach["to"], reach.get("step", 1)
        if bounds is not None:
            return [(str(number), number) for number in _sample_of(*bounds)]
        if "values" in known:
            return [_choice(value) for value in known["values"]]
        texts = self._fillers.get(wanted.list_name) or self._fillers[""]
        return [(text, text) for text in texts]


@cache
def parse(template: str) -> Expression:
    """A template as hassil understands it."""
    return parse_sentence(template).expression


def _choice(value: Any) -> tuple[str, Any]:
    if isinstance(value, dict):
        return value["in"], value.get("out", value["in"])
    return value, value


def _sample_of(first: int, last: int, step: int) -> list[int]:
    """Five numbers stand for a range: a percentage has a hundred and one."""
    quarters = {first + (last - first) * quarter // 4 // step * step for quarter in range(5)}
    return sorted(quarters)


def _sum(parts: tuple[_Part, ...]) -> int:
    return sum(part.total for part in parts)


def _product(parts: tuple[_Part, ...]) -> int:
    return math.prod(part.total for part in parts)


def _walk(part: _Part, number: int, words: list[str], slots: Slots) -> None:
    form, _, text, parts, values = part
    if form == _TEXT:
        words.append(text)
    elif form == _ALL_IN_ORDER:
        for item in parts:
            if item.form == _TEXT:
                words.append(item.text)
            else:
                number, own = divmod(number, item.total)
                _walk(item, own, words, slots)
    elif form == _ALL_IN_ANY_ORDER:
        left = list(parts)
        while left:
            number, place = divmod(number, len(left))
            item = left.pop(place)
            number, own = divmod(number, item.total)
            _walk(item, own, words, slots)
    else:
        place = 0
        while number >= parts[place].total:
            number -= parts[place].total
            place += 1
        if form == _SLOT:
            slots[text] = values[place]
            slots = {}  # a list's own texts fill no slots
        _walk(parts[place], number, words, slots)


def _numbers(template: str, total: int, most: int) -> list[int]:
    if total <= most:
        return list(range(total))
    drawn = (
        hashlib.blake2b(f"{draw}\0{template}".encode(), digest_size=16).digest()
        for draw in range(most)
    )
    return sorted({int.from_bytes(digest, "big") % total for digest in drawn})
