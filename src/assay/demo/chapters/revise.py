"""The chapter in which the next revision of the data takes the place of the first."""

from __future__ import annotations

from collections.abc import Iterable

from assay.demo.dataset import Dataset, write
from assay.demo.files import folder_size, human_size
from assay.demo.story import Story


def tell(story: Story) -> None:
    """Take the second release; see what changed; record and share it."""
    wheel, project = story.wheels[1], story.places.project
    story.chapter(f"Revise: the next release arrives, {wheel.release.version}")
    second = story.work(
        f"expand the templates of {wheel.release.version} into data/, over the old ones",
        lambda: write(wheel, story.data),
    )
    story.revisions.append(second)
    story.run("assay status", at=project)
    _compare(story)
    _tell_sentences(story, *story.revisions)
    story.run("assay add data", at=project)
    story.run(
        f'git commit -q -a -m "Data of {second.version}" && git tag {second.version}', at=project
    )
    before = folder_size(story.places.store)
    story.run("assay push", at=project)
    moved = folder_size(story.places.store) - before
    known = set(story.revisions[0].files.values())
    new = [path for path, digest in second.files.items() if digest not in known]
    new_bytes = sum((story.data / path).stat().st_size for path in new)
    story.check(
        f"what moved is what is new: {human_size(moved)} for {len(new)} files; the other "
        f"{len(second.files) - len(new)} were there already",
        moved < new_bytes * 1.01 + 64 * 1024,
    )
    story.run("git push -q --tags origin main", at=project)


def _compare(story: Story) -> None:
    first, second = (revision.files for revision in story.revisions)
    done = story.run("assay diff", at=story.places.project, show=0)
    story.page.output(done.output[-1:])
    named = _named(done.output)
    story.check(
        "assay diff names exactly the files whose SHA-256 digests differ",
        named
        == {
            "Added": {path for path in second if path not in first},
            "Deleted": {path for path in first if path not in second},
            "Modified": {path for path in first if second.get(path, first[path]) != first[path]},
        },
    )


def _named(lines: Iterable[str]) -> dict[str, set[str]]:
    """Kind of change -> the files below data/ that `assay diff` lists under it."""
    named: dict[str, set[str]] = {"Added": set(), "Deleted": set(), "Modified": set()}
    kind = ""
    for line in lines:
        if line.endswith(":") and not line.startswith(" "):
            kind = line[:-1]
        elif line.startswith("    data/") and line != "    data/":
            named.setdefault(kind, set()).add(line.strip().removeprefix("data/"))
    return named


def _tell_sentences(story: Story, first: Dataset, second: Dataset) -> None:
    rows = []
    for language, old in first.labels.items():
        new = second.labels[language]
        intents = len(second.intents(language) - first.intents(language))
        rows.append(
            [language]
            + [f"{count:,}" for count in (len(old), len(old - new), len(new - old), len(new))]
            + [str(intents)]
        )
    story.page.table(
        rows, head=["sentences", first.version, "went", "came", second.version, "new intents"]
    )
    went = sum(len(old - second.labels[language]) for language, old in first.labels.items())
    came = sum(len(new - first.labels[language]) for language, new in second.labels.items())
    story.fact(f"{came:,} labelled sentences came and {went:,} went: templates were rewritten")
