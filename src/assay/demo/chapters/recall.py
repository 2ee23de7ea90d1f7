"""The chapter in which somebody notices, and the bad release is taken back."""

from __future__ import annotations

from assay.demo.chapters.release import CHANNEL, GOOD, NAME, check_served
from assay.demo.chapters.slip import BAD
from assay.demo.nightly import COMMAND, LINE, PREDICTIONS, answers, run_a_night, tell_line
from assay.demo.story import Story


def tell(story: Story) -> None:
    """Trace the answer, forbid the release, go back; the job follows by itself."""
    project, production = story.places.project, story.places.production
    story.chapter("Recall: somebody notices, and the next run is good again")
    traced = story.run(
        f"assay trace {PREDICTIONS}:{LINE}", at=production, until=" gate ", last=1, bright=True
    )
    story.check(f"it was {BAD} that said so", f"{NAME}@{BAD}" in " ".join(traced.output))
    story.run(
        f'assay quarantine {NAME}@{BAD} -m "Says unlocked when asked to lock"',
        at=project,
        errors=1,
    )
    _refuse_the_job(story)
    story.run(f'assay rollback {CHANNEL} -m "Replies are mixed up"', at=project)
    check_served(story, GOOD)
    rows = run_a_night(story)
    tell_line(story, rows)
    story.check(
        f"all {len(rows)} answers are those of the first night; nobody touched the job",
        answers(rows) == story.first_night,
    )
    story.run("assay release list", at=project)


def _refuse_the_job(story: Story) -> None:
    """Run the job while its channel serves what is forbidden."""
    production = story.places.production
    before = (production / PREDICTIONS).read_bytes()
    story.run(COMMAND, at=production, exit_code=11, errors=1)
    story.check(
        "the job was served nothing, and wrote nothing",
        (production / PREDICTIONS).read_bytes() == before,
    )
