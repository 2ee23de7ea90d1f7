"""The chapter in which a model is trained on damaged data, and a gate stops it."""

from __future__ import annotations

from assay.demo.accidents import slip_labels
from assay.demo.chapters.release import GOOD, NAME, check_served
from assay.demo.chapters.train import accuracy
from assay.demo.story import Story

_BAD = "1.1.0"


def tell(story: Story) -> None:
    """Damage labels, train, release, and see it refused."""
    project = story.places.project
    sentences = story.data / "sentences/en"
    story.chapter("Stop: damaged data makes a bad model, and a gate says no")
    count = sum(path.read_bytes().count(b"\n") for path in sentences.iterdir())
    wrong = story.work("a script tidies up the labels, and slips", lambda: slip_labels(sentences))
    story.fact(
        f"{wrong:,} of {count:,} labels are wrong now; no sentence is lost, and every label is one "
        "that exists"
    )
    story.run("assay add data && assay repro", at=project, show=1, last=2)
    story.run('git commit -q -a -m "Tidy up the labels"', at=project)
    story.run("assay push && git push -q", at=project)
    story.run(f"assay release create {NAME} {_BAD}", at=project, show=1)
    story.run(f"assay gate run {NAME}@{_BAD}", at=project, exit_code=7, show=4)
    story.check(
        f"no column is wrong, so the contract passes; accuracy is {accuracy(story)}, the limit "
        f"{_limit(story)}",
        accuracy(story) < _limit(story),
    )
    story.run(f"assay promote {NAME}@{_BAD} prod", at=project, exit_code=7, errors=1)
    check_served(story, GOOD)


def _limit(story: Story) -> float:
    """What the project's metric gate demands."""
    import yaml

    declared = yaml.safe_load((story.places.project / "assay.yaml").read_text(encoding="utf-8"))
    return float(declared["releases"][NAME]["gates"]["metric"]["at_least"])
