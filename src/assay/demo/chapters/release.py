"""The chapter in which what belongs together gets one name, is judged, and goes to production."""

from __future__ import annotations

from assay.demo.chapters.share import manifest_digest
from assay.demo.evidence import git_output, released, served
from assay.demo.story import Story
from assay.demo.surroundings import home

NAME = "intent-bot"
CHANNEL = f"{NAME}@prod"
GOOD = "1.0.0"


def tell(story: Story) -> None:
    """Begin a policy; create a release, have it judged, promote it."""
    project = story.places.project
    story.chapter("Release: data, model, replies and proof, under one signed name")
    story.run("assay policy init --name ana", at=project)
    story.run('git add . && git commit -q -m "Whom to trust" && git push -q', at=project)
    story.run(f"assay release create {NAME} {GOOD}", at=project, show=6)
    _check_the_record(story)
    story.run(f"assay promote {NAME}@{GOOD} prod", at=project, exit_code=10, errors=1)
    story.run(f"assay gate run {NAME}@{GOOD}", at=project, show=4)
    story.run(f"assay promote {NAME}@{GOOD} prod", at=project)
    check_served(story, GOOD)


def check_served(story: Story, version: str) -> None:
    """Check which version the shared repository says is in production."""
    story.check(
        f"the team's Git repository says that prod serves {version}",
        served(story.places.hub, NAME, "prod") == version,
    )


def _check_the_record(story: Story) -> None:
    from blake3 import blake3

    project = story.places.project
    record = released(story.places.hub, NAME, GOOD)
    bound = {item["path"]: item["digest"] for item in record.predicate["artifacts"]}
    kept = {
        path: blake3((project / path).read_bytes()).hexdigest()
        for path in ("replies.yaml", "params.yaml", "metrics.json")
    }
    story.check(
        "its record binds this commit, the data, the model and each file that Git keeps",
        record.predicate["commit"] == git_output(project, "rev-parse", "HEAD")
        and bound["data"] == manifest_digest(project / "data.assay")
        and bound.items() >= kept.items(),
    )
    [public_key] = home(story.places.root).glob("config/*/keys/*.pub")
    story.check(
        "ana's key signed it: DSSE and Ed25519, checked without assay's code",
        record.is_signed_by(public_key.read_bytes()),
    )
