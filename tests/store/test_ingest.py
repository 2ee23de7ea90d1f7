"""Taking files in: what is stored is what was there, or the command says why not."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InvalidInput, NotFound, Temporary
from assay.store.cache import Cache
from assay.store.ingest import IngestOptions, batches_of, ingest
from assay.store.packs import PACK_OBJECT_LIMIT
from assay.store.walk import STAT_FIELDS, stat_row, walk_batch
from store_folders import Disk, blob, check_everything, contents, lay, some_files, take_in

LARGE = PACK_OBJECT_LIMIT + 1


def large(seed: int = 1, size: int = LARGE) -> bytes:
    return random.Random(seed).randbytes(size)


def stored(cache: Cache, digest: bytes) -> bytes:
    with Cache(cache.root).open_blob(digest) as file:
        return file.read()


# -- plain cases -----------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_file_is_stored_under_the_digest_of_its_content(
    cache: Cache, work: Path, jobs: int
) -> None:
    files = some_files(2100, largest=300) | {b"big": large(), b"a/bigger": large(2, 3 << 20)}
    lay(work, files)
    digests = take_in(cache, work, jobs=jobs)
    assert digests == {path: blob(data) for path, data in files.items()}
    assert check_everything(Path(cache.root)) == set(digests.values())
    for path in (b"big", b"a/bigger", b"f01/n00001"):
        assert stored(cache, digests[path]) == files[path]
    assert not os.listdir(cache.tmp_folder)


SIZES = [0, 1, PACK_OBJECT_LIMIT - 1, PACK_OBJECT_LIMIT, PACK_OBJECT_LIMIT + 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["reflink", "copy", "hardlink", "symlink"])
def test_files_around_the_limit_of_packs_are_stored_in_every_mode(
    cache: Cache, work: Path, size: int, kind: str
) -> None:
    data = large(size=size)
    lay(work, {b"f": data})
    digests = take_in(cache, work, link_types=(kind,))
    assert digests == {b"f": blob(data)}
    assert stored(cache, blob(data)) == data
    assert (work / "f").read_bytes() == data
    is_loose = os.path.exists(cache.loose_path(blob(data)))
    assert is_loose == (size > PACK_OBJECT_LIMIT or (size > 0 and kind in ("hardlink", "symlink")))


def test_equal_content_is_stored_once(cache: Cache, work: Path) -> None:
    lay(work, {b"%d" % n: b"same" for n in range(50)} | {b"x": large(), b"y": large()})
    take_in(cache, work)
    assert len(check_everything(Path(cache.root))) == 2
    lay(work, {b"another": b"same"})
    take_in(Cache(cache.root), work)
    assert len(list(Path(cache.packs_folder).rglob("*.pack"))) == 1


def test_hashing_alone_writes_nothing(cache: Cache, work: Path) -> None:
    lay(work, {b"a": b"1", b"b": large()})
    scans = list(walk_batch(os.fsencode(work), b""))
    before = contents(Path(cache.root))
    ((_, result),) = ingest(cache, os.fsencode(work), scans, IngestOptions(store=False))
    assert result.digests == blob(b"1") + blob(large())
    assert contents(Path(cache.root)) == before


def test_names_of_any_bytes_and_paths_of_4000_bytes_are_taken_in(cache: Cache, work: Path) -> None:
    files = {bytes([n]): b"%d" % n for n in range(1, 256) if n not in b"./"}
    long = b"/".join([b"d" * 99] * 39) + b"/" + b"n" * 95
    lay(work, files)
    fd = os.open(work, os.O_RDONLY)
    for part in long.split(b"/")[:-1]:
        os.mkdir(part, dir_fd=fd)
        below = os.open(part, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    with open(os.open(b"n" * 95, os.O_CREAT | os.O_WRONLY, dir_fd=fd), "wb") as file:
        file.write(b"deep")
    os.close(fd)
    digests = take_in(cache, work)
    assert digests == {path: blob(data) for path, data in files.items()} | {long: blob(b"deep")}


def test_a_sparse_file_stays_sparse_in_the_cache(cache: Cache, work: Path) -> None:
    with (work / "sparse").open("wb") as file:
        file.truncate(50 << 20)
        file.seek(20 << 20)
        file.write(b"island")
    (digest,) = take_in(cache, work, link_types=("copy",)).values()
    assert digest == blob((work / "sparse").read_bytes())
    assert os.stat(cache.loose_path(digest)).st_blocks < 100


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 700), st.integers(0, 40 << 20)), max_size=3))
def test_batches_are_bounded_and_lose_no_file(folders: list[tuple[int, int]]) -> None:
    from array import array

    from assay.store.walk import FolderScan

    scans = [
        FolderScan(
            b"%d" % n,
            [b"%d" % k for k in range(count)],
            array("q", [size // count, 0, 0, 0, 0] * count),
            False,
        )
        for n, (count, size) in enumerate(folders)
    ]
    batches = list(batches_of(scans))
    assert [(b.rel, name) for b in batches for name in b.names] == [
        (scan.rel, name) for scan in scans for name in scan.names
    ]
    for batch in batches:
        assert 0 < len(batch.names) <= 512
        assert len(batch.stats) == len(batch.names) * STAT_FIELDS
        assert sum(batch.stats[:-STAT_FIELDS:STAT_FIELDS]) < 16 << 20


# -- links ----------------------------------------------------------------------------------


def test_links_are_followed(cache: Cache, work: Path) -> None:
    lay(work, {b"d/x": b"content"})
    (work / "file").symlink_to("d/x")
    (work / "folder").symlink_to("d")
    digests = take_in(cache, work)
    assert set(digests) == {b"d/x", b"file", b"folder/x"}
    assert set(digests.values()) == {blob(b"content")}


def test_a_kept_link_is_stored_as_the_text_of_its_target(cache: Cache, work: Path) -> None:
    (work / "d").mkdir()
    (work / "d" / "l").symlink_to("../\udcffnone")
    assert take_in(cache, work, keep_links=True) == {b"d/l": blob(b"../\xffnone")}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "a/../../..", ".git/config"])
def test_a_kept_link_that_leads_out_is_refused_by_name(
    cache: Cache, work: Path, target: str
) -> None:
    (work / "l").symlink_to(target)
    with pytest.raises(InvalidInput) as caught:
        take_in(cache, work, keep_links=True)
    assert (caught.value.code, caught.value.paths) == ("link-untrackable", ("l",))


def test_hard_link_mode_shares_the_inode_of_large_and_small_files(cache: Cache, work: Path) -> None:
    lay(work, {b"big": large(), b"small": b"s"})
    (work / "big").chmod(0o644)
    digests = take_in(cache, work, link_types=("hardlink",))
    assert os.path.samefile(work / "big", cache.loose_path(digests[b"big"]))
    assert (work / "big").stat().st_mode & 0o777 == 0o444
    assert os.path.exists(cache.loose_path(digests[b"small"]))


def test_an_executable_never_shares_its_inode(cache: Cache, work: Path) -> None:
    lay(work, {b"run": large()})
    (work / "run").chmod(0o755)
    digests = take_in(cache, work, link_types=("hardlink",))
    place = Path(cache.loose_path(digests[b"run"]))
    assert not place.samefile(work / "run")
    assert (work / "run").stat().st_mode & 0o777 == 0o755
    assert place.stat().st_mode & 0o777 == 0o444


def test_a_cache_on_another_file_system_gets_copies(work: Path, disk: Disk) -> None:
    cache = Cache(str(disk("size=8m") / "cache"))
    lay(work, {b"big": large(), b"s": b"s"})
    for kinds in (("hardlink",), ("reflink", "copy"), ("symlink",)):
        digests = take_in(cache, work, link_types=kinds)
        assert stored(cache, digests[b"big"]) == large()
    check_everything(Path(cache.root))


# -- files that change, and files that go ------------------------------------------------------


def walked(work: Path) -> list:
    return list(walk_batch(os.fsencode(work), b""))


@pytest.mark.parametrize("size", [100, LARGE])
def test_a_file_that_changed_since_the_walk_is_taken_as_it_is_now(
    cache: Cache, work: Path, size: int
) -> None:
    lay(work, {b"f": large(1, size), b"g": b"same"})
    scans = walked(work)
    lay(work, {b"f": large(2, size + 50)})
    with cache.writing():
        ((_, result),) = ingest(cache, os.fsencode(work), scans, IngestOptions())
    assert result.digests[:32] == blob(large(2, size + 50))
    assert list(result.restated) == [0]
    assert result.restated[0] == stat_row((work / "f").stat())
    assert stored(cache, result.digests[:32]) == large(2, size + 50)


@pytest.mark.parametrize("size", [100, LARGE])
@pytest.mark.parametrize("kind", ["copy", "hardlink"])
def test_a_same_size_edit_with_the_old_time_restored_is_not_overlooked(
    cache: Cache, work: Path, size: int, kind: str
) -> None:
    lay(work, {b"f": large(1, size)})
    scans = walked(work)
    times = (work / "f").stat()
    lay(work, {b"f": large(2, size)})
    os.utime(work / "f", ns=(times.st_atime_ns, times.st_mtime_ns))
    with cache.writing():
        ((_, result),) = ingest(cache, os.fsencode(work), scans, IngestOptions(link_types=(kind,)))
    assert result.digests == blob(large(2, size))
    assert result.restated


@pytest.mark.parametrize("what", ["file", "folder", "folder became a file", "link"])
def test_what_vanished_since_the_walk_is_named(cache: Cache, work: Path, what: str) -> None:
    lay(work, {b"d/f": b"1"})
    (work / "d" / "l").symlink_to("f")
    scans = list(walk_batch(os.fsencode(work), b"", keep_links=True))
    (work / "d" / "l").unlink()
    if what != "link":
        (work / "d" / "f").unlink()
    if what.startswith("folder"):
        (work / "d").rmdir()
    if what == "folder became a file":
        (work / "d").touch()
    with pytest.raises(NotFound) as caught, cache.writing():
        list(ingest(cache, os.fsencode(work), scans, IngestOptions()))
    assert caught.value.code == "file-vanished"
    assert caught.value.paths[0].startswith("d")
    assert not os.listdir(cache.tmp_folder)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("size", [0, 100, LARGE])
def test_a_pipe_that_took_a_files_name_is_refused_and_not_waited_for(
    cache: Cache, work: Path, size: int
) -> None:
    lay(work, {b"f": large(1, size)})
    scans = walked(work)
    (work / "f").unlink()
    os.mkfifo(work / "f")
    with pytest.raises(InvalidInput) as caught, cache.writing():
        list(ingest(cache, os.fsencode(work), scans, IngestOptions()))
    assert caught.value.code == "file-special"


def test_an_unreadable_file_is_refused_by_name(cache: Cache, work: Path) -> None:
    lay(work, {b"d/secret": b"x"})
    (work / "d" / "secret").chmod(0)
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.chdir(work)
            if os.geteuid() == 0:
                os.seteuid(65534)
            list(ingest(cache, b".", list(walk_batch(b".", b"")), IngestOptions(store=False)))
        except InvalidInput as error:
            code = 0 if (error.code, error.paths) == ("file-unreadable", ("d/secret",)) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


APPEND = """
import sys
file = open(sys.argv[1], "ab", buffering=0)
print("go", flush=True)
for n in range(100_000):
    file.write(b"".join(b"%07d\\n" % k for k in range(n * 8, n * 8 + 8)))
"""


@pytest.mark.parametrize("size", [0, 300_000])
def test_a_file_that_grows_all_the_time_is_refused_or_taken_at_one_moment(
    cache: Cache, work: Path, size: int
) -> None:
    path = work / "log"
    path.write_bytes(large(1, size))
    with subprocess.Popen(
        [sys.executable, "-c", APPEND, str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        for _ in range(6):
            scans = walked(work)
            try:
                with cache.writing():
                    ((_, result),) = ingest(cache, os.fsencode(work), scans, IngestOptions())
            except Temporary as error:
                assert (error.code, error.paths) == ("file-changing", ("log",))  # noqa: PT017
                continue
            length = result.restated[0][0] if result.restated else scans[0].stats[0]
            assert result.digests == blob(path.read_bytes()[:length])
        writer.kill()
    check_everything(Path(cache.root))
    assert not os.listdir(cache.tmp_folder)


class Rewriter(threading.Thread):
    """Writes a file's whole content in place, again and again; odd while it writes."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__()
        self.path, self.size, self.count, self.is_done = path, size, 0, False
        self.states = {blob(bytes([65 + n]) * size) for n in range(26)}
        path.write_bytes(b"A" * size)

    def run(self) -> None:
        fd = os.open(self.path, os.O_WRONLY)
        while not self.is_done:
            self.count += 1
            os.pwrite(fd, bytes([65 + self.count // 2 % 26]) * self.size, 0)
            self.count += 1
            time.sleep(0.001)
        os.close(fd)

    def __enter__(self) -> Rewriter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_done = True
        self.join()


@pytest.mark.parametrize("size", [60_000, 600_000])
@pytest.mark.parametrize("kind", ["copy", "hardlink"])
def test_a_file_that_is_rewritten_in_place_is_refused_or_taken_at_one_moment(
    cache: Cache, work: Path, size: int, kind: str
) -> None:
    with Rewriter(work / "f", size) as writer:
        for _ in range(12):
            before = writer.count
            scans = walked(work)
            # A single write call that was under way already has set the times it will set: what
            # it still changes no file system tells.  All else must be noticed.
            is_tellable = before % 2 == 0 and before == writer.count
            try:
                with cache.writing():
                    ((_, result),) = ingest(
                        cache, os.fsencode(work), scans, IngestOptions(link_types=(kind,))
                    )
                assert result.digests in writer.states or result.restated or not is_tellable
            except Temporary as error:
                assert error.code == "file-changing"  # noqa: PT017
    if kind == "copy":
        check_everything(Path(cache.root))


def test_a_file_that_is_replaced_while_it_is_linked_never_gives_its_name_to_other_bytes(
    cache: Cache, work: Path
) -> None:
    stop = threading.Event()
    (work / "f").write_bytes(large(0))

    def replace() -> None:
        n = 0
        while not stop.is_set():
            (work / "new").write_bytes(large(n % 20))
            os.replace(work / "new", work / "f")
            n += 1

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(25):
            scans = walked(work)
            for scan in scans:
                if b"new" in scan.names:
                    scan.names.remove(b"new")
                    del scan.stats[STAT_FIELDS:]
            try:
                with cache.writing():
                    list(
                        ingest(
                            cache,
                            os.fsencode(work),
                            scans,
                            IngestOptions(link_types=("hardlink",)),
                        )
                    )
            except (Temporary, NotFound):
                continue
    finally:
        stop.set()
        thread.join()
    check_everything(Path(cache.root))


def test_fresh_files_are_read_only_after_a_tick_of_the_clock(cache: Cache, work: Path) -> None:
    lay(work, {b"f": b"x"})
    scans = walked(work)
    ctime = scans[0].stats[2]
    slept: list[float] = []

    def run(stamp_ns: int) -> None:
        options = IngestOptions(store=False, stamp_ns=stamp_ns)
        list(ingest(cache, os.fsencode(work), scans, options, sleep=slept.append))

    run(ctime + 1)
    assert not slept, "older than the look: no write can hide in its tick"
    run(ctime)
    run(0)
    assert len(slept) == 2


# -- scarce means and sudden ends ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_stores_nothing_wrong_and_leaves_nothing_behind(
    work: Path, disk: Disk, kind: str, jobs: int
) -> None:
    cache = Cache(str(disk("size=1500k") / "cache"))
    lay(work, {b"first": b"f"})
    first = take_in(cache, work)
    lay(work, {b"big": large(1, 1 << 20), b"bigger": large(2, 1 << 20)})
    lay(work, some_files(2100, largest=1500))
    with pytest.raises(Temporary) as caught:
        take_in(cache, work, link_types=(kind,), jobs=jobs)
    assert caught.value.code == "disk-full"
    assert not os.listdir(cache.tmp_folder)
    assert check_everything(Path(cache.root)) >= set(first.values())


def test_few_open_files_are_enough(cache: Cache, work: Path) -> None:
    files = some_files(300) | {b"d%d/f" % n: b"%d" % n for n in range(50)} | {b"big": large()}
    lay(work, files)
    script = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
        "from pathlib import Path\nsys.path.insert(0, sys.argv[3])\n"
        "from store_folders import Cache, take_in\n"
        "print(len(take_in(Cache(sys.argv[1]), Path(sys.argv[2]))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, cache.root, str(work), str(Path(__file__).parent.parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{len(files)}\n", done.stderr
    assert check_everything(Path(cache.root)) == {blob(data) for data in files.values()}


def test_the_mode_of_stored_objects_is_read_only(cache: Cache, work: Path) -> None:
    lay(work, {b"a": b"1", b"b": large()})
    take_in(cache, work)
    for path in [*Path(cache.root, "packs").rglob("*.pack"), *Path(cache.index_folder).iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o333
    assert not Path(cache.loose_path(blob(large()))).stat().st_mode & 0o333
