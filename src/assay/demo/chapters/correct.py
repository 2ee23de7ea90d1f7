"""The chapter in which one file is corrected on one machine and arrives at the other."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from assay.demo.dataset import Row, encoded, read_rows
from assay.demo.files import fingerprint, folder_size, human_size
from assay.demo.story import Story
from assay.errors import Bug

# Templates say `{minutes} minute[s]`, so expanding them makes sentences nobody says.
_ONE_OF_MANY = re.compile(r"\b1[ -](seconds|minutes|hours)\b")


def tell(story: Story) -> None:
    """Drop bad rows from one file of the clone, share that, and take it over here."""
    story.chapter("Correct: one file is edited there, and arrives here")
    places = story.places
    name, dropped = _correct(story)
    story.run(f"assay add data/{name} && assay diff", at=places.clone, show=9)
    story.run('git commit -q -a -m "Drop sentences like: 1 minutes"', at=places.clone)
    before = folder_size(places.store)
    story.run("assay push && git push -q", at=places.clone)
    moved = folder_size(places.store) - before
    whole = story.revisions[-1].size_bytes
    story.check(
        f"{human_size(moved)} moved, of {human_size(whole)}: the file, and the manifest",
        moved < (places.clone / "data" / name).stat().st_size + 64 * 1024,
    )
    story.run("git pull -q && assay pull", at=places.project)
    story.corrected = hashlib.sha256((places.clone / "data" / name).read_bytes()).digest()
    expected = dict(story.revisions[-1].files)
    here, there = fingerprint(story.data), fingerprint(places.clone / "data")
    changed = {path for path in expected if here.get(path) != expected[path]}
    story.check(
        f"both have the corrected file, {dropped} sentences shorter, and nothing else changed",
        here == there and changed == {name},
    )


def _correct(story: Story) -> tuple[str, int]:
    """Drop the bad rows of the file that has most; its path in the data, and how many."""
    data = story.places.clone / "data"
    files = sorted((data / "sentences/en").iterdir())
    found = story.work(
        "look for sentences that the templates got wrong",
        lambda: {path: _bad_rows(path) for path in files},
    )
    worst = max(found, key=lambda path: len(found[path]))
    bad = found[worst]
    if not bad:
        raise Bug("demo-check-failed", "No sentence counts wrong, so there is none to correct.")
    story.fact(
        f"{sum(map(len, found.values())):,} English sentences count wrong, such as "
        f'"{bad[0]["sentence"]}"; {len(bad)} of them are in one file'
    )
    kept = [row for row in read_rows(worst) if row not in bad]
    story.work(f"drop them from {worst.name}", lambda: worst.write_bytes(encoded(kept)))
    return worst.relative_to(data).as_posix(), len(bad)


def _bad_rows(path: Path) -> list[Row]:
    return [row for row in read_rows(path) if _ONE_OF_MANY.search(row["sentence"])]
