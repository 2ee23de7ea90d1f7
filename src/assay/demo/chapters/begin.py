"""The chapter in which the data comes under version control and is shared."""

from __future__ import annotations

from assay.demo.evidence import git_output
from assay.demo.files import folder_size, human_size
from assay.demo.story import Story


def tell(story: Story) -> None:
    """Begin a project, track the folder, name a remote, commit, push."""
    story.chapter("Begin: track a folder beside the code, and share it")
    first, project = story.revisions[0], story.places.project
    story.run("git init -q -b main && assay init", at=project, show=1)
    story.run("assay add data", at=project)
    story.run("cat data.assay", at=project, show=9)
    story.run("mkdir ../store && assay remote add --default store ../store", at=project)
    story.run(
        f'git add . && git commit -q -m "Data of {first.version}" && git tag {first.version}',
        at=project,
    )
    tracked = _in_git(story)
    story.check(
        f"Git holds {len(tracked)} small files, {human_size(sum(tracked.values()))} together, "
        "and none of the data",
        not any(path.startswith("data/") for path in tracked)
        and sum(tracked.values()) < first.size_bytes // 100,
    )
    story.run("assay push", at=project)
    stored = folder_size(story.places.store)
    story.check(
        f"the remote, a plain folder, holds {human_size(stored)} for the data's "
        f"{human_size(first.size_bytes)}",
        stored < first.size_bytes * 1.1,
    )
    story.run(
        "git init -q -b main --bare ../hub.git && git remote add origin ../hub.git", at=project
    )
    story.run("git push -q --tags -u origin main", at=project)


def _in_git(story: Story) -> dict[str, int]:
    """Path -> size of every file that Git tracks."""
    paths = git_output(story.places.project, "ls-files").splitlines()
    return {path: (story.places.project / path).stat().st_size for path in paths}
