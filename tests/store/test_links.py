"""Links: tried, never assumed; a kind that failed between two devices is not tried again."""

from __future__ import annotations

import os
from pathlib import Path

from assay.store.links import (
    COPY,
    HARDLINK,
    LINK_TYPES,
    REFLINK,
    SYMLINK,
    LinkChooser,
    make_link,
    reflink,
)
from store_folders import Disk


def test_the_default_shares_no_inode() -> None:
    chooser = LinkChooser(())
    assert chooser.candidates(1, 1) == [REFLINK, COPY]
    assert not chooser.prefers_links


def test_a_copy_is_always_possible_in_the_end() -> None:
    for kind in LINK_TYPES:
        assert LinkChooser((kind,)).candidates(1, 2)[-1] == COPY


def test_what_failed_between_two_devices_is_not_tried_there_again() -> None:
    chooser = LinkChooser((HARDLINK, SYMLINK, COPY))
    assert chooser.prefers_links
    chooser.failed(HARDLINK, 1, 2)
    assert chooser.candidates(1, 2) == [SYMLINK, COPY]
    assert chooser.candidates(1, 1) == [HARDLINK, SYMLINK, COPY]


def test_links_are_made_relative_to_an_open_folder(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    (tmp_path / "to").mkdir()
    fd = os.open(tmp_path / "to", os.O_RDONLY)
    assert make_link(HARDLINK, str(tmp_path / "source"), "hard", dir_fd=fd)
    assert make_link(SYMLINK, str(tmp_path / "source"), "soft", dir_fd=fd)
    assert not make_link(HARDLINK, str(tmp_path / "source"), "hard", dir_fd=fd)
    os.close(fd)
    assert (tmp_path / "to" / "hard").samefile(tmp_path / "source")
    assert (tmp_path / "to" / "soft").readlink() == tmp_path / "source"


def test_a_hard_link_to_another_file_system_is_not_possible(tmp_path: Path, disk: Disk) -> None:
    other = disk("size=1m")
    (other / "source").write_bytes(b"x")
    assert not make_link(HARDLINK, str(other / "source"), str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_a_reflink_gives_equal_bytes_or_says_no(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 9000)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "t").open("w+b") as target:
        done = reflink(source.fileno(), target.fileno())
    assert (tmp_path / "t").read_bytes() == (b"x" * 9000 if done else b"")
