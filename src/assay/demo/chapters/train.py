"""The chapter in which a pipeline makes a model of the data, and measures it honestly."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from assay.demo.dataset import Row, read_rows
from assay.demo.scaffold import write_project
from assay.demo.story import Story

AT_RANDOM = 0.998
"""What a split by sentence would claim of the second release's data (tests/demo has the proof)."""


def tell(story: Story) -> None:
    """Add the bot's code, run its pipeline, and look at what was recorded."""
    project = story.places.project
    story.chapter("Train: a pipeline makes a model, and measures it honestly")
    story.work(
        "write a bot beside its data: pipeline, contract, replies, gates, nightly job",
        lambda: write_project(project),
    )
    story.run('git add . && git commit -q -m "Add the bot"', at=project)
    story.run("assay dag", at=project)
    story.run("assay repro", at=project, show=11)
    _check_the_split(story)
    story.run("assay runs list", at=project)
    _check_the_lock(story)
    story.run('git add . && git commit -q -m "Train the bot"', at=project)
    story.run("assay push && git push -q", at=project, show=0)
    story.run("assay repro", at=project)


def accuracy(story: Story) -> float:
    """What the pipeline measured last."""
    measured = json.loads((story.places.project / "metrics.json").read_text(encoding="utf-8"))
    return float(measured["accuracy"])


def _check_the_split(story: Story) -> None:
    prepared = story.places.project / "prepared"
    train, test = (read_rows(prepared / f"{name}.jsonl") for name in ("train", "test"))
    trained, tested = ({row["template"] for row in rows} for rows in (train, test))
    story.check(
        f"accuracy {accuracy(story)} is about {len(tested)} templates, none of them trained on",
        not trained & tested,
    )
    story.fact(
        f"split at random, {_share_with_a_twin(train, test):.2%} of the test sentences would have "
        f"a twin in training, and accuracy would read {AT_RANDOM}"
    )


def _share_with_a_twin(train: list[Row], test: list[Row]) -> float:
    """Of the sentences in a random test set, those with another of their template in training."""
    sizes = Counter(row["template"] for rows in (train, test) for row in rows)
    count = len(train) + len(test)
    drawn = len(test) / count
    return sum(size * (1 - drawn ** (size - 1)) for size in sizes.values()) / count


def _check_the_lock(story: Story) -> None:
    import yaml
    from blake3 import blake3

    project = story.places.project
    stages = yaml.safe_load((project / "assay.lock").read_text(encoding="utf-8"))["stages"]
    entries: list[dict[str, Any]] = [
        entry for stage in stages.values() for part in ("deps", "outs") for entry in stage[part]
    ]
    said = {e["path"]: e["blake3"] for e in entries if not e["blake3"].endswith(".dir")}
    story.check(
        f"assay.lock has the right digests of {len(said)} files that went in or came out",
        set(said) >= {"train.py", "prepared/train.jsonl", "metrics.json"}
        and all(blake3((project / path).read_bytes()).hexdigest() == said[path] for path in said),
    )
