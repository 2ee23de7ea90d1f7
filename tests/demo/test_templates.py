"""Templates are expanded exactly as hassil expands them, one sentence at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hassil.intents import TextSlotList
from hassil.parse_expression import parse_sentence
from hassil.sample import sample_sentence
from hypothesis import given
from hypothesis import strategies as st

from assay.demo.templates import Grammar

RULES = {"the": "(the|my)", "in": "(in|on) [<the>]", "all": "(all [of]|every)"}
LISTS: dict[str, Any] = {
    "area": {"values": ["kitchen", "hall"]},
    "level": {"values": [{"in": "(max|highest)", "out": 100}, {"in": "min[imum]", "out": 1}]},
}
TEMPLATES = [
    "hello",
    "turn on [<the>] light[s]",
    "(open|close|shut) [<all>] [<the>] door",
    "[<the>] {area} light[s] on",
    "(turn on;[<the>] lights;<in> {area})",
    "set {area:room} to {level}",
    "[[please] would you] (dim|brighten) <in> {area} (now|[right] away)",
]


def every_sentence(template: str) -> list[tuple[str, dict[str, Any]]]:
    return list(Grammar(RULES, LISTS, {}).sentences(template, 100_000))


def hassil_says(template: str) -> list[str]:
    lists = {
        name: TextSlotList.from_tuples(
            [(v["in"], v["out"]) if isinstance(v, dict) else (v, v) for v in known["values"]]
        )
        for name, known in LISTS.items()
    }
    rules = {name: parse_sentence(text) for name, text in RULES.items()}
    return [text.strip() for text in sample_sentence(parse_sentence(template), lists, rules)]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_stands_for_the_sentences_that_hassil_samples(template: str) -> None:
    ours = sorted(sentence for sentence, _ in every_sentence(template))
    assert ours == sorted(hassil_says(template))
    assert Grammar(RULES, LISTS, {}).count(template) == len(ours)


words = st.sampled_from(["a ", "b", "c d", "<the>", "{area}", "{level}"])
templates = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.lists(inner, min_size=2, max_size=2).map(lambda parts: f"({';'.join(parts)})"),
        inner.map(lambda part: f"[{part}]"),
    ),
    max_leaves=5,
)


@given(templates)
def test_any_template_is_expanded_as_hassil_does(template: str) -> None:
    ours = sorted(sentence for sentence, _ in every_sentence(template))
    assert ours == sorted(hassil_says(template))


def test_slots_hold_what_the_list_says() -> None:
    found = dict(every_sentence("set {area:room} to {level}"))
    assert found["set hall to highest"] == {"room": "hall", "level": 100}
    assert found["set kitchen to min"] == {"room": "kitchen", "level": 1}


def test_what_the_data_leaves_open_is_filled_in() -> None:
    grammar = Grammar({}, {}, {"name": ("desk lamp",), "": ("milk",)})
    assert list(grammar.sentences("add {item} to {name}", 9)) == [
        ("add milk to desk lamp", {"item": "milk", "name": "desk lamp"})
    ]


def test_a_range_is_represented_by_a_few_numbers_on_its_steps() -> None:
    lists = {"tint": {"range": {"from": 1000, "to": 10_000, "step": 100}}}
    slots = [slots["tint"] for _, slots in Grammar({}, lists, {}).sentences("{tint}", 99)]
    assert slots == [1000, 3200, 5500, 7700, 10_000]
    assert all(number % 100 == 0 for number in slots)


def test_a_template_of_billions_gives_a_few_without_listing_them() -> None:
    template = " ".join(["(a|b|c|d|e|f|g|h|i|j)"] * 40)
    grammar = Grammar({}, {}, {})
    drawn = list(grammar.sentences(template, 20))
    assert grammar.count(template) == 10**40
    assert len({sentence for sentence, _ in drawn}) == 20
    assert drawn == list(Grammar({}, {}, {}).sentences(template, 20))
