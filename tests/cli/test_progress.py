"""Progress is one line on a terminal, redrawn at most ten times a second, and nothing elsewhere."""

from __future__ import annotations

import io

from assay.cli.console import Console
from assay.cli.progress import StreamProgress
from assay.core.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def make(has_bars: bool = True, columns: int = 120) -> tuple[StreamProgress, io.StringIO, Clock]:
    stream, clock = io.StringIO(), Clock()
    progress = StreamProgress(stream, has_bars=has_bars, clock=clock, columns=lambda: columns)
    return progress, stream, clock


def last_line(stream: io.StringIO) -> str:
    return stream.getvalue().split("\r")[-1].removesuffix("\x1b[K")


def test_it_is_a_progress() -> None:
    progress: Progress = make()[0]
    assert progress.task("x")


def test_share_counts_rate_and_time_left_are_shown() -> None:
    progress, stream, clock = make()
    task = progress.task("Adding", items=4, size_bytes=4 << 20)
    clock.now += 2
    task.advance(1, 1 << 20)
    assert last_line(stream) == (
        "Adding  [#####...............]  25%  1/4  1.0 MiB/4.0 MiB  512 KiB/s  6.0 s left"
    )


def test_totals_may_be_unknown() -> None:
    progress, stream, clock = make()
    task = progress.task("Walking")
    clock.now += 2
    task.advance(3000)
    assert last_line(stream) == "Walking  3,000  1,500/s"


def test_more_than_was_announced_is_not_more_than_everything() -> None:
    progress, stream, clock = make()
    task = progress.task("Hashing", items=1)
    clock.now += 2
    task.advance(5)
    assert "100%" in last_line(stream)


def test_it_is_drawn_ten_times_a_second_at_most() -> None:
    progress, stream, clock = make()
    task = progress.task("Adding", items=100_000)
    for _ in range(100_000):
        clock.now += 0.00002
        task.advance(1)
    assert stream.getvalue().count("\r") <= 21


def test_a_line_fits_the_terminal() -> None:
    progress, stream, _ = make(columns=30)
    progress.task("a label that is longer than the terminal is wide", items=3)
    assert len(last_line(stream)) <= 29


def test_the_bar_goes_when_work_is_done_and_the_outer_one_returns() -> None:
    progress, stream, _ = make()
    outer = progress.task("outer")
    inner = progress.task("inner")
    inner.done()
    inner.done()
    assert last_line(stream) == "outer"
    outer.done()
    assert last_line(stream) == ""


def test_an_announcement_takes_the_place_of_the_bar() -> None:
    progress, stream, _ = make()
    progress.task("Adding")
    progress.note("waiting for \x1b another")
    assert "\r\x1b[Kwaiting for \\x1b another\n" in stream.getvalue()


def test_without_a_terminal_only_announcements_are_written() -> None:
    progress, stream, clock = make(has_bars=False)
    task = progress.task("Adding", items=2)
    clock.now += 5
    task.advance(1)
    progress.note("waiting")
    task.done()
    assert stream.getvalue() == "waiting\n"


def test_the_console_decides_where_bars_are_drawn() -> None:
    def drawn(stream: io.StringIO, environ: dict[str, str], *, is_quiet: bool = False) -> bool:
        it = Console(io.StringIO(), stream, is_quiet=is_quiet, environ=environ)
        it.progress.task("Adding", items=2)
        it.close()
        return "Adding" in stream.getvalue()

    assert drawn(Terminal(), {})
    assert not drawn(Terminal(), {}, is_quiet=True)
    assert not drawn(Terminal(), {"ASSAY_NO_PROGRESS": "1"})
    assert not drawn(Terminal(), {"TERM": "dumb"})
    assert not drawn(io.StringIO(), {})


def test_a_result_is_not_printed_into_a_bar() -> None:
    stream = Terminal()
    it = Console(stream, stream, environ={})
    it.progress.task("Adding")
    it.print("result")
    assert stream.getvalue().endswith("\r\x1b[Kresult\n")
