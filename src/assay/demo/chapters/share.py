"""The chapter in which another machine gets the same data."""

from __future__ import annotations

import re
from pathlib import Path

from assay.demo.files import fingerprint
from assay.demo.story import Story
from assay.errors import Bug


def tell(story: Story) -> None:
    """Clone, pull, and compare both machines' files and manifests."""
    story.chapter("Share: another machine clones, and pulls the same bytes")
    places, second = story.places, story.revisions[-1]
    story.run(f"git clone -q hub.git {places.clone.name}", at=places.root)
    story.run("assay pull", at=places.clone)
    story.check(
        f"all {len(second.files)} files are there, byte for byte",
        fingerprint(places.clone / "data") == second.files,
    )
    here, there = (manifest_digest(at / "data.assay") for at in (places.project, places.clone))
    story.check(
        f"both pointers name one manifest, {here[:10]}{story.page.more}, and so the same "
        "paths, modes and bytes",
        here == there,
    )
    story.run("assay verify", at=places.clone)


def manifest_digest(pointer: Path) -> str:
    """The digest that the pointer of a folder names."""
    found = re.search(r"^- blake3: ([0-9a-f]{64})\.dir$", pointer.read_text(), re.MULTILINE)
    if found is None:
        raise Bug("demo-check-failed", f"{pointer} names no manifest.", paths=(str(pointer),))
    return found[1]
