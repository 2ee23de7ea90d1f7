"""Stage `train`: learn which words speak for which intent, with an averaged perceptron.

It counts in whole numbers only, and its order comes from hashes: the same rows and parameters
give the same model, byte for byte, on any machine.  (Collins 2002, "Discriminative Training
Methods for Hidden Markov Models", section 2.3, has the averaging.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot import ngrams, tokens

TRAIN = Path("prepared/train.jsonl")
MODEL = Path("model/model.json")

Row = dict[str, Any]
Weights = dict[str, list[int]]
"""N-gram -> how much it speaks for each intent."""

# Averages are kept as whole hundredths.
_UNIT = 100
# Said of every thing of a kind, so the name of none.
_EVERYTHING = {"all"}


def main() -> None:
    """Read the training rows, write model/model.json."""
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train"]
    size = {"words": params["word_ngrams"], "letters": params["letters"]}
    with TRAIN.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    intents = sorted({row["intent"] for row in rows})
    seen = [ngrams(row["sentence"], **size) for row in rows]
    labels = [intents.index(row["intent"]) for row in rows]
    weights = learn(seen, labels, count=len(intents), epochs=params["epochs"], seed=params["seed"])
    model = {
        "ngrams": size,
        "intents": intents,
        "examples": examples(rows),
        "words": slot_words(rows),
        "weights": {
            ngram: [[place, weight] for place, weight in enumerate(row) if weight]
            for ngram, row in sorted(weights.items())
            if any(row)
        },
    }
    MODEL.parent.mkdir(exist_ok=True)
    text = json.dumps(model, ensure_ascii=False, separators=(",", ":"))
    MODEL.write_text(text + "\n", encoding="utf-8", newline="\n")
    print(f"{len(rows):,} sentences, {len(intents)} intents, {len(model['weights']):,} n-grams")


def learn(
    seen: Sequence[Sequence[str]], labels: Sequence[int], *, count: int, epochs: int, seed: int
) -> Weights:
    """The average, over all steps, of weights that are corrected by 1 at each mistake."""
    weights: Weights = {ngram: [0] * count for row in seen for ngram in row}
    # What each weight would lack, had its corrections counted from the first step on.
    late: Weights = {ngram: [0] * count for ngram in weights}
    columns = [[weights[ngram] for ngram in row] for row in seen]
    step = 0
    for epoch in range(epochs):
        for place in _shuffled(len(seen), f"{seed}:{epoch}"):
            step += 1
            right = labels[place]
            scores = list(map(sum, zip(*columns[place], strict=True)))
            rival = _strongest_rival(scores, right)
            if scores[rival] < scores[right]:
                continue
            for ngram in seen[place]:
                row, lacks = weights[ngram], late[ngram]
                row[right] += 1
                row[rival] -= 1
                lacks[right] += step
                lacks[rival] -= step
    return {
        ngram: [
            _rounded((weight * (step + 1) - lack) * _UNIT, step)
            for weight, lack in zip(row, late[ngram], strict=True)
        ]
        for ngram, row in weights.items()
    }


def examples(rows: Iterable[Row]) -> dict[str, list[list[str]]]:
    """Intent -> place and sentence of the first row of each of its templates."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        of_intent = found.setdefault(row["intent"], {})
        of_intent.setdefault(row["template"], [row["row"], row["sentence"]])
    return {intent: list(found[intent].values()) for intent in sorted(found)}


def slot_words(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Slot -> the words that filled it, as they are said."""
    found: dict[str, set[str]] = {}
    for row in rows:
        said = f" {' '.join(tokens(row['sentence']))} "
        for slot, value in row["slots"].items():
            word = " ".join(tokens(str(value)))
            if word.strip("0 ") and f" {word} " in said and word not in _EVERYTHING:
                found.setdefault(slot, set()).add(word)
    return {slot: sorted(found[slot]) for slot in sorted(found)}


def _strongest_rival(scores: Sequence[int], right: int) -> int:
    """The wrong intent that scores highest."""
    best = scores.index(max(scores))
    if best != right:
        return best
    others = [*scores[:right], *scores[right + 1 :]]
    place = others.index(max(others))
    return place + (place >= right)


def _shuffled(count: int, key: str) -> list[int]:
    """Places in an order that depends on the key alone, not on the version of Python."""

    def drawn(place: int) -> bytes:
        return hashlib.blake2b(f"{key}:{place}".encode(), digest_size=8).digest()

    return sorted(range(count), key=drawn)


def _rounded(number: int, divisor: int) -> int:
    """The nearest whole number to a quotient."""
    return (2 * number + divisor) // (2 * divisor)


if __name__ == "__main__":
    main()
