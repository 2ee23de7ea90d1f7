"""Progress of long work, as an argument: the layers below the CLI never touch the terminal."""

from __future__ import annotations

from typing import Protocol


class Task(Protocol):
    """One bar: counts items and bytes."""

    def advance(self, items: int = 0, size_bytes: int = 0) -> None: ...

    def done(self) -> None: ...


class Progress(Protocol):
    """Where work reports itself and where waiting is announced."""

    def task(self, label: str, *, items: int | None = None, size_bytes: int | None = None) -> Task:
        """Begin a task; totals are ``None`` where they are not known."""
        ...

    def note(self, message: str) -> None:
        """Say one line, such as why a command waits."""
        ...


class _SilentTask:
    __slots__ = ()

    def advance(self, items: int = 0, size_bytes: int = 0) -> None: ...

    def done(self) -> None: ...


class Silent:
    """Reports nothing: for libraries, ``--quiet`` and tests."""

    __slots__ = ()

    def task(
        self,
        label: str,  # noqa: ARG002 - the port's signature
        *,
        items: int | None = None,  # noqa: ARG002
        size_bytes: int | None = None,  # noqa: ARG002
    ) -> Task:
        return _SilentTask()

    def note(self, message: str) -> None: ...


SILENT: Progress = Silent()
