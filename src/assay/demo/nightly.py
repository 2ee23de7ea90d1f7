"""The nightly job of the story: what it is given, a night's run, and what it wrote."""

from __future__ import annotations

import shutil

from assay.demo.dataset import Row, read_rows
from assay.demo.story import Story

COMMAND = "python classify.py --repo ../hub.git"
FILES = ("classify.py", "bot.py", "batch.jsonl")
PREDICTIONS = "predictions.jsonl"
LINE = 17
"""The line of the batch that the story follows: "please lock the front door"."""


def move_in(story: Story) -> None:
    """Give the job its program and a batch, in a folder of its own."""
    story.places.production.mkdir()
    for name in FILES:
        shutil.copy(story.places.project / name, story.places.production / name)


def run_a_night(story: Story) -> list[Row]:
    """Run the job; what it wrote."""
    story.run(COMMAND, at=story.places.production)
    return read_predictions(story)


def read_predictions(story: Story) -> list[Row]:
    """The lines of the job's output."""
    return read_rows(story.places.production / PREDICTIONS)


def answers(rows: list[Row]) -> list[Row]:
    """The lines without their stamps: what the job found, and nothing about when."""
    return [{key: value for key, value in row.items() if key != "_assay"} for row in rows]


def tell_line(story: Story, rows: list[Row]) -> None:
    """Say what was asked and answered in the line that the story follows."""
    row = rows[LINE - 1]
    story.fact(f'line {LINE}: "{row["sentence"]}" {story.page.arrow} "{row["reply"]}"')
