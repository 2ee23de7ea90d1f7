"""Objects are read through one lasting process, under any name, in any repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import InvalidInput, NotFound
from assay.git.objects import ObjectReader, head_commit
from git_repositories import Git, git_in


@pytest.fixture
def commit(root: Path, git: Git) -> str:
    (root / "a.assay").write_bytes(b"outs: a\n")
    (root / "code.py").write_bytes(b"")
    (root / "sub").mkdir()
    (root / "sub" / "b.assay").write_bytes(b"\0binary\nbody\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    return git("rev-parse", "HEAD").decode()


def test_a_file_of_a_revision_is_read_byte_for_byte(root: Path, commit: str) -> None:
    with ObjectReader(root) as reader:
        assert reader.read("HEAD:a.assay") == b"outs: a\n"
        assert reader.read(f"{commit}:sub/b.assay".encode()) == b"\0binary\nbody\n"
        assert reader.read("HEAD:code.py") == b""
        assert reader.read_path("main", b"sub/b.assay") == b"\0binary\nbody\n"


def test_what_is_missing_is_none_and_does_not_upset_the_next_read(root: Path, commit: str) -> None:
    with ObjectReader(root) as reader:
        assert reader.read("HEAD:gone") is None
        assert reader.read("HEAD:gone blob 12") is None
        assert reader.read("nowhere:a.assay") is None
        assert reader.read("HEAD:a.assay") == b"outs: a\n"


def test_paths_count_from_the_readers_folder(root: Path, commit: str) -> None:
    with ObjectReader(root / "sub") as reader:
        assert reader.read_path("HEAD", b"b.assay") == b"\0binary\nbody\n"
        assert [path for path, _, _ in reader.list_tree("HEAD")] == [b"b.assay"]


@pytest.mark.parametrize("name", [b"new\nline", b"caf\xe9 \xff", b" blank ", b"-dash", b"a:b"])
def test_a_name_may_hold_any_bytes(root: Path, git: Git, name: bytes) -> None:
    (root / os.fsdecode(name)).write_bytes(b"body")
    git("add", "-A")
    git("commit", "-qm", "x")
    with ObjectReader(root) as reader:
        assert reader.read_path("HEAD", name) == b"body"
        [(path, mode, oid)] = reader.list_tree("HEAD")
        assert (path, mode) == (name, 0o100644)
        assert reader.read(oid) == b"body"
        assert reader.read_path("HEAD", name + b"\nmore") is None


def test_revisions_resolve_through_annotated_tags(root: Path, git: Git, commit: str) -> None:
    git("tag", "-am", "first", "v1")
    git("tag", "-am", "tag of a tag", "v1-again", "v1")
    with ObjectReader(root) as reader:
        for rev in ("main", "v1", "v1-again", "HEAD", commit[:10], "HEAD~0"):
            assert reader.resolve(rev) == commit


@pytest.mark.parametrize("rev", ["nowhere", "HEAD:a.assay", "HEAD~5"])
def test_an_unknown_revision_is_not_found(root: Path, commit: str, rev: str) -> None:
    with ObjectReader(root) as reader, pytest.raises(NotFound) as caught:
        reader.resolve(rev)
    assert caught.value.code == "revision-missing"


def test_an_option_is_not_a_revision(root: Path, commit: str) -> None:
    with ObjectReader(root) as reader:
        for ask in (reader.resolve, reader.list_tree, lambda r: reader.read_path(r, b"x")):
            with pytest.raises(InvalidInput):
                ask("--batch-all-objects")


def test_a_tree_is_listed_by_suffix_and_folder(root: Path, git: Git, commit: str) -> None:
    (root / "run.sh").write_text("")
    (root / "run.sh").chmod(0o755)
    os.symlink("run.sh", root / "link.assay")
    git("add", "-A")
    git("commit", "-qm", "two")
    with ObjectReader(root) as reader:
        listed = {path: mode for path, mode, _ in reader.list_tree("HEAD")}
        assert listed[b"run.sh"] == 0o100755
        assert listed[b"link.assay"] == 0o120000
        pointers = [path for path, _, _ in reader.list_tree("HEAD", b".assay")]
        assert pointers == [b"a.assay", b"link.assay", b"sub/b.assay"]
        assert [p for p, _, _ in reader.list_tree("HEAD", under=b"sub")] == [b"sub/b.assay"]


def test_an_oversized_file_is_refused_and_the_reader_goes_on(root: Path, commit: str) -> None:
    with ObjectReader(root) as reader:
        with pytest.raises(InvalidInput) as caught:
            reader.read_path("HEAD", b"sub/b.assay", max_bytes=3)
        assert caught.value.code == "git-object-too-large"
        assert reader.read_path("HEAD", b"a.assay", max_bytes=100) == b"outs: a\n"


def test_a_sha256_repository_reads_alike(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    git = git_in(folder)
    git("init", "-q", "--object-format=sha256")
    (folder / "a.assay").write_bytes(b"x")
    git("add", "-A")
    git("commit", "-qm", "one")
    with ObjectReader(folder) as reader:
        head = head_commit(folder)
        assert head is not None
        assert len(head) == 64
        assert reader.resolve("HEAD") == head
        [(_, _, oid)] = reader.list_tree("HEAD", b".assay")
        assert reader.read(oid) == reader.read("HEAD:a.assay") == b"x"


def test_before_the_first_commit_there_is_no_head(root: Path) -> None:
    assert head_commit(root) is None


def test_outside_a_repository_the_reason_is_given(tmp_path: Path) -> None:
    with ObjectReader(tmp_path) as reader, pytest.raises(NotFound) as caught:
        reader.read("HEAD:x")
    assert caught.value.code == "git-repository-missing"


def test_a_closed_reader_begins_anew(root: Path, commit: str) -> None:
    reader = ObjectReader(root)
    assert reader.read("HEAD:a.assay") == b"outs: a\n"
    reader.close()
    reader.close()
    assert reader.read("HEAD:a.assay") == b"outs: a\n"
    reader.close()
