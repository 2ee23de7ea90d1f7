"""What is printed is safe, aligned, parseable, and coloured only where that is wanted."""

from __future__ import annotations

import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.cli.console import Console
from assay.cli.text import human_count, human_duration, human_size, shown


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def console(**settings: object) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    settings.setdefault("environ", {})
    return Console(out, err, **settings), out, err  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain", "plain"),
        ("grün".encode(), "grün"),
        (b"caf\xe9", "caf\\xe9"),
        (b"a\nb\tc\r", "a\\nb\\tc\\r"),
        (b"\x1b[31m", "\\x1b[31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_names_are_shown_without_tricks(name: bytes | str, text: str) -> None:
    assert shown(name) == text


@given(st.binary(max_size=50))
def test_any_name_is_one_printable_line(name: bytes) -> None:
    text = shown(name)
    assert len(text.splitlines()) <= 1
    text.encode("utf-8")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (64 << 20, "64 MiB"),
        (5 << 40, "5.0 TiB"),
        (9999 << 40, "9999 TiB"),
    ],
)
def test_sizes_are_for_people(size_bytes: int, text: str) -> None:
    assert human_size(size_bytes) == text


def test_counts_and_durations_are_for_people() -> None:
    assert human_count(1, "file") == "1 file"
    assert human_count(12345, "file") == "12,345 files"
    assert human_count(0, "entry", "entries") == "0 entries"
    assert human_duration(0.26) == "0.3 s"
    assert human_duration(12.4) == "12 s"
    assert human_duration(185) == "3 min 05 s"
    assert human_duration(7620) == "2 h 07 min"


def test_results_and_remarks_go_to_different_streams() -> None:
    it, out, err = console()
    it.print("result")
    it.say("done")
    it.note("by the way")
    it.warn("careful")
    it.detail("only with -v")
    assert out.getvalue() == "result\ndone\n"
    assert err.getvalue() == "by the way\nwarning: careful\n"


def test_quiet_leaves_results_and_warnings() -> None:
    it, out, err = console(is_quiet=True)
    it.print("result")
    it.say("done")
    it.note("by the way")
    it.warn("careful")
    it.progress.note("waiting")
    assert out.getvalue() == "result\n"
    assert err.getvalue() == "warning: careful\n"


def test_with_json_nothing_else_is_on_standard_output() -> None:
    it, out, _ = console(is_json=True)
    it.print("result")
    it.table([["a"]])
    it.json({"ü": [1, None]})
    assert json.loads(out.getvalue()) == {"ü": [1, None]}
    assert "ü" in out.getvalue()


@given(st.binary(max_size=30))
def test_any_name_survives_json(name: bytes) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", errors="strict", newline="\n")
    Console(stream, stream, is_json=True, environ={}).json({"path": os.fsdecode(name)})
    stream.flush()
    assert os.fsencode(json.loads(raw.getvalue())["path"]) == name


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_narrow_encoding_is_no_reason_to_fail(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    it = Console(stream, stream, environ={})
    it.print("ü → \udcff")
    it.json("ü → \udcff")
    stream.flush()
    assert raw.getvalue()


def test_columns_are_aligned() -> None:
    it, out, _ = console(color="always")
    it.table([["a", it.style("bb", "red"), "1"], ["ccc", "d", "22"]], right=frozenset({2}))
    it.table([])
    assert out.getvalue() == "a    \x1b[31mbb\x1b[0m   1\nccc  d   22\n"


@pytest.mark.parametrize(
    ("color", "terminal", "environ", "is_colored"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour_follows_flag_terminal_and_environment(
    color: str, terminal: bool, environ: dict[str, str], is_colored: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    it = Console(stream, stream, color=color, environ=environ)
    assert ("\x1b" in it.style("x", "bold", "green")) is is_colored
