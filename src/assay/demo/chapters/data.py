"""The chapter in which the data is fetched and its first revision made."""

from __future__ import annotations

from assay.demo.dataset import read_rows, write
from assay.demo.files import human_size
from assay.demo.story import Story
from assay.demo.wheels import PACKAGE, RELEASES, is_right, obtain

_EXAMPLES = ("HassTurnOn", "HassClimateSetTemperature", "HassListAddItem")


def tell(story: Story) -> None:
    """Fetch both releases; expand the templates of the first into sentences."""
    story.chapter("Data: what people say to a smart home, and what they want")
    _fetch(story)
    wheel = story.wheels[0]
    first = story.work(
        f"expand the templates of {wheel.release.version} with hassil into data/",
        lambda: write(wheel, story.data),
    )
    story.revisions.append(first)
    story.fact(
        f"{len(first.files)} files, {human_size(first.size_bytes)}: templates in "
        f"{len(wheel.languages())} languages, {first.sentence_count:,} labelled sentences "
        f"in {len(first.labels)}"
    )
    for intent in _EXAMPLES:
        story.fact(_example(story, intent))


def _fetch(story: Story) -> None:
    versions = " and ".join(release.version for release in RELEASES)
    folder = story.wheels_folder
    story.wheels = story.work(
        f"get {PACKAGE} {versions}", lambda: [obtain(release, folder) for release in RELEASES]
    )
    story.report.was_offline = not any(wheel.was_downloaded for wheel in story.wheels)
    size = human_size(sum(wheel.size_bytes for wheel in story.wheels))
    how = "already here, no network used" if story.report.was_offline else "downloaded with pip"
    story.fact(f"two dated releases of one data set, {size} of wheels, {how}; nothing is installed")
    story.check(
        "both wheels have the SHA-256 digests that were published",
        all(is_right(wheel.path, wheel.release) for wheel in story.wheels),
    )


def _example(story: Story, intent: str) -> str:
    rows = read_rows(story.data / f"sentences/en/{intent}.jsonl")
    row = max(rows, key=lambda row: (len(row["slots"]), -abs(len(row["sentence"]) - 30)))
    slots = ", ".join(f"{name}={value}" for name, value in row["slots"].items())
    return f'"{row["sentence"]}" {story.page.arrow} {intent} ({slots})'
