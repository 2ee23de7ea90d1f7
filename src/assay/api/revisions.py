"""Which revisions a command covers: the noun that commands and verbs share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """Which revisions a command covers besides the workspace."""

    branches: bool = False
    tags: bool = False
    commits: bool = False
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.branches or self.tags or self.commits or bool(self.names)
