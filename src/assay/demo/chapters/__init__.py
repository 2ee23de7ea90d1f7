"""The order in which the demo's chapters are told; a further one is a line here."""

from __future__ import annotations

from collections.abc import Callable

from assay.demo.chapters import (
    begin,
    correct,
    damage,
    data,
    forge,
    recall,
    release,
    revise,
    serve,
    share,
    slip,
    stop,
    switch,
    trace,
    train,
)
from assay.demo.story import Story

CHAPTERS: tuple[Callable[[Story], None], ...] = (
    data.tell,
    begin.tell,
    revise.tell,
    switch.tell,
    share.tell,
    correct.tell,
    damage.tell,
    train.tell,
    release.tell,
    serve.tell,
    trace.tell,
    stop.tell,
    slip.tell,
    recall.tell,
    forge.tell,
)
"""Each goes on from where the one before it ended."""
