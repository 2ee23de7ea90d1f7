"""Durable writes: a name that can be seen holds all of its bytes, or its old ones."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.errors import AssayError, Conflict, InvalidInput, Temporary
from assay.store.durable import (
    make_folder,
    process_is_running,
    publish,
    sweep_temporaries,
    sync_file_system,
    temporary_name,
    translate,
    write_all,
    write_atomic,
)
from store_folders import Disk


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomic(str(path), b"one")
    write_atomic(str(path), b"three", mode=0o600)
    assert path.read_bytes() == b"three"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["f"]


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomic(str(path), b"0" * 100_000)
    script = (
        "import sys\nfrom assay.store.durable import write_atomic\n"
        "for n in range(150):\n"
        "    write_atomic(sys.argv[1], b'%d' % (n % 10) * 100_000, durable=False)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)]) as writer:
        reads = 0
        while writer.poll() is None:
            data = path.read_bytes()
            assert len(data) == 100_000
            assert data == data[:1] * 100_000
            reads += 1
    assert writer.returncode == 0
    assert reads > 10


def test_a_failed_replacement_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomic(str(tmp_path / "folder"), b"x")
    assert os.listdir(tmp_path) == ["folder"]


def test_on_a_full_disk_the_old_bytes_stay_and_nothing_is_left_behind(disk: Disk) -> None:
    full = disk("size=64k")
    write_atomic(str(full / "f"), b"old")
    with pytest.raises(Temporary) as caught:
        write_atomic(str(full / "f"), bytes(200_000))
    assert caught.value.code == "disk-full"
    assert (full / "f").read_bytes() == b"old"
    assert os.listdir(full) == ["f"]


def test_a_read_only_disk_says_so(disk: Disk) -> None:
    with pytest.raises(Conflict) as caught:
        write_atomic(str(disk("ro") / "f"), b"x")
    assert caught.value.code == "permission-denied"


def test_publishing_creates_the_folders_it_needs(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"x")
    publish(str(tmp_path / "t"), str(tmp_path / "a" / "b" / "f"))
    assert (tmp_path / "a" / "b" / "f").read_bytes() == b"x"
    make_folder(str(tmp_path / "a" / "b"))


def test_every_byte_is_written_however_the_kernel_splits_the_call() -> None:
    ours, theirs = os.pipe()
    data = os.urandom(300_000)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
        stdin=ours,
        stdout=subprocess.PIPE,
    ) as copy:
        os.close(ours)
        write_all(theirs, data)
        os.close(theirs)
        assert copy.communicate()[0] == data


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_temporaries_of_dead_writers_go_and_all_else_stays(tmp_path: Path) -> None:
    dead = dead_process()
    (tmp_path / f"pack-{dead}-abc.tmp").write_bytes(b"x")
    (tmp_path / f"a-b-{dead}-abc.tmp").mkdir()
    (tmp_path / f"a-b-{dead}-abc.tmp" / "inside").write_bytes(b"x")
    mine = temporary_name(str(tmp_path))
    Path(mine).write_bytes(b"x")
    others = ["README", "x.tmp", "a-b.tmp", f"pack-{dead}-abc", "pack-1x-abc.tmp"]
    for name in others:
        (tmp_path / name).write_bytes(b"x")
    assert sweep_temporaries(str(tmp_path), process_is_running) == 2
    assert sorted(os.listdir(tmp_path)) == sorted([*others, os.path.basename(mine)])


def test_sweeping_a_folder_that_is_not_there_does_nothing(tmp_path: Path) -> None:
    assert sweep_temporaries(str(tmp_path / "none"), process_is_running) == 0


def test_a_process_is_running_until_it_ends() -> None:
    assert process_is_running(os.getpid())
    assert not process_is_running(dead_process())


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOSPC, Temporary, "disk-full"),
        (errno.EDQUOT, Temporary, "disk-full"),
        (errno.EIO, Temporary, "disk-error"),
        (errno.EMFILE, Temporary, "too-many-open-files"),
        (errno.EACCES, Conflict, "permission-denied"),
        (errno.EROFS, Conflict, "permission-denied"),
        (errno.ENAMETOOLONG, InvalidInput, "path-too-long"),
    ],
)
def test_what_the_system_answers_becomes_an_error_that_helps(
    number: int, kind: type[AssayError], code: str
) -> None:
    error = translate(OSError(number, os.strerror(number), "/data/x"), "elsewhere")
    assert type(error) is kind
    assert (error.code, error.paths) == (code, ("/data/x",))
    assert error.why
    assert error.fix


def test_other_answers_are_left_as_they_are() -> None:
    assert translate(OSError(errno.ENOENT, "x"), "x") is None


def test_a_file_system_is_flushed_by_itself(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    sync_file_system(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        sync_file_system(str(tmp_path / "absent"))
