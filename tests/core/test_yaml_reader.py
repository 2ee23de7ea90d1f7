"""Reading other people's YAML: DVC's words, bounded work, and never a crash."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.core.yaml_reader import YamlProblem, read_mapping


def test_words_read_as_the_library_of_dvc_reads_them() -> None:
    text = b"""\
text: [yes, no, on, off, y, n, 12:30, 1:2:3, ., a b, ~a, 0x, 1e, "1", '2', 1.2.3, +, -x]
truth: [true, false, True, FALSE]
nothing: [~, null, NULL]
number: [1, -2, +3, 0, 010, 0x1f, 0o17, 0b101, 1_000, 1.5, 1e5, 1E-2, .5, -.inf]
date: 2026-01-02
"""
    assert read_mapping(text) == YAML(typ="safe").load(text)


def test_merge_keys_and_aliases_are_followed() -> None:
    text = b"base: &b {x: 1}\nouts: [{<<: *b, y: 2}]\n"
    assert read_mapping(text)["outs"] == [{"x": 1, "y": 2}]


DEEP = [
    b"[" * 1_000_000,
    b"- " * 300_000,
    b"{a: " * 200_000,
    b"? " * 300_000,
    b"a:\n" + b" - " * 999,
]


@pytest.mark.parametrize("data", DEEP, ids=lambda data: repr(data[:6]))
def test_deep_nesting_is_refused_before_it_can_crash_the_parser(data: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(YamlProblem):
        read_mapping(data)
    assert time.monotonic() - started < 5


def test_aliases_that_stand_for_billions_of_values_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(YamlProblem, match="too many"):
        read_mapping("\n".join(lines).encode())


def test_an_alias_to_its_own_container_is_refused() -> None:
    with pytest.raises(YamlProblem, match="contains it") as caught:
        read_mapping(b"x: 1\na: &a\n  b: *a\n")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"- a",
        b"text",
        b"1: 2",
        b"a: !!int ''",
        b"a: !!float x",
        b"a: !!bool x",
        b"a: !!timestamp x",
        b"a: !!python/object:os.system x",
        b"a: 2026-13-45",
        b"a: " + b"1" * 5000,
        b"a: 0x" + b"f" * 5000,
        b"a: \xff",
        b"a: 1\n---\nb: 2\n",
        b"<<<<<<< HEAD\na: 1\n=======\n",
        b'a: "\\U00110000"',
        b"a: \x00",
        b"? [a]\n: b",
    ],
)
def test_what_is_not_one_plain_mapping_is_refused(data: bytes) -> None:
    with pytest.raises(YamlProblem):
        read_mapping(data)


def test_a_problem_names_its_line() -> None:
    with pytest.raises(YamlProblem) as caught:
        read_mapping(b"a: 1\nb: [\n")
    assert caught.value.line in (2, 3)
    with pytest.raises(YamlProblem) as caught:
        read_mapping(b"a: 1\nb: \xff\n")
    assert caught.value.line == 2


PARTS = """a@: @
@- @  @[@]@{@}@&a@*a@!!int @!!binary @'@"@\\ud800@|@>@#@? @<<: @%@---
@...@1@\t@~@\x85@\x20
"""
SNIPPETS = st.sampled_from(PARTS.split("@"))


@given(st.lists(SNIPPETS, max_size=25).map("".join).map(str.encode) | st.binary(max_size=80))
def test_any_bytes_read_as_a_mapping_or_are_refused(data: bytes) -> None:
    with suppress(YamlProblem):
        assert isinstance(read_mapping(data), dict)
