"""Path rules: what a hostile manifest may not name, and what an odd but honest one may."""

from __future__ import annotations

import os
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.paths import folded_collisions, link_problem, path_problem, require_safe
from assay.errors import IntegrityError

HOSTILE = [
    b"",
    b"..",
    b"../x",
    b"a/../b",
    b"a/..",
    b".",
    b"./a",
    b"a/./b",
    b"/etc/passwd",
    b"a//b",
    b"a/",
    b"//server/share",
    b"a\0b",
    b"\0",
    b"..\\evil",
    b"a\\..\\b",
    b"\\evil",
    b"\\\\server\\share",
    b"C:evil",
    b"C:\\evil",
    b"c:/evil",
    b"a\\C:evil",
    *(
        spelling.replace(b"NAME", name)
        for name in (b"git", b"assay", b"dvc")
        for spelling in (
            b".NAME",
            b".NAME/config",
            b"a/.NAME/hooks/pre-commit",
            b"a\\.NAME\\hooks",
            b".NAME ",
            b".NAME.",
            b".NAME . .",
            b".NAME::$INDEX_ALLOCATION",
            b".NAME::$INDEX_ALLOCATION/config",
            b".NAME:stream",
            b"NAME~1",
            b"NAME~1/config",
            b"NAME~12",
            b"a/NAME~2",
        )
    ),
    b".GIT",
    b".Git/config",
    b".gIt ",
    b"GIT~1",
    b"Git~1/x",
    b".ASSAY",
    b".Dvc/config",
    b".a\xc5\xbfsay",  # LATIN SMALL LETTER LONG S folds to s
    ".g\u200cit".encode(),
    ".\u200dgit/config".encode(),
    "\ufeff.git".encode(),
    ".git\u202e".encode(),
    ".a\u206assay".encode(),
    b"x" * 4096,
]

HONEST = [
    b"a",
    b"a/b/c.txt",
    b"a b",
    b" a",
    b"-rf",
    b"--",
    b"...",
    b"a/.../b",
    b"..a",
    b"a..",
    b".gitignore",
    b".gitattributes",
    b".gitmodules",
    b".github/workflows/ci.yml",
    b".assayignore",
    b".dvcignore",
    b"data.assay",
    b"x.git",
    b"git",
    b"assay/dvc",
    b"git~",
    b"git~one",
    b"xgit~1",
    b"backup~1",
    b"a\\b",
    b"a\nb",
    b"a\tb\r",
    b"ab:c",
    b"10:30",
    b"*?<>|\"'",
    b"\xff\xfe",
    b"caf\xe9",
    "caf\u00e9".encode(),
    "\u65e5\u672c\u8a9e/\U0001f600".encode(),
    b"n" * 255,
    b"con",
    b"/".join([b"d" * 99] * 40) + b"/x",
]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: repr(path[:40]))
def test_a_hostile_path_is_refused(path: bytes) -> None:
    assert path_problem(path, windows=False)
    assert path_problem(path, windows=True)


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: repr(path[:40]))
def test_one_hostile_path_spoils_the_whole_set(path: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        require_safe([b"a", path, b"z"], where="m")
    assert caught.value.code == "path-unsafe"
    assert caught.value.what.startswith("m ")


@pytest.mark.parametrize("path", HONEST, ids=lambda path: repr(path[:40]))
def test_an_odd_but_honest_path_is_accepted(path: bytes) -> None:
    assert path_problem(path, windows=False) == ""


def test_a_set_of_honest_paths_is_accepted() -> None:
    require_safe(HONEST, where="m")
    require_safe([], where="m")


@pytest.mark.parametrize("path", [b"a\\b", b"a:b", b"a*", b"a?", b"a<b", b'a"', b"a|b"])
def test_windows_refuses_what_it_cannot_hold(path: bytes) -> None:
    assert path_problem(path, windows=True)


PIECES = st.sampled_from(
    [b"a", b".", b"..", b".git", b"GIT~1", b"/", b"\\", b":", b"\0", b" ", b".assay", b"~1"]
) | st.sampled_from([b"\xe2\x80\x8c", b"\xff", b"C:", b"dvc"])
PATHS = st.lists(PIECES, max_size=6).map(b"".join) | st.binary(max_size=12)


@given(st.lists(PATHS, max_size=5))
def test_the_quick_look_at_a_set_agrees_with_the_look_at_each_path(paths: list[bytes]) -> None:
    unsafe = any(path_problem(path) for path in paths)
    try:
        require_safe(paths, where="m")
        assert not unsafe
    except IntegrityError:
        assert unsafe


@given(PATHS)
def test_an_accepted_path_stays_where_it_says(path: bytes) -> None:
    if not path_problem(path):
        assert posixpath.normpath(b"/root/" + path) == b"/root/" + path
        assert b"\0" not in path
        windows = path.replace(b"\\", b"/")
        assert b".." not in windows.split(b"/")
        assert not {b".git", b".assay", b".dvc"} & {p.lower() for p in windows.split(b"/")}


LINKS_OUT = [
    (b"", b""),
    (b"", b"/etc/passwd"),
    (b"", b".."),
    (b"", b"../x"),
    (b"a", b"../../x"),
    (b"a/b", b"../../../x"),
    (b"a", b"x/../../.."),
    (b"a", b"x/../y"),
    (b"", b"a\0b"),
    (b"", b".git/config"),
    (b"a/b", b"../../.git/hooks"),
    (b"a", b"../.ASSAY"),
    (b"", b"C:evil"),
    (b"", b"..\\evil"),
]
LINKS_IN = [
    (b"", b"x"),
    (b"", b"x/y"),
    (b"", b"./x"),
    (b"", b"x//y/"),
    (b"a", b"../x"),
    (b"a/b", b"../../x"),
    (b"a/b", b".././../x"),
    (b"a", b".."),
    (b"", b"caf\xe9"),
    (b"", b"..."),
]


@pytest.mark.parametrize(("folder", "target"), LINKS_OUT)
def test_a_link_that_leads_out_is_refused(folder: bytes, target: bytes) -> None:
    assert link_problem(folder, target)


@pytest.mark.parametrize(("folder", "target"), LINKS_IN)
def test_a_link_that_stays_inside_is_accepted(folder: bytes, target: bytes) -> None:
    assert link_problem(folder, target) == ""


@given(
    st.sampled_from([b"", b"a", b"a/b", b"a/b/c"]),
    st.lists(st.sampled_from([b"..", b".", b"a", b"", b"up"]), min_size=1, max_size=7),
)
def test_an_accepted_link_stays_inside_even_through_other_links(
    folder: bytes, parts: list[bytes]
) -> None:
    # The worst neighbour that is accepted itself: a link from anywhere to the root.
    target = b"/".join(parts)
    if link_problem(folder, target):
        return
    at = [part for part in folder.split(b"/") if part]
    for part in parts:
        if part == b"..":
            assert at, "climbed out"
            at.pop()
        elif part == b"up":
            at = []
        elif part not in (b"", b"."):
            at.append(part)


def test_paths_that_a_folding_file_system_mixes_up_are_found() -> None:
    composed, decomposed = "\u00e9".encode(), "e\u0301".encode()
    assert folded_collisions([b"A/x", b"a/y"]) == [(b"A", b"a")]
    assert folded_collisions([b"x/README", b"x/readme"]) == [(b"x/README", b"x/readme")]
    assert folded_collisions([composed, decomposed]) == [(composed, decomposed)]
    assert folded_collisions(["stra\u00dfe".encode(), b"STRASSE"])
    assert folded_collisions([b"a", b"b", b"a/b", b"\xff", b"\xfe"]) == []


def test_names_of_any_bytes_survive_the_way_through_text() -> None:
    for value in range(1, 256):
        raw = b"a" + bytes([value])
        assert os.fsencode(os.fsdecode(raw)) == raw
