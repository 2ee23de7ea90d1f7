"""Walking: everything that is there, sorted by bytes, and a clear no to what cannot be tracked."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import AssayError, InvalidInput, NotFound
from assay.store.walk import (
    RESERVED_NAMES,
    SCRATCH_PREFIX,
    STAT_FIELDS,
    FolderScan,
    stat_row,
    walk_batch,
)
from store_folders import lay


def walk(root: Path, rel: bytes = b"", **options: object) -> list[FolderScan]:
    return list(walk_batch(os.fsencode(root), rel, **options))  # type: ignore[arg-type]


def paths(scans: list[FolderScan]) -> list[bytes]:
    return [os.path.join(scan.rel, name) for scan in scans for name in scan.names]


def test_every_file_is_found_with_its_stat_row(work: Path) -> None:
    lay(work, {b"b": b"12", b"a/x": b"1", b"a/b/y": b"", b"a.c": b"", b"a-": b"123"})
    scans = walk(work)
    assert [scan.rel for scan in scans] == [b"", b"a", b"a/b"]
    assert paths(scans) == [b"a-", b"a.c", b"b", b"a/x", b"a/b/y"]
    for scan in scans:
        for at, name in enumerate(scan.names):
            row = scan.stats[at * STAT_FIELDS : (at + 1) * STAT_FIELDS]
            assert tuple(row) == stat_row(os.stat(os.path.join(os.fsencode(work), scan.rel, name)))


def test_a_sub_folder_is_walked_alone(work: Path) -> None:
    lay(work, {b"a/x": b"1", b"a/b/y": b"", b"c/z": b""})
    assert [scan.rel for scan in walk(work, b"a")] == [b"a", b"a/b"]


def test_a_folder_without_anything_that_counts_is_empty(work: Path) -> None:
    lay(work, {b"empty/": b"", b"ignored/x": b"", b"full/sub/": b""})
    scans = walk(work, ignored=lambda folder: lambda path, _: path == b"ignored/x")
    empty = {scan.rel for scan in scans if scan.is_empty}
    assert empty == {b"empty", b"ignored", b"full/sub"}


NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: (
        not {0, ord("/")} & set(name)
        and name not in (b".", b"..")
        and os.fsdecode(name) not in RESERVED_NAMES
    )
)


@settings(max_examples=30)
@given(st.sets(NAMES, max_size=12), st.sets(NAMES, max_size=3))
def test_names_of_any_bytes_come_sorted_by_bytes(files: set[bytes], folders: set[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        lay(root, dict.fromkeys(files - folders, b""))
        lay(root, {folder + b"/f": b"" for folder in folders})
        scans = walk(root)
        assert scans[0].names == sorted(files - folders)
        assert [scan.rel for scan in scans[1:]] == sorted(folders)


def test_the_longest_names_and_paths_the_system_takes_are_walked(work: Path) -> None:
    long = b"/".join([b"d" * 99] * 39) + b"/" + b"n" * 95
    assert len(long) > 3990
    fd = os.open(work, os.O_RDONLY)
    parts = long.split(b"/")
    for part in parts[:-1]:
        os.mkdir(part, dir_fd=fd)
        below = os.open(part, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open(parts[-1], os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    lay(work, {b"n" * 255: b"x"})
    assert sorted(paths(walk(work))) == sorted([long, b"n" * 255])


def test_repositories_own_folders_and_scratch_files_are_never_data(work: Path) -> None:
    lay(work, {os.fsencode(name) + b"/x": b"" for name in RESERVED_NAMES})
    lay(work, {b"a/.git": b"gitdir: elsewhere", os.fsencode(SCRATCH_PREFIX) + b"1": b""})
    lay(work, {b".gitignore": b"", b"a/.hidden": b""})
    assert paths(walk(work)) == [b".gitignore", b"a/.hidden"]


def test_what_is_ignored_is_left_out_and_not_entered(work: Path) -> None:
    lay(work, {b"keep": b"", b"drop.log": b"", b"cache/x": b"", b"a/drop.log": b""})
    asked: list[tuple[bytes, bool]] = []

    def ignore(path: bytes, is_folder: bool) -> bool:
        asked.append((path, is_folder))
        return path.endswith(b".log") or (is_folder and path == b"cache")

    assert paths(walk(work, ignored=lambda folder: ignore)) == [b"keep"]
    assert (b"cache", True) in asked
    assert not [path for path, _ in asked if path.startswith(b"cache/")]


# -- links ----------------------------------------------------------------------------------


def test_links_are_followed_as_files_and_folders(work: Path) -> None:
    lay(work, {b"real/x": b"content"})
    (work / "file").symlink_to("real/x")
    (work / "folder").symlink_to("real")
    scans = walk(work)
    assert paths(scans) == [b"file", b"folder/x", b"real/x"]
    assert scans[0].stats[0] == len("content")
    assert all(stat.S_ISREG(scan.stats[4]) for scan in scans if scan.names)


def test_links_are_kept_as_links_where_asked(work: Path) -> None:
    lay(work, {b"real/x": b"content"})
    for name, target in (("file", "real/x"), ("folder", "real"), ("gone", "none"), ("me", "me")):
        (work / name).symlink_to(target)
    scans = walk(work, keep_links=True)
    assert scans[0].names == [b"file", b"folder", b"gone", b"me"]
    assert all(stat.S_ISLNK(mode) for mode in scans[0].stats[4::STAT_FIELDS])
    assert paths(scans[1:]) == [b"real/x"]


LOOPS = {
    "to itself": [("a/me", "me")],
    "to its folder": [("a/up", ".")],
    "to its root": [("a/up", "..")],
    "to a folder above the root": [("a/up", "/")],
    "to each other": [("a/x", "y"), ("a/y", "x")],
    "across two folders": [("a/to-b", "../b"), ("b/to-a", "../a")],
}


@pytest.mark.parametrize("what", list(LOOPS))
def test_a_link_that_leads_round_is_refused(work: Path, what: str) -> None:
    lay(work, {b"a/f": b"", b"b/f": b""})
    for place, target in LOOPS[what]:
        (work / place).symlink_to(target)
    with pytest.raises(InvalidInput) as caught:
        walk(work)
    assert caught.value.code == "link-loop"
    assert caught.value.paths[0].split("/")[-1] in ("me", "up", "x", "y", "to-a", "to-b")
    assert len(paths(walk(work, keep_links=True))) == 2 + len(LOOPS[what])


def test_two_links_to_one_folder_are_no_loop(work: Path) -> None:
    lay(work, {b"real/x": b""})
    (work / "one").symlink_to("real")
    (work / "two").symlink_to("real")
    assert paths(walk(work)) == [b"one/x", b"real/x", b"two/x"]


@pytest.mark.parametrize("target", ["none", "none/deeper", "f/under-a-file", "x" * 300, "\udcff"])
def test_a_link_that_leads_nowhere_is_refused_by_name(work: Path, target: str) -> None:
    lay(work, {b"f": b""})
    (work / "sub").mkdir()
    (work / "sub" / "bad").symlink_to(target)
    with pytest.raises(NotFound) as caught:
        walk(work)
    assert (caught.value.code, caught.value.paths) == ("link-dangling", ("sub/bad",))


@pytest.mark.parametrize("target", ["none", "bad"])
def test_a_bad_link_that_is_ignored_does_no_harm(work: Path, target: str) -> None:
    lay(work, {b"f": b""})
    (work / "bad").symlink_to(target)
    assert paths(walk(work, ignored=lambda _: lambda path, __: path == b"bad")) == [b"f"]


# -- what has no content ----------------------------------------------------------------------


@pytest.mark.parametrize("keep_links", [False, True])
def test_pipes_sockets_and_devices_are_refused_by_name(work: Path, keep_links: bool) -> None:
    os.mkfifo(work / "pipe")
    with pytest.raises(InvalidInput) as caught:
        walk(work, keep_links=keep_links)
    assert (caught.value.code, caught.value.paths) == ("file-special", ("pipe",))
    (work / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(work / "s"))
        with pytest.raises(InvalidInput):
            walk(work, keep_links=keep_links)
    (work / "s").unlink()
    (work / "device").symlink_to("/dev/null")
    if not keep_links:
        with pytest.raises(InvalidInput):
            walk(work)


def test_times_beyond_the_year_2262_are_walked(work: Path) -> None:
    lay(work, {b"late": b"", b"early": b""})
    os.utime(work / "late", (1, 13_000_000_000))
    os.utime(work / "early", ns=(0, -(10**18)))
    if (work / "late").stat().st_mtime < 13_000_000_000:
        pytest.skip("this file system does not keep such times")
    (scan,) = walk(work)
    assert scan.stats[STAT_FIELDS + 1] == 2**63 - 1
    assert tuple(scan.stats[STAT_FIELDS:]) == stat_row((work / "late").stat())


def test_a_folder_that_vanishes_meanwhile_is_not_there(work: Path) -> None:
    lay(work, {b"a/x": b"", b"b/x": b"", b"c/x": b""})
    found = []
    for scan in walk_batch(os.fsencode(work), b""):
        found.append(scan.rel)
        if scan.rel == b"":
            (work / "b" / "x").unlink()
            (work / "b").rmdir()
            (work / "c" / "x").unlink()
            (work / "c").rmdir()
            (work / "c").touch()
    assert found == [b"", b"a"]


def test_an_unreadable_folder_is_refused_by_name(work: Path) -> None:
    lay(work, {b"secret/x": b""})
    (work / "secret").chmod(0)
    # In a child that is nobody, because to root everything is readable.
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.chdir(work)
            if os.geteuid() == 0:
                os.seteuid(65534)
            walk(Path())
        except AssayError as error:
            code = 0 if (error.code, error.paths) == ("file-unreadable", ("secret",)) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    (work / "secret").chmod(0o755)


@pytest.mark.slow
def test_a_flat_folder_of_200000_files_is_walked(work: Path) -> None:
    fd = os.open(work, os.O_RDONLY)
    for n in range(200_000):
        os.mknod(b"%06d" % n, dir_fd=fd)
    os.close(fd)
    (scan,) = walk(work)
    assert scan.names == [b"%06d" % n for n in range(200_000)]
    assert len(scan.stats) == 200_000 * STAT_FIELDS
