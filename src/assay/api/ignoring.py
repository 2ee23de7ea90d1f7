"""Which paths the ignore files leave out, and why: what `check-ignore` asks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.data.ignore import IgnoreRules, Match
from assay.errors import InvalidInput
from assay.settings import require_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What holds for one path, as the person named it; the last match decides."""

    target: str
    is_ignored: bool
    matches: tuple[Match, ...]


def check_ignore(targets: Iterable[str], *, start: Path) -> Iterator[Verdict]:
    """The verdict on each path, in order; relative paths count from ``start``.

    A path need not exist; one that ends with a slash is taken for a folder.
    """
    start = Path(os.path.realpath(start))
    root, dialect = require_root(start)
    rules = IgnoreRules.load(os.fsencode(root), dialect.ignore_file)
    for target in targets:
        full = os.path.normpath(os.path.join(start, target))
        inside = os.path.relpath(full, root)
        if inside == os.pardir or inside.startswith(os.pardir + os.sep):
            raise InvalidInput(
                "path-outside",
                f"{target} is outside the project.",
                why=f"The project is {root}.",
                paths=(target,),
            )
        is_dir = target.endswith("/") or os.path.isdir(full)
        matches = [] if inside == os.curdir else rules.explain(os.fsencode(inside), is_dir)
        yield Verdict(
            target=target,
            is_ignored=bool(matches) and matches[-1].is_ignored,
            matches=tuple(matches),
        )
