"""Records are small files under refs of their own: read whole, written beside, moved together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.errors import AssayError, Conflict, IntegrityError
from assay.git import records
from assay.git.objects import ObjectReader
from assay.git.records import (
    Record,
    RefChange,
    list_refs,
    move_refs,
    read_record,
    write_record,
    write_tag,
)
from git_repositories import Git, git_in

REF, PENDING = "refs/assay/releases/bot/1.0.0", "refs/assay/pending/1"


@pytest.fixture(params=["sha1", "sha256"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with one commit, by either of Git's digests."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git = git_in(folder)
    git("init", "-q", "-b", "main", f"--object-format={request.param}")
    git("commit", "-q", "--allow-empty", "-m", "begin")
    return folder


def read(root: Path, ref: str = REF) -> Record | None:
    with ObjectReader(root) as reader:
        return read_record(reader, ref)


def write(root: Path, changed: Mapping[str, bytes], **more: object) -> str:
    given = {"before": None, "about": (), "message": "m", "pending": PENDING, **more}
    return write_record(root, changed, **given)  # type: ignore[arg-type]


def publish(root: Path, changed: Mapping[str, bytes], **more: object) -> Record:
    """Write a record over the one that is there, and move its ref."""
    before = read(root)
    new = write(root, changed, before=before, **more)
    move_refs(root, [RefChange(ref=REF, old=before.commit if before else None, new=new)])
    found = read(root)
    assert found is not None
    assert found.commit == new
    return found


def test_what_was_written_is_read(root: Path) -> None:
    assert read(root) is None
    files = {"release.json": b"{}\n", "gates/a/000001.json": b"\0\xff\n\n", "empty": b""}
    assert publish(root, files).files == files


def test_files_are_added_and_replaced_and_the_others_kept(root: Path) -> None:
    publish(root, {"a": b"1", "below/b": b"2"})
    found = publish(root, {"below/b": b"3", "below/deep/c": b"4"})
    assert found.files == {"a": b"1", "below/b": b"3", "below/deep/c": b"4"}


def test_history_is_the_first_parent_and_what_it_is_about_comes_after(root: Path, git: Git) -> None:
    about = git("rev-parse", "HEAD").decode()
    first = publish(root, {"a": b"1"}, about=[about])
    second = publish(root, {"a": b"2"}, about=[about])
    assert git("rev-list", "--parents", "-1", first.commit).decode().split() == [
        first.commit,
        about,
    ]
    assert git("rev-list", "--parents", "-1", second.commit).decode().split() == [
        second.commit,
        first.commit,
        about,
    ]


def test_nothing_counts_before_its_ref_is_moved(root: Path, git: Git) -> None:
    new = write(root, {"a": b"1"})
    assert read(root) is None
    assert list_refs(root, "refs/assay") == [PENDING]
    move_refs(root, [RefChange(ref=REF, old=None, new=new)], drop=[PENDING])
    assert list_refs(root, "refs/assay/") == [REF]
    assert git("cat-file", "-t", new) == b"commit"


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and not name.lower().startswith(".git"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example({'a\nb"\\\t': b"1", " ": b"\n", "ü/ö": b""})
@given(st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=4))
def test_odd_file_names_are_written_and_read(root: Path, files: dict[str, bytes]) -> None:
    new = write(root, files)
    git_in(root)("update-ref", REF, new)
    found = read(root)
    assert found is not None
    assert found.files == files


def test_a_ref_that_names_no_commit_is_no_record(root: Path, git: Git) -> None:
    git("update-ref", REF, git("rev-parse", "HEAD^{tree}").decode())
    assert read(root) is None


def test_a_record_that_is_far_too_large_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root, {"a": b"1" * 100, "b/c": b"2" * 100})
    for limit, value in (("_MOST_FILES", 2), ("_MOST_BYTES", 150)):
        with monkeypatch.context() as patch:
            patch.setattr(records, limit, value)
            with pytest.raises(IntegrityError) as caught:
                read(root)
            assert caught.value.code == "record-unreadable"
    monkeypatch.setattr(records, "_FILE_BYTES", 90)
    with pytest.raises(AssayError):
        read(root)


def test_a_record_of_which_git_lacks_a_file_is_refused(root: Path, git: Git) -> None:
    record = publish(root, {"a": b"1"})
    oid = git("rev-parse", f"{record.commit}:a").decode()
    (root / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(IntegrityError) as caught:
        read(root)
    assert caught.value.code == "record-unreadable"


# -- moving -------------------------------------------------------------------------------


def other(ref: str = "other") -> str:
    return f"refs/assay/{ref}"


@pytest.fixture
def commits(root: Path) -> list[str]:
    return [write(root, {"a": b"%d" % n}, pending=other(f"pending/{n}")) for n in range(3)]


RACES: dict[str, Callable[[list[str]], RefChange]] = {
    "another is there": lambda c: RefChange(ref=REF, old=c[1], new=c[2]),
    "one is there that must not be": lambda c: RefChange(ref=REF, old=None, new=c[2]),
    "none is there": lambda c: RefChange(ref=other("none"), old=c[0], new=c[2]),
}


@pytest.mark.parametrize("race", RACES)
def test_refs_move_together_or_not_at_all(root: Path, commits: list[str], race: str) -> None:
    move_refs(root, [RefChange(ref=REF, old=None, new=commits[0])])
    with pytest.raises(Conflict) as caught:
        move_refs(
            root,
            [RefChange(ref=other("first"), old=None, new=commits[1]), RACES[race](commits)],
        )
    assert (caught.value.code, caught.value.exit_code) == ("record-raced", 4)
    found = read(root)
    assert found is not None
    assert found.commit == commits[0]
    assert list_refs(root, other("first")) == []


def test_a_tag_says_who_made_it_and_why(root: Path, git: Git) -> None:
    commit = git("rev-parse", "HEAD").decode()
    for message in ("Release bot@1.0.0\n\nlonger", "ünïcode", "odd bytes \udcff", "nul\0l", ""):
        new = write_tag(root, "bot@v1.0.0", commit, message)
        body = git("cat-file", "tag", new)
        assert f"object {commit}\ntype commit\ntag bot@v1.0.0\ntagger A <a@ex".encode() in body
    assert git("rev-parse", f"{new}^{{commit}}").decode() == commit


def test_a_message_may_hold_anything(root: Path) -> None:
    for message in ("", "\0", "odd \udcff", "x\nM 100644 inline b\ndata 1\ny\n", "ü" * 1000):
        git_in(root)("update-ref", REF, write(root, {"a": b"1"}, message=message))
        found = read(root)
        assert found is not None
        assert found.files == {"a": b"1"}


def test_records_can_be_written_where_git_knows_nobody(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        for part in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{name}_{part}")
    git_in(root)("config", "user.useConfigOnly", "true")
    assert publish(root, {"a": b"1"}).files == {"a": b"1"}
    write_tag(root, "t", git_in(root)("rev-parse", "HEAD").decode(), "m")


def test_refs_are_listed_in_a_bare_repository_too(root: Path, tmp_path: Path, git: Git) -> None:
    publish(root, {"a": b"1"})
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--mirror", str(root), str(bare))
    assert list_refs(bare, "refs/assay/releases/", foreign=True, bare=True) == [REF]
    with ObjectReader(bare, bare=True, foreign=True) as reader:
        found = read_record(reader, REF)
    assert found is not None
    assert found.files == {"a": b"1"}
