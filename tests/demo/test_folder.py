"""The demo takes a folder of its own or none: never one of somebody's, and never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.demo.folder import fresh_folder
from assay.errors import Conflict, InvalidInput, NotFound, Temporary
from conftest import AssayCli
from disks import small_disk


def test_a_folder_that_holds_anything_is_left_alone(assay_cli: AssayCli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("draft")
    done = assay_cli("demo", "--json", "mine", exit_code=4)
    assert done.json()["error"]["code"] == "demo-folder-in-use"
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_two_at_once_do_not_share_a_folder(tmp_path: Path) -> None:
    with fresh_folder(str(tmp_path / "new")) as first:
        (first / "begun").touch()
        with pytest.raises(Conflict), fresh_folder(str(first)):
            pass
        assert (first / ".home/bin/python").exists()


def test_the_slower_of_two_leaves_the_folder_to_the_other(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with fresh_folder(str(tmp_path / "new")) as first:
        with pytest.raises(Conflict) as caught, fresh_folder(str(tmp_path / "new")):
            pass
        assert caught.value.code == "demo-folder-in-use"
        assert (first / ".home").is_dir()


@pytest.mark.parametrize("was_there", [False, True])
def test_a_folder_in_which_nothing_began_is_as_before(tmp_path: Path, was_there: bool) -> None:
    wanted = tmp_path / "new"
    if was_there:
        wanted.mkdir()
    with pytest.raises(Temporary), fresh_folder(str(wanted)):
        raise Temporary("demo-data-unreachable", "no network")
    assert wanted.exists() is was_there
    assert not was_there or not os.listdir(wanted)


def test_what_was_made_is_kept(tmp_path: Path) -> None:
    with fresh_folder(str(tmp_path / "new")) as root:
        (root / "intents").mkdir()
    assert (tmp_path / "new" / "intents").is_dir()


def test_a_folder_inside_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project/.assay").mkdir(parents=True)
    with pytest.raises(Conflict) as caught, fresh_folder(str(tmp_path / "project/demo")):
        pass
    assert str(tmp_path / "project") in caught.value.what
    assert not (tmp_path / "project/demo").exists()


def test_a_name_that_path_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput), fresh_folder(str(tmp_path / f"a{os.pathsep}b")):
        pass
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotFound) as caught, fresh_folder(str(tmp_path / "file/demo")):
        pass
    assert caught.value.code == "path-missing"


def test_a_disk_with_too_little_room_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with pytest.raises(Temporary) as caught, fresh_folder(str(disk / "demo")):
            pass
        assert caught.value.code == "disk-full"
        assert os.listdir(disk) == []
