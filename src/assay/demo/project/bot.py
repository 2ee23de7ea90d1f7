"""The bot: what somebody wants from the smart home, what to reply, and which rows say so.

    bot = Bot.load("model", "replies.yaml", "params.yaml")
    bot.answer("please lock the front door")

Training and evaluation look at sentences through this module too, so that the bot in production
sees exactly what its model was trained on.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

UNSURE = "Unsure"
"""The entry of the replies for a sentence that fits no intent well enough."""

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[%°]")
_NUMBER = re.compile(r"\b\d+(?: ?%| (?:percent|degrees?|hours?|minutes?|seconds?)\b)?")
_OPTIONAL = re.compile(r"\[([^][]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot makes of one sentence.

    ``margin`` is how far the intent is ahead of the second-best one, from 0 (not at all) to 1.
    ``rows`` are the places of the training rows of this intent that are most like the sentence,
    one of a template.
    """

    intent: str
    margin: float
    reply: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One training row of a template: its place, and the n-grams it consists of."""

    row: str
    ngrams: frozenset[str]


def tokens(sentence: str) -> list[str]:
    """Words in small letters; every number is the same word, as its value says nothing."""
    found = _TOKEN.findall(sentence.casefold())
    return ["0" if token[0].isdigit() else token for token in found]


def ngrams(sentence: str, *, words: int, letters: int) -> list[str]:
    """Runs of up to ``words`` words, and of ``letters`` letters inside a word, sorted.

    Letters make "dimmer" a little like "dim".
    """
    spoken = tokens(sentence)
    found = set(spoken)
    for length in range(2, words + 1):
        runs = zip(*(["<", *spoken, ">"][start:] for start in range(length)), strict=False)
        found.update(map(" ".join, runs))
    if letters:
        for word in spoken:
            framed = f"<{word}>"
            found.update(
                f"~{framed[start : start + letters]}" for start in range(len(framed) - letters + 1)
            )
    return sorted(found)


class Model:
    """Weights, and from training what explains an answer: examples, and words that fill slots."""

    def __init__(self, saved: Mapping[str, Any]) -> None:
        self.intents: list[str] = saved["intents"]
        self._size: dict[str, int] = saved["ngrams"]
        self._weights: dict[str, list[list[int]]] = saved["weights"]
        self._words = sorted(
            ((word, slot) for slot, words in saved["words"].items() for word in words),
            key=lambda pair: (-len(pair[0]), pair),
        )
        self._saved_examples: dict[str, list[list[str]]] = saved["examples"]
        self._examples: dict[str, list[Example]] = {}

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Model:
        """The model that train.py left in a folder."""
        return cls(json.loads(Path(folder, "model.json").read_text(encoding="utf-8")))

    @property
    def slots(self) -> frozenset[str]:
        """What a sentence may be found to name."""
        return frozenset({"number", *(slot for _, slot in self._words)})

    def classify(self, sentence: str) -> tuple[str, float]:
        """The intent that fits best, and its margin."""
        scores = [0] * len(self.intents)
        for ngram in self.ngrams(sentence):
            for place, weight in self._weights.get(ngram, ()):
                scores[place] += weight
        second, best = sorted(scores)[-2:]
        margin = (best - max(second, 0)) / best if best > 0 else 0.0
        return self.intents[scores.index(best)], round(margin, 3)

    def rows_like(self, sentence: str, intent: str, most: int) -> tuple[str, ...]:
        """Places of the examples of an intent that share most with a sentence, the best first.

        One that shares less than half of what the best one shares explains nothing.
        """
        said = frozenset(self.ngrams(sentence))
        shared = {
            example.row: len(said & example.ngrams) / len(said | example.ngrams)
            for example in self._examples_of(intent)
        }
        least = max(shared.values(), default=0.0) / 2
        ranked = sorted(shared, key=lambda row: (-shared[row], row))
        return tuple(row for row in ranked[:most] if shared[row] and shared[row] >= least)

    def slots_in(self, sentence: str) -> dict[str, str]:
        """What the sentence names, by slot: things and rooms known from training, a number."""
        rest, found = f" {' '.join(_TOKEN.findall(sentence.casefold()))} ", {}
        for word, slot in self._words:  # the longest first: "kitchen lamp" is not the kitchen
            if slot not in found and f" {word} " in rest:
                found[slot] = word
                rest = rest.replace(f" {word} ", " | ", 1)
        number = _NUMBER.search(sentence)
        return found | ({"number": number[0]} if number else {})

    def ngrams(self, sentence: str) -> list[str]:
        """The n-grams that the model looks at."""
        return ngrams(sentence, **self._size)

    def _examples_of(self, intent: str) -> list[Example]:
        if intent not in self._examples:
            self._examples[intent] = [
                Example(row=row, ngrams=frozenset(self.ngrams(sentence)))
                for row, sentence in self._saved_examples.get(intent, ())
            ]
        return self._examples[intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A model with the replies and settings that were released with it."""

    model: Model
    replies: Mapping[str, str | Mapping[str, str]]
    least_margin: float
    most_rows: int

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str],
        replies: str | os.PathLike[str],
        parameters: str | os.PathLike[str],
    ) -> Bot:
        """The bot made of a model's folder, a file of replies and one of parameters."""
        settings = yaml.safe_load(Path(parameters).read_text(encoding="utf-8"))["bot"]
        return cls(
            model=Model.load(model),
            replies=yaml.safe_load(Path(replies).read_text(encoding="utf-8")),
            least_margin=settings["least_margin"],
            most_rows=settings["rows"],
        )

    def answer(self, sentence: str) -> Answer:
        """What to make of a sentence."""
        intent, margin = self.model.classify(sentence)
        understood = intent if margin >= self.least_margin else UNSURE
        return Answer(
            intent=intent,
            margin=margin,
            reply=render(self.template(understood, sentence), self.model.slots_in(sentence)),
            rows=self.model.rows_like(sentence, intent, self.most_rows),
        )

    def template(self, intent: str, sentence: str) -> str:
        """The reply to an intent, slots unfilled: the first one whose word is in the sentence."""
        reply = self.replies[intent]
        if isinstance(reply, str):
            return reply
        spoken = tokens(sentence)
        return next((text for word, text in reply.items() if word in spoken), reply["else"])

    def templates(self) -> list[tuple[str, str]]:
        """Every reply there is, each with the intent it is for."""
        return [
            (intent, text)
            for intent, reply in self.replies.items()
            for text in ([reply] if isinstance(reply, str) else reply.values())
        ]


def render(template: str, slots: Mapping[str, str]) -> str:
    """A reply with its slots filled, without the parts in brackets that have an empty one."""

    def part(match: re.Match[str]) -> str:
        has_all = all(slot in slots for slot in _SLOT.findall(match[1]))
        return match[1] if has_all else ""

    text = _OPTIONAL.sub(part, template)
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), text)
