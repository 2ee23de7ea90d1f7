"""The chapter in which an answer is changed afterwards, and gives itself away."""

from __future__ import annotations

from pathlib import Path

from assay.demo.nightly import LINE, PREDICTIONS
from assay.demo.story import Story

_FORGED = "forged.jsonl"


def tell(story: Story) -> None:
    """Change one word of an answer, and trace it."""
    production = story.places.production
    story.chapter("Forge: an answer that was changed afterwards gives itself away")
    story.work(
        f'copy {PREDICTIONS} to {_FORGED}, with "Unlocked" in line {LINE}',
        lambda: _forge(production / PREDICTIONS, production / _FORGED),
    )
    traced = story.run(
        f"assay trace {_FORGED}:{LINE}",
        at=production,
        exit_code=5,
        until=" job run ",
        last=1,
        bright=True,
    )
    story.check(
        "that line is what does not verify; the release and all below it still does",
        tuple(line for line in traced.output if "BROKEN" in line) == traced.output[:1],
    )


def _forge(predictions: Path, forged: Path) -> None:
    lines = predictions.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[LINE - 1] = lines[LINE - 1].replace('"Locked ', '"Unlocked ')
    forged.write_text("".join(lines), encoding="utf-8")
