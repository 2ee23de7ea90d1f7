"""Stage `evaluate`: how well the model does on sentences of templates that it has never seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot import Model

TRAIN, TEST = Path("prepared/train.jsonl"), Path("prepared/test.jsonl")
METRICS = Path("metrics.json")

_WORST = 5


def main() -> None:
    """Classify the held-out sentences, write metrics.json."""
    model = Model.load("model")
    train, test = read(TRAIN), read(TEST)
    leaked = {row["template"] for row in train} & {row["template"] for row in test}
    if leaked:
        raise SystemExit(f"evaluate: trained on what is to be tested: {sorted(leaked)[:5]}")
    pairs = Counter((row["intent"], model.classify(row["sentence"])[0]) for row in test)
    scores = f1_scores(pairs)
    tested = Counter(row["intent"] for row in test)
    worst = sorted(scores, key=lambda intent: (scores[intent], intent))[:_WORST]
    metrics = {
        "accuracy": round(sum(n for (said, got), n in pairs.items() if said == got) / len(test), 4),
        "macro_f1": round(sum(scores.values()) / len(scores), 4),
        # What always answering with the commonest intent would reach.
        "baseline": round(max(tested.values()) / len(test), 4),
        "train": counts(train),
        "test": counts(test),
        "worst": {
            intent: {"f1": round(scores[intent], 4), "sentences": tested[intent]}
            for intent in worst
        },
        # Too few templates to hold one out: nothing is claimed about these.
        "untested": sorted({row["intent"] for row in train} - set(tested)),
    }
    METRICS.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8", newline="\n")
    print(
        f"accuracy {metrics['accuracy']}, macro F1 {metrics['macro_f1']}, {len(test):,} sentences"
    )


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How much there is of everything."""
    return {
        "sentences": len(rows),
        "templates": len({row["template"] for row in rows}),
        "intents": len({row["intent"] for row in rows}),
    }


def f1_scores(pairs: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """The F1 score of each intent that was tested, from counts of (true, predicted)."""
    scores = {}
    for intent in {said for said, _ in pairs}:
        right = pairs.get((intent, intent), 0)
        said = sum(n for (true, _), n in pairs.items() if true == intent)
        got = sum(n for (_, predicted), n in pairs.items() if predicted == intent)
        scores[intent] = 2 * right / (said + got)
    return scores


if __name__ == "__main__":
    main()
