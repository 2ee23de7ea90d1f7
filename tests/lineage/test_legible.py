"""Any text on one line, with nothing in it that acts on what is beside it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given

from assay.lineage.legible import columns, legible
from assay.lineage.measure import shortened, text_width, wrapped
from lineage_graphs import ANY_TEXT


@pytest.mark.parametrize(
    "text", ["plain", "  two blanks ", "naïve café", "漢字", "שלום", "👍", "e\u0301"]
)
def test_what_can_be_read_stays_as_it_is(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("gpj.\u202efdp", r"gpj.\u202efdp"),
        ("a\u00a0b", r"a\xa0b"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"\xff.csv"), r"\xff.csv"),
        ("\ud800", r"\ud800"),
        ("Z" + "\u0300" * 4, "Z" + "\u0300" * 2 + r"\u0300\u0300"),
    ],
)
def test_what_acts_or_hides_is_spelled_out(text: str, shown: str) -> None:
    assert legible(text) == shown


@given(ANY_TEXT)
def test_the_result_can_be_printed_and_is_legible_itself(text: str) -> None:
    shown = legible(text)
    assert shown.isprintable()
    assert legible(shown) == shown
    assert legible(text, is_ascii=True).isascii()


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("", 0)])
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width


@given(ANY_TEXT)
def test_a_shortened_text_fits_and_is_cut_only_if_it_has_to_be(text: str) -> None:
    text = legible(text)
    short = shortened(text, 120, 12)
    assert text_width(short, 12) <= 120 + 1e-6
    assert (short == text) == (text_width(text, 12) <= 120)


@given(ANY_TEXT)
def test_wrapped_lines_fit_and_are_not_too_many(text: str) -> None:
    lines = list(wrapped(legible(text), 120, 12, most_lines=2))
    assert len(lines) <= 2
    assert all(text_width(line, 12) <= 120 + 1e-6 for line in lines)
