"""The folder that one run of the demo happens in: fresh, with room, and its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assay.demo.files import human_size
from assay.demo.surroundings import home, settle
from assay.errors import AssayError, Conflict, InvalidInput, NotFound, Temporary
from assay.settings import find_root

NEEDED_BYTES = 400 << 20


@contextmanager
def fresh_folder(wanted: str | None) -> Iterator[Path]:
    """The folder (default: a new temporary one), made and settled into.

    It is kept; one in which nothing could begin is gone afterwards.  Raises Conflict
    ``demo-folder-in-use`` when it holds anything or lies in a project, Temporary ``disk-full``
    when there is too little room, NotFound ``path-missing`` when it cannot be made, and
    InvalidInput ``usage-invalid`` when its name is one that PATH cannot hold.
    """
    root = Path(os.path.realpath(wanted or tempfile.mkdtemp(prefix="assay-demo-")))
    is_new = wanted is None or not root.exists()
    try:
        _make(root)
    except BaseException:
        _remove(root, is_new=is_new)
        raise
    try:
        yield root
    finally:
        if os.listdir(root) == [home(root).name]:
            shutil.rmtree(home(root))
            _remove(root, is_new=is_new)


def _make(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise _in_use(root)
    surrounding = find_root(root)
    if surrounding is not None:
        raise _inside(root, surrounding[0])
    if os.pathsep in str(root):
        raise InvalidInput(
            "usage-invalid",
            f"The demo cannot work in {root}.",
            why=f"It puts a program on PATH, which cannot name a folder with `{os.pathsep}` in it.",
            fix="Name another folder.",
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _unmade(root, error) from error
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        raise _full(root, free)
    try:
        settle(root)
    except FileExistsError:  # another demo was a moment faster
        raise _in_use(root) from None


def _remove(root: Path, *, is_new: bool) -> None:
    """Take an empty folder away again, unless it was there before."""
    if is_new:
        with suppress(OSError):
            root.rmdir()


def _in_use(root: Path) -> AssayError:
    return Conflict(
        "demo-folder-in-use",
        f"{root} is not an empty folder.",
        why="The demo wants a fresh one, so that it cannot touch anything of yours.",
        fix="Name a folder that does not exist, or none at all for a temporary one.",
        paths=(str(root),),
    )


def _inside(root: Path, project: Path) -> AssayError:
    return Conflict(
        "demo-folder-in-use",
        f"{root} is inside the project {project}.",
        why="The demo makes a project of its own, and what is around it would answer for it.",
        fix="Name a folder outside, or none at all for a temporary one.",
        paths=(str(root),),
    )


def _unmade(root: Path, error: OSError) -> AssayError:
    return NotFound(
        "path-missing",
        f"Cannot make {root}.",
        why=f"{error.strerror}.",
        fix="Name another folder, or none at all for a temporary one.",
        paths=(str(root),),
    )


def _full(root: Path, free_bytes: int) -> AssayError:
    return Temporary(
        "disk-full",
        f"The disk of {root} has {human_size(free_bytes)} left.",
        why=f"The demo wants {human_size(NEEDED_BYTES)}: it keeps everything that it makes.",
        fix="Free some space, or name a folder on another disk.",
        paths=(str(root),),
    )
