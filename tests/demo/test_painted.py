"""Coloured lines are broken like plain ones, and no colour runs out of its line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.demo.painted import RESET, behind, plain, wrapped

RED, FAINT = "\x1b[31m", "\x1b[2m"

pieces = st.sampled_from([RED, "\x1b[1;32m", RESET, "word", "a", "  ", " ", '{"a":1,"b":[2]}', "│"])
texts = st.lists(pieces, max_size=30).map("".join)


@given(texts, st.integers(4, 30))
def test_lines_are_narrow_enough_and_no_word_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(len(plain(line)) <= width for line in lines)
    assert "".join(plain("".join(lines)).split()) == "".join(plain(text).split())


@given(texts, st.integers(4, 30))
def test_a_broken_line_ends_without_a_colour(text: str, width: int) -> None:
    for line in wrapped(text, width)[:-1]:
        assert line.rfind("\x1b") == line.rfind(RESET)


def test_a_colour_goes_on_behind_a_break() -> None:
    assert wrapped(f"{RED}one two{RESET} three", 5) == [
        f"{RED}one{RESET}",
        f"{RED}two{RESET}",
        "three",
    ]


def test_the_beginning_of_a_line_keeps_its_place() -> None:
    assert wrapped("    indented words", 12) == ["    indented", "words"]


def test_json_is_broken_between_its_values_and_numbers_are_not() -> None:
    assert wrapped('{"a":"long","b":["longer"]}', 16) == ['{"a":"long",', '"b":["longer"]}']
    assert wrapped("1,234,567", 9) == ["1,234,567"]


def test_what_has_a_colour_stands_out_of_a_faint_line() -> None:
    assert behind(f"a {RED}b{RESET} c", FAINT) == (f"{FAINT}a {RESET}{RED}b{RESET}{FAINT} c{RESET}")
