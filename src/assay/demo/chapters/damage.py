"""The chapter in which a stored object is damaged, found, kept out of the workspace, and healed."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from assay.demo.files import fingerprint
from assay.demo.story import Story
from assay.errors import Bug
from assay.store.packs import read_rows, unpack_rows

# Small enough to lie in a pack, and not the same in the two releases.
_VICTIM = "sentences/en/HassClimateSetTemperature.jsonl"


def tell(story: Story) -> None:
    """Flip one bit in the cache, and see what each command makes of it."""
    story.chapter("Damage: a bit flips in the cache, and is found and healed")
    places, first = story.places, story.revisions[0]
    place = _find(story, first.files[_VICTIM])
    digest = place.digest
    story.work(
        f"flip a bit of {Path(_VICTIM).name} as of {first.version}, in the cache",
        lambda: _flip_a_bit(place),
    )
    story.fact(f"object {digest[:10]}{story.page.more}, the middle of its {place.length:,} bytes")

    found = story.run("assay verify --cache", at=places.project, exit_code=5)
    story.check(
        "verify names that object and no other",
        [line.split()[1] for line in found.output if line.startswith("damaged")] == [digest],
    )

    story.run("mv store store.unplugged", at=places.root)
    refused = story.run(
        f"git checkout -q {first.version} && assay checkout",
        at=places.project,
        exit_code=5,
        errors=9,
    )
    _check_that_it_was_kept_out(story, place, "\n".join(refused.notes))

    story.run("mv store.unplugged store", at=places.root)
    healed = story.run("assay checkout", at=places.project, errors=9)
    story.check(
        f"the object was healed from the remote, and all {len(first.files)} files are those of "
        f"{first.version}",
        digest in "\n".join(healed.notes) and fingerprint(story.data) == first.files,
    )
    story.run("git checkout -q main && assay checkout", at=places.project)
    story.run("assay verify --remote", at=places.project)
    story.check(
        "workspace, cache and remote are whole again, and so is the other machine's data",
        fingerprint(story.data) == fingerprint(places.clone / "data"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object lies: a pack of the cache, and the bytes of it that are the object's."""

    digest: str
    pack: Path
    offset: int
    length: int


def _find(story: Story, sha256: bytes) -> Place:
    """The object whose bytes have this SHA-256 digest."""
    cache = story.places.project / ".assay" / "cache"
    for pack in sorted(cache.glob("packs/*/*.pack")):
        content = pack.read_bytes()
        for row in unpack_rows(read_rows(str(pack)).rows):
            stored = content[row.offset : row.offset + row.stored_length]
            if hashlib.sha256(stored).digest() == sha256:
                return Place(
                    digest=row.digest.hex(), pack=pack, offset=row.offset, length=len(stored)
                )
    raise Bug("demo-check-failed", f"No pack in {cache} holds the file.", paths=(str(cache),))


def _flip_a_bit(place: Place) -> None:
    middle = place.offset + place.length // 2
    mode = place.pack.stat().st_mode
    place.pack.chmod(mode | stat.S_IWUSR)
    with place.pack.open("r+b") as file:
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0x01]))
    place.pack.chmod(mode)


def _check_that_it_was_kept_out(story: Story, place: Place, said: str) -> None:
    """The refused checkout may have written good files of the new version, and nothing else."""
    old, new = (revision.files for revision in story.revisions)
    good = set(old.values()) | set(new.values()) | {story.corrected}
    here = fingerprint(story.data)
    story.check(
        "with the remote out of reach, checkout refuses and names the object and the file",
        place.digest in said and f"data/{_VICTIM}" in said,
    )
    story.check(
        f"none of the {len(here)} files in the workspace is damaged: this one was left as it was",
        set(here.values()) <= good and here.get(_VICTIM) == new[_VICTIM],
    )
