"""The chapter in which one line of the job's output is traced to everything it came from."""

from __future__ import annotations

from assay.demo.chapters.release import GOOD, NAME
from assay.demo.dataset import Row, read_rows
from assay.demo.evidence import git_output
from assay.demo.files import human_size
from assay.demo.nightly import LINE, PREDICTIONS, read_predictions
from assay.demo.story import Story

_PICTURE = "trace.html"
_ALL = 200


def tell(story: Story) -> None:
    """Trace the line, and hold what it says against the files and Git."""
    production = story.places.production
    story.chapter("Trace: where does this answer come from?")
    traced = story.run(
        f"assay trace {PREDICTIONS}:{LINE} --html {_PICTURE}", at=production, show=_ALL, bright=True
    )
    row = read_predictions(story)[LINE - 1]
    tree = " ".join(traced.output)
    sources = [_row_at(story, place) for place in row["_assay"]["rows"]]
    story.check(
        f"the {len(sources)} rows that it rests on are in the data, and mean {row['intent']}",
        {source["intent"] for source in sources} == {row["intent"]}
        and all(place in tree for place in row["_assay"]["rows"]),
    )
    commit = git_output(story.places.hub, "rev-parse", f"{NAME}@v{GOOD}^{{commit}}")
    story.check("the commit is the one that Git's own tag names", commit[:12] in tree)
    page = (production / _PICTURE).read_text(encoding="utf-8")
    story.check(
        f"the picture of it, {production.name}/{_PICTURE}, is one file that loads nothing "
        f"({human_size(len(page))})",
        NAME in page and "src=" not in page and 'href="http' not in page,
    )


def _row_at(story: Story, place: str) -> Row:
    """The row of the project's data that `PATH:LINE` names."""
    path, _, line = place.rpartition(":")
    return read_rows(story.places.project / path)[int(line) - 1]
