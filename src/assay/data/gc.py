"""``gc``: which objects are still needed, over everything that could need them."""

from __future__ import annotations

from assay.core.progress import SILENT, Progress
from assay.data.model import Tracked
from assay.data.outputs import Selection
from assay.data.transfer import needed_by
from assay.errors import NotFound
from assay.store.cache import Cache


def live_objects(
    cache: Cache, tracked: list[Tracked], *, progress: Progress = SILENT
) -> set[bytes]:
    """Digests that any of the tracked contents needs.

    A manifest that is not here at all keeps nothing here but itself; one that is only partly
    here stops the collection, because what it needs cannot be known.
    """
    live: set[bytes] = set()
    task = progress.task("finding what is needed", items=len(tracked))
    done: set[bytes] = set()
    for item in tracked:
        task.advance(1)
        if item.root_digest in done:
            continue
        done.add(item.root_digest)
        needed = needed_by(cache, Selection(tracked=item))
        if needed.damaged or needed.unknown - {item.root_digest}:
            raise NotFound(
                "manifest-incomplete",
                f"The manifest of {item.name} is only partly in the cache, or damaged.",
                why="What it needs cannot be known, so nothing may be collected.",
                fix="Complete it with `assay fetch`, or run `assay verify --repair`.",
                paths=(item.name,),
            )
        live.update(needed.objects)
    task.done()
    return live
