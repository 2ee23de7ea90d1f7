"""The chapter in which the workspace goes back to older data and forward again."""

from __future__ import annotations

from assay.demo.dataset import Dataset
from assay.demo.files import fingerprint
from assay.demo.story import Story


def tell(story: Story) -> None:
    """Switch to the first revision and back, comparing every file each time."""
    story.chapter("Switch: any version of the data, by checking out its commit")
    first, second = story.revisions
    _switch_to(story, first.version, first)
    _switch_to(story, "main", second)
    story.run("assay status", at=story.places.project)


def _switch_to(story: Story, commit: str, revision: Dataset) -> None:
    project = story.places.project
    story.run(f"git checkout -q {commit} && assay checkout --summary", at=project)
    story.check(
        f"all {len(revision.files)} files are those of {revision.version}, byte for byte",
        fingerprint(story.data) == revision.files,
    )
