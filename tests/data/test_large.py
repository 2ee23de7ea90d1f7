"""Sizes that real data sets have: very many files, in one folder or in many."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from projects import Project, clone


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_thousand_files_in_one_flat_folder(project: Project, tmp_path: Path) -> None:
    folder = project.root / "data"
    folder.mkdir()
    fd = os.open(folder, os.O_RDONLY)
    for number in range(200_000):
        file = os.open(f"{number:06d}.txt", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
        os.write(file, b"%d" % number)
        os.close(file)
    os.close(fd)
    project.save("all")
    assert "nfiles: 200000\n" in project.pointer()
    begun = time.monotonic()
    assert project.status() == {}
    assert time.monotonic() - begun < 20
    for number in range(0, 200_000, 50_000):
        (folder / f"{number:06d}.txt").write_text("changed")
    (folder / "000001.txt").unlink()
    (folder / "new.txt").write_text("new")
    project.save("some")
    changes = project.assay("diff", "HEAD~1", "HEAD", "--json").json()
    assert [len(changes[kind]) for kind in ("added", "deleted", "modified")] == [1, 1, 5]
    project.assay("push")
    before = project.git("rev-parse", "HEAD~1").decode()
    project.switch(before)
    assert (folder / "000001.txt").read_text() == "1"
    assert (folder / "150000.txt").read_text() == "150000"
    assert not (folder / "new.txt").exists()
    project.switch("main")
    other = clone(project, tmp_path / "other")
    other.assay("pull")
    names = os.listdir(other.root / "data")
    assert len(names) == 200_000
    for name in names[::997]:
        assert (other.root / "data" / name).read_bytes() == (folder / name).read_bytes()
    assert other.status() == {}


@pytest.mark.slow
def test_many_tracked_paths(project: Project) -> None:
    """One pointer each, as a team that tracks single files has them."""
    project.write({f"set/{n % 20}/{n}.bin": str(n) for n in range(1500)})
    project.assay("add", "--glob", "set/*/*.bin")
    project.commit()
    assert project.status() == {}
    begun = time.monotonic()
    project.assay("push")
    project.remove("set/3/3.bin")
    project.assay("checkout")
    assert project.read("set/3/3.bin") == b"3"
    assert project.status() == {}
    assert time.monotonic() - begun < 60
    packs = list(project.cache_folder.glob("packs/*/*.pack"))
    assert len(packs) < 10, "files that are added together share packs"


@pytest.mark.slow
def test_a_deep_tree(project: Project, tmp_path: Path) -> None:
    path = "/".join(["d"] * 300)
    project.write({f"data/{path}/file": "deep", "data/top": "top"})
    project.save()
    project.assay("push")
    other = clone(project, tmp_path / "other")
    other.assay("pull")
    assert other.read(f"data/{path}/file") == b"deep"
    other.write({f"data/{path}/mine": "mine"})
    other.assay("checkout", "--force")
    other.assay("undo")
    assert other.read(f"data/{path}/mine") == b"mine"
