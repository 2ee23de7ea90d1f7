"""Every object store keeps the port's contract; a folder also survives what folders meet."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError, NotFound, RemoteRefused, Temporary
from assay.store.objectstore import local
from assay.store.objectstore.local import UNFINISHED, LocalStore
from assay.testing.objectstore_memory import Clock, MemoryStore
from assay.testing.objectstore_suite import ObjectStoreSuite, keys_of


class TestMemoryStore(ObjectStoreSuite):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(Clock())


class TestLocalStore(ObjectStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        store = LocalStore(str(tmp_path / "remote"))
        store.create()
        return store


class TestFileSystemWithoutLinksOrKernelCopies(ObjectStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
        def refuse(*_: Any, **__: Any) -> None:
            raise OSError(errno.EOPNOTSUPP, "not on this file system")

        monkeypatch.setattr(os, "link", refuse)
        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
        store = LocalStore(str(tmp_path / "remote"))
        store.create()
        return store


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(str(tmp_path / "remote"))
    store.create()
    return store


def test_a_root_that_is_absent_is_named_and_not_made(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "remote"))
    for use in (
        lambda: store.get("k"),
        lambda: store.head("k"),
        lambda: store.put("k", b""),
        lambda: store.put("a/k", b"", create_only=True),
        lambda: store.put_many([("a/k", b"")]),
        lambda: store.delete("k"),
        lambda: list(store.list("")),
        store.now_ns,
    ):
        with pytest.raises(NotFound) as caught:
            use()
        assert caught.value.code == "remote-missing"
        assert "mounted" in caught.value.why
    assert not (tmp_path / "remote").exists()


def test_a_root_is_made_only_inside_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        LocalStore(str(tmp_path / "nas" / "remote")).create()
    assert not (tmp_path / "nas").exists()


@pytest.mark.parametrize(
    ("number", "error", "code"),
    [
        (errno.EACCES, RemoteRefused, "remote-denied"),
        (errno.EROFS, RemoteRefused, "remote-denied"),
        (errno.ENOSPC, Temporary, "remote-full"),
        (errno.EDQUOT, Temporary, "remote-full"),
        (errno.EIO, Temporary, "remote-unavailable"),
        (errno.ESTALE, Temporary, "remote-unavailable"),
    ],
)
def test_the_systems_answers_become_errors_that_help(
    store: LocalStore,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[AssayError],
    code: str,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local, "write_all", refuse)
    with pytest.raises(error) as caught:
        store.put("a/k", b"value")
    assert caught.value.code == code
    assert keys_of(store) == set()
    assert os.listdir(os.path.join(store.root, UNFINISHED)) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_a_folder_that_may_not_be_written_refuses(store: LocalStore) -> None:
    os.chmod(store.root, 0o555)
    try:
        with pytest.raises(RemoteRefused):
            store.put("k", b"")
    finally:
        os.chmod(store.root, 0o755)


def test_links_out_of_the_remote_are_never_followed(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "k").write_bytes(b"secret")
    os.symlink(outside, os.path.join(store.root, "packs"))
    os.symlink(outside / "k", os.path.join(store.root, "k"))
    for use in (
        lambda: store.get("packs/k"),
        lambda: store.put("packs/new", b""),
        lambda: store.delete("packs/k"),
        lambda: list(store.list("packs/")),
    ):
        with pytest.raises(RemoteRefused) as caught:
            use()
        assert caught.value.code == "remote-link"
    with pytest.raises(NotFound):
        store.get("k")
    assert store.head("k") is None
    assert keys_of(store) == set()
    store.put("k", b"mine")
    assert (outside / "k").read_bytes() == b"secret"


def test_what_dead_writers_left_is_swept_by_age(store: LocalStore) -> None:
    store.put("k", b"kept")
    left = Path(store.root, UNFINISHED, "t-999-abc.tmp")
    left.write_bytes(b"half")
    os.utime(left, ns=(10**9, 10**9))
    assert keys_of(store) == {"k"}
    assert store.sweep_unfinished(10**9) == 0
    assert store.sweep_unfinished(store.now_ns()) == 1
    assert not left.exists()


def test_nothing_is_left_behind(store: LocalStore) -> None:
    store.put("a/k", b"1")
    store.put("a/k", b"2", create_only=True)
    store.put_many([("b/k", b"")] * 20)
    store.now_ns()
    assert os.listdir(os.path.join(store.root, UNFINISHED)) == []
