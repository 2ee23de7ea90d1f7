"""The chapter in which a bad release passes every gate, and gives a wrong answer at night."""

from __future__ import annotations

from assay.demo.accidents import mix_up_replies
from assay.demo.chapters.release import NAME
from assay.demo.files import fingerprint
from assay.demo.nightly import LINE, run_a_night, tell_line
from assay.demo.story import Story

BAD = "1.2.0"


def tell(story: Story) -> None:
    """Put the data right, mix up the replies, and let it through."""
    places, project = story.places, story.places.project
    story.chapter("Slip: a bad release passes every gate, and answers wrongly")
    back = story.run(
        "git revert --no-edit HEAD && assay checkout && assay repro", at=project, show=4
    )
    story.check(
        "the good data is back, byte for byte, and nothing had to be trained again",
        fingerprint(story.data) == fingerprint(places.clone / "data")
        and not any(line.startswith("Running stage") for line in back.output),
    )
    replies = project / "replies.yaml"
    story.work("somebody makes the replies friendlier", lambda: mix_up_replies(replies))
    changed = story.run("git diff -U0 replies.yaml", at=project, show=0)
    story.page.output([line for line in changed.output if line.startswith(("- ", "+ "))])
    story.run('git commit -q -a -m "Friendlier replies" && git push -q', at=project)
    story.run(f"assay release create {NAME} {BAD}", at=project, show=1)
    story.run(f"assay gate run {NAME}@{BAD}", at=project, show=4)
    story.run(f"assay promote {NAME}@{BAD} prod", at=project)
    rows = run_a_night(story)
    tell_line(story, rows)
    now, before = rows[LINE - 1], story.first_night[LINE - 1]
    story.check(
        "the sentence was understood as before, and the reply says the opposite",
        now["intent"] == before["intent"]
        and before["reply"].startswith("Locked")
        and "unlocked" in now["reply"],
    )
