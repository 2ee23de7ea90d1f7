"""Progress on standard error: one line that is drawn over, ten times a second at most."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TextIO

from assay.cli.text import human_duration, human_size, shown

_INTERVAL_SECONDS = 0.1
_BAR_CELLS = 20


class StreamProgress:
    """Bars where ``has_bars``; announcements in any case."""

    def __init__(
        self,
        stream: TextIO,
        *,
        has_bars: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] | None = None,
    ) -> None:
        self._stream = stream
        self._has_bars = has_bars
        self._clock = clock
        self._columns = columns or (lambda: _columns(stream))
        self._tasks: list[_Task] = []
        self._next_draw = 0.0
        self._is_drawn = False

    def task(self, label: str, *, items: int | None = None, size_bytes: int | None = None) -> _Task:
        """Begin a task; the newest that is not done is shown."""
        task = _Task(self, label, items, size_bytes, self._clock())
        self._tasks.append(task)
        self._draw()
        return task

    def note(self, message: str) -> None:
        """Say one line, such as why a command waits."""
        self.clear()
        self._stream.write(shown(message) + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar off the terminal; it is drawn again when work goes on."""
        if self._is_drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_drawn = False

    def _draw(self) -> None:
        if not self._has_bars or not self._tasks:
            return
        now = self._clock()
        if now < self._next_draw:
            return
        self._next_draw = now + _INTERVAL_SECONDS
        line = self._tasks[-1].line(now)[: max(self._columns() - 1, 20)]
        self._stream.write(f"\r{line}\x1b[K")
        self._stream.flush()
        self._is_drawn = True

    def _end(self, task: _Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        self.clear()
        self._next_draw = 0.0
        self._draw()


class _Task:
    """One bar: what is done of what there is to do."""

    __slots__ = (
        "_begun",
        "_items",
        "_label",
        "_progress",
        "_size_bytes",
        "_total_bytes",
        "_total_items",
    )

    def __init__(
        self,
        progress: StreamProgress,
        label: str,
        items: int | None,
        size_bytes: int | None,
        begun: float,
    ) -> None:
        self._progress = progress
        self._label = label
        self._total_items = items
        self._total_bytes = size_bytes
        self._items = 0
        self._size_bytes = 0
        self._begun = begun

    def advance(self, items: int = 0, size_bytes: int = 0) -> None:
        """Count what has been done since the last call."""
        self._items += items
        self._size_bytes += size_bytes
        self._progress._draw()

    def done(self) -> None:
        """End the task and take its bar away."""
        self._progress._end(self)

    def line(self, now: float) -> str:
        """The bar as text: label, share, counts, rate and the time that is left."""
        seconds = max(now - self._begun, 1e-9)
        share = self._share()
        parts = [shown(self._label)]
        if share is not None:
            filled = int(share * _BAR_CELLS)
            parts.append(f"[{'#' * filled}{'.' * (_BAR_CELLS - filled)}] {share:4.0%}")
        parts += self._counts()
        if seconds > 0.5:
            rate = self._size_bytes / seconds
            if self._size_bytes:
                parts.append(f"{human_size(int(rate))}/s")
            elif self._items:
                parts.append(f"{self._items / seconds:,.0f}/s")
            if share and share < 1:
                parts.append(f"{human_duration(seconds / share - seconds)} left")
        return "  ".join(parts)

    def _share(self) -> float | None:
        if self._total_bytes:
            return min(self._size_bytes / self._total_bytes, 1.0)
        if self._total_items:
            return min(self._items / self._total_items, 1.0)
        return None

    def _counts(self) -> list[str]:
        counts = []
        if self._items or self._total_items:
            total = f"/{self._total_items:,}" if self._total_items is not None else ""
            counts.append(f"{self._items:,}{total}")
        if self._size_bytes or self._total_bytes:
            total = f"/{human_size(self._total_bytes)}" if self._total_bytes is not None else ""
            counts.append(f"{human_size(self._size_bytes)}{total}")
        return counts


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
