"""Looking at a path whatever is in it: links that cannot be followed count as links."""

from __future__ import annotations

from dataclasses import replace

from assay.core.progress import SILENT, Progress
from assay.data.scan import PathState, Workspace, look
from assay.errors import AssayError

_UNFOLLOWABLE = frozenset({"link-dangling", "link-loop"})


def survey(workspace: Workspace, path: bytes, *, progress: Progress = SILENT) -> PathState:
    """The state of ``path``, for commands that compare and repair rather than record.

    Recording refuses a link that leads nowhere; here it is one more thing that differs, so that
    a checkout can put a file in its place.
    """
    try:
        return look(workspace, path, progress=progress)
    except AssayError as error:
        if error.code not in _UNFOLLOWABLE:
            raise
        return look(replace(workspace, keep_links=True), path, progress=progress)
