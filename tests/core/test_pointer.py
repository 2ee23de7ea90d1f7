"""Pointers: what is written reads back, what people add survives, anything else is refused."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.core.dialect import NATIVE
from assay.core.pointer import Output, Pointer, parse_pointer, render
from assay.core.pointer_text import read_canonical
from assay.core.yaml_reader import read_mapping
from assay.errors import AssayError, InvalidInput

DIGEST = bytes(range(32))


def parse(data: bytes) -> Pointer:
    return parse_pointer(data, dialect=NATIVE, where="x.assay")


def write(pointer: Pointer, previous: bytes | None = None) -> bytes:
    return render(pointer, dialect=NATIVE, previous=previous)


def one(path: str = "x", **fields: Any) -> Pointer:
    return Pointer(outs=(Output(**{"digest": DIGEST, "path": path, **fields}),))


# -- the form in which pointers stand in Git ---------------------------------------------------


def test_the_text_of_a_pointer_to_a_file_never_changes() -> None:
    assert write(one("x.csv", size_bytes=123)) == (
        b"outs:\n"
        b"- blake3: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
        b"  size: 123\n"
        b"  hash: blake3\n"
        b"  path: x.csv\n"
    )


def test_the_text_of_a_pointer_to_a_folder_never_changes() -> None:
    pointer = one("data", size_bytes=7, file_count=4, is_folder=True)
    assert write(pointer) == (
        b"outs:\n"
        b"- blake3: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f.dir\n"
        b"  size: 7\n"
        b"  nfiles: 4\n"
        b"  hash: blake3\n"
        b"  path: data\n"
    )


def test_an_executable_file_says_so() -> None:
    assert b"  isexec: true\n" in write(one(is_executable=True))


ODD_NAMES = [
    "yes", "No", "ON", "null", "~", "true", ".inf", ".NaN", "-", "- a", "1", "1e5", "12:30", "0x1",
    "._", "=", "<<", "a: b", "a #b", "#a", " a", "a ", "'a'", '"a"', "a\\b", "a\nb", "a\tb", "\r",
    "caf\u00e9", "\u65e5\u672c", "\U0001f600", "\U0001f600\n", "\udcff\U0001f600", "a\udc80b",
    "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\u200b", "\ufffe", "\U000e0001", "?", "? a", "|",
    "[a]", "{a}", "!a", "&a", "*a", "%a", "@a", "`a", "...", "---", "a  b", "2026-01-02", "..a",
    "x" * 255, "d/" * 1990 + "x", "\\udc80", "a,b", ",", "1_000", "0b1", "\\", "+1", "1.", "a:",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:20]))
def test_an_odd_name_survives(name: str) -> None:
    pointer = one(name)
    assert parse(write(pointer)) == pointer
    described = one(name, extra={"desc": "yes: it is # odd"})
    assert parse(write(described)) == described


FILE_NAMES = (
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"\0", b"0"))
    | st.text(min_size=1, max_size=12)
    .map(lambda text: text.replace("\0", "0"))
    .map(lambda text: text.encode("utf-8", "replace"))
).map(os.fsdecode)
COUNTS = st.none() | st.integers(0, 2**63 - 1)
OUTPUTS = st.builds(
    Output,
    path=FILE_NAMES,
    digest=st.binary(min_size=32, max_size=32),
    size_bytes=COUNTS,
    is_executable=st.booleans(),
) | st.builds(
    Output,
    path=FILE_NAMES,
    digest=st.binary(min_size=32, max_size=32),
    is_folder=st.just(True),
    size_bytes=COUNTS,
    file_count=COUNTS,
)
POINTERS = st.lists(OUTPUTS, min_size=1, max_size=3).map(lambda outs: Pointer(outs=tuple(outs)))


@given(POINTERS)
def test_a_pointer_reads_back_equal(pointer: Pointer) -> None:
    assert parse(write(pointer)) == pointer


@given(POINTERS)
def test_the_line_reader_and_both_yaml_libraries_agree_on_what_is_written(
    pointer: Pointer,
) -> None:
    text = write(pointer)
    fields = read_canonical(text)
    assert fields is not None
    assert fields == read_mapping(text)
    assert fields == YAML(typ="safe", pure=True).load(text.decode())


@pytest.mark.parametrize("head", ["1" * 64, "12e" + "3" * 61, "0" * 64, "0b" + "1" * 62])
def test_a_digest_that_looks_like_a_number_stays_a_digest(head: str) -> None:
    pointer = one(digest=bytes.fromhex(head))
    text = write(pointer)
    assert f"'{head}'".encode() in text
    assert parse(text) == pointer
    assert YAML(typ="safe").load(text)["outs"][0]["blake3"] == head
    assert read_canonical(text) is not None


def test_reading_what_was_written_imports_no_yaml_library() -> None:
    import subprocess

    script = (
        "import sys\n"
        "from assay.core.dialect import NATIVE\n"
        "from assay.core.pointer import parse_pointer, render\n"
        "data = sys.stdin.buffer.read()\n"
        "pointer = parse_pointer(data, dialect=NATIVE, where='x')\n"
        "assert render(pointer, dialect=NATIVE, previous=data) == data\n"
        "assert not {'yaml', 'ruamel.yaml'} & set(sys.modules)\n"
    )
    text = write(one("caf\u00e9 \udc80.csv", size_bytes=1))
    subprocess.run([sys.executable, "-c", script], input=text, check=True, timeout=60)


# -- what people and other programs write -------------------------------------------------------

BY_HAND = b"""\
# Sentences of the spring collection.
desc: yes   # DVC reads this as text
wdir: sub
meta:
  owner: Ann   # who to ask
  when: 2026-01-02
  on: off
outs:
  # the folder itself
- path: data   # beside the code
  blake3: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f.dir
  hash: blake3
  size: 10
  nfiles: 2
  remote: 'nas'
  push: true
  labels: [a, "b"]
"""


def test_everything_that_people_wrote_survives_an_edit() -> None:
    pointer = parse(BY_HAND)
    new = replace(pointer.outs[0], digest=bytes(32), size_bytes=11, file_count=3)
    text = write(replace(pointer, outs=(new,)), BY_HAND)
    assert parse(text).outs[0] == new
    changed = [
        (old, now)
        for old, now in zip(BY_HAND.splitlines(), text.splitlines(), strict=True)
        if old.split() != now.split()
    ]
    assert [old.split()[0] for old, _ in changed] == [b"blake3:", b"size:", b"nfiles:"]


def test_an_edit_that_changes_nothing_changes_nothing() -> None:
    text = write(parse(BY_HAND), BY_HAND)
    assert [line.split() for line in text.splitlines()] == [
        line.split() for line in BY_HAND.splitlines()
    ]


def test_what_a_pointer_says_besides_is_known() -> None:
    pointer = parse(BY_HAND)
    assert pointer.extra["desc"] == "yes"
    assert pointer.extra["meta"]["on"] == "off"
    assert pointer.outs[0].remote == "nas"
    assert pointer.outs[0].is_pushed
    assert pointer.outs[0].is_cached
    off = parse(BY_HAND.replace(b"push: true", b"push: false\n  cache: false"))
    assert (off.outs[0].is_pushed, off.outs[0].is_cached) == (False, False)


def test_a_pointer_before_its_first_commit_has_no_digest() -> None:
    assert parse(b"outs:\n- path: a\n").outs[0].digest is None


TEXTS = st.text("ab: #'\"\n\\-1", max_size=6)
EXTRAS = st.dictionaries(
    st.sampled_from(["desc", "type", "remote", "meta", "on", "1"]),
    TEXTS | st.booleans() | st.integers() | st.lists(TEXTS, max_size=2) | st.none(),
    max_size=3,
)


@given(POINTERS, EXTRAS, EXTRAS, POINTERS, EXTRAS)
def test_keys_that_are_not_understood_survive_writing_and_edits(
    first: Pointer, top: dict[str, Any], inside: dict[str, Any], second: Pointer, other: Any
) -> None:
    before = Pointer(outs=tuple(replace(o, extra=inside) for o in first.outs), extra=top)
    text = write(before)
    assert parse(text) == before
    after = Pointer(outs=tuple(replace(o, extra=other) for o in second.outs), extra=top)
    assert parse(write(after, text)) == after


# -- everything else is refused, by name --------------------------------------------------------

HEX = DIGEST.hex().encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"outs:\n",
        b"outs: []\n",
        b"outs: {}\n",
        b"outs:\n- 1\n",
        b"outs:\n- path:\n",
        b"outs:\n- path: 1\n",
        b"outs:\n- path: ''\n",
        b'outs:\n- path: "a\\0b"\n',
        b'outs:\n- path: "\\ud800"\n',
        b"outs:\n- blake3: abc\n  path: a\n",
        b"outs:\n- blake3: " + HEX[:-2] + b"\n  path: a\n",
        b"outs:\n- blake3: " + HEX + b"00\n  path: a\n",
        b"outs:\n- blake3: [1]\n  path: a\n",
        b"outs:\n- blake3: 12\n  path: a\n",
        b"outs:\n- size: -1\n  path: a\n",
        b"outs:\n- size: true\n  path: a\n",
        b"outs:\n- size: 1.5\n  path: a\n",
        b"outs:\n- size: 9223372036854775808\n  path: a\n",
        b"outs:\n- size: " + b"9" * 5000 + b"\n  path: a\n",
        b"outs:\n- nfiles: x\n  path: a\n",
        b"outs:\n- hash: [md5]\n  path: a\n",
        b"outs:\n- path: a\n  1: b\n",
        b"1: b\nouts:\n- path: a\n",
        b"[" * 100_000,
        b"outs:\n- path: a\n" * 200_000,
        b"<<<<<<< HEAD\nouts:\n- path: a\n",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_not_a_pointer_is_refused_with_the_name_of_the_file(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(data)
    assert caught.value.code in ("pointer-invalid", "digest-invalid")
    assert "x.assay" in caught.value.what


def test_a_problem_of_the_text_names_its_line() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(b"outs:\n- path: a\n  size: [\n")
    assert "x.assay:4" in caught.value.what or "x.assay:3" in caught.value.what


def test_a_hash_that_is_not_known_is_refused_as_newer() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(b"outs:\n- sha3: 1\n  hash: sha3\n  path: a\n")
    assert caught.value.code == "pointer-newer-format"


def test_a_pointer_that_is_a_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    for key in ("blake3", "hash", "path", "size", "other"):
        bomb = "\n".join([*lines, f"outs:\n- {key}: *a29\n  path: x"])
        started = time.monotonic()
        with pytest.raises(InvalidInput):
            parse(bomb.encode())
        assert time.monotonic() - started < 5


def test_an_edit_of_text_that_cannot_be_read_is_refused() -> None:
    for previous in (b"\xff", b"outs: [", b"a: 1\na: 2\nouts:\n- path: x\n", b"[" * 100_000):
        with pytest.raises(InvalidInput) as caught:
            write(one(extra={"desc": "d"}), previous)
        assert caught.value.code == "pointer-invalid"


PARTS = """outs:@- @  @path: @blake3: @size: @nfiles: @isexec: true@hash: blake3@
@a@"@\\@'@1@.dir@#@: @[@&a @*a@\r@~@
  @
- @<<: @!!int @true@\u2028@\\ud800@wdir: """
LINES = st.sampled_from([*PARTS.split("@"), HEX.decode()])


@given(
    st.lists(LINES, max_size=30).map("".join).map(str.encode)
    | st.lists(LINES, max_size=12).map(lambda more: ("outs:\n- path: " + "".join(more)).encode())
    | st.binary(max_size=60)
)
@example(b"outs:\n- path: a\n  extra: .nan\n")
@example(b"x: &a {b: 1}\nouts:\n- <<: *a\n  path: c\n")
def test_any_bytes_are_a_pointer_or_an_error_of_ours_and_can_be_edited(data: bytes) -> None:
    try:
        pointer = parse(data)
    except AssayError:
        return
    new = tuple(replace(output, digest=DIGEST, size_bytes=5) for output in pointer.outs)
    try:
        text = write(replace(pointer, outs=new), data)
    except AssayError:
        return
    again = parse(text)
    assert [(o.path, o.digest, o.size_bytes) for o in again.outs] == [
        (o.path, o.digest, o.size_bytes) for o in new
    ]
