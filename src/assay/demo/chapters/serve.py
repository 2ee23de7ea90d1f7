"""The chapter in which a nightly job takes what production serves, and works with it."""

from __future__ import annotations

from assay.demo.chapters.release import GOOD, NAME
from assay.demo.dataset import read_rows
from assay.demo.evidence import released
from assay.demo.nightly import (
    FILES,
    LINE,
    PREDICTIONS,
    answers,
    move_in,
    run_a_night,
    tell_line,
)
from assay.demo.story import Story


def tell(story: Story) -> None:
    """Put the job somewhere, run it, and look at one line of what it wrote."""
    production = story.places.production
    story.chapter("Serve: a nightly job takes what prod serves, and nothing else")
    story.work(
        f"a folder with {', '.join(FILES[:-1])} and {FILES[-1]}: no data, no model, no checkout",
        lambda: move_in(story),
    )
    rows = run_a_night(story)
    story.run(f"sed -n {LINE}p {PREDICTIONS}", at=production)
    tell_line(story, rows)
    batch = read_rows(production / FILES[-1])
    digest = released(story.places.hub, NAME, GOOD).digest
    story.check(
        f"each of the {len(batch)} sentences has an answer, stamped with the digest of {GOOD}",
        [row["sentence"] for row in rows] == [item["sentence"] for item in batch]
        and {row["_assay"]["digest"] for row in rows} == {digest},
    )
    story.first_night = answers(rows)
