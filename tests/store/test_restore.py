"""Writing out: verified bytes or none, never through a link, each file for itself."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core.digest import ObjectKind
from assay.core.manifest import EXECUTABLE, FILE, FOLDER, SYMLINK, Entry, from_entries
from assay.errors import Conflict, IntegrityError, NotFound, Temporary
from assay.store.batches import batches_of
from assay.store.cache import Cache
from assay.store.ingest import write_loose
from assay.store.packs import PACK_OBJECT_LIMIT
from assay.store.restore import open_chain
from assay.store.walk import SCRATCH_PREFIX, stat_row
from store_folders import (
    Disk,
    Files,
    blob,
    contents,
    entries_of,
    lay,
    some_files,
    store,
    take_in,
    write_out,
)

LARGE = PACK_OBJECT_LIMIT + 1
KINDS = ["reflink", "copy", "hardlink", "symlink"]


def large(seed: int = 1, size: int = LARGE) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def scratches(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.startswith(SCRATCH_PREFIX)]


def filled(cache: Cache, work: Path, files: Files) -> Files:
    lay(work, files)
    take_in(cache, work, link_types=("copy",))
    return files


# -- plain cases -----------------------------------------------------------------------------


MANY = pytest.mark.slow  # two flushes for each of two thousand links


@pytest.mark.parametrize(
    ("kind", "jobs"),
    [
        *((kind, 1) for kind in KINDS),
        ("copy", 2),
        pytest.param("hardlink", 2, marks=MANY),
        pytest.param("symlink", 2, marks=MANY),
    ],
)
def test_what_was_taken_in_is_written_out_again(
    cache: Cache, work: Path, target: Path, kind: str, jobs: int
) -> None:
    files = some_files(2000 if jobs > 1 else 100, largest=300)
    files |= {b"big": large(), b"a/bigger": large(2, 3 << 20), b"empty": b""}
    filled(cache, work, files)
    assert write_out(cache, target, entries_of(files), link_types=(kind,), jobs=jobs) == {}
    assert contents(target) == files
    assert not scratches(target)


NAMES = st.binary(min_size=1, max_size=10).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)


@settings(max_examples=25)
@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=8))
def test_names_of_any_bytes_are_written(files: Files) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        cache = Cache(os.path.join(name, "cache"))
        store(cache, *files.values())
        os.mkdir(os.path.join(name, "target"))
        target = Path(name, "target")
        rows = entries_of({b"sub/" + path: data for path, data in files.items()})
        assert write_out(cache, target, rows) == {}
        assert contents(target) == {b"sub/" + path: data for path, data in files.items()}
        cache.close()


def test_a_path_of_4000_bytes_and_a_name_of_255_are_written(cache: Cache, target: Path) -> None:
    long = b"/".join([b"d" * 99] * 39) + b"/" + b"n" * 95
    files = {long: b"deep", b"n" * 255: b"wide"}
    store(cache, *files.values())
    assert write_out(cache, target, entries_of(files)) == {}
    assert (target / os.fsdecode(b"n" * 255)).read_bytes() == b"wide"
    fd = os.open(target, os.O_RDONLY)
    with open(os.open(long, os.O_RDONLY, dir_fd=fd), "rb") as file:
        assert file.read() == b"deep"
    os.close(fd)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 10, LARGE])
def test_an_executable_is_executable_and_a_plain_file_is_not(
    cache: Cache, work: Path, target: Path, kind: str, size: int
) -> None:
    data = large(size=size)
    filled(cache, work, {b"x": data})
    rows = [Entry(b"run", size, EXECUTABLE, blob(data)), Entry(b"plain", size, FILE, blob(data))]
    for _ in range(2):
        assert write_out(cache, target, rows, link_types=(kind,)) == {}
        assert os.access(target / "run", os.X_OK)
        assert not (target / "plain").stat().st_mode & 0o111
        assert (target / "run").read_bytes() == (target / "plain").read_bytes() == data
        for path in target.iterdir():
            path.unlink()


def test_new_files_obey_the_umask(cache: Cache, target: Path) -> None:
    store(cache, b"x")
    old = os.umask(0o027)
    try:
        write_out(cache, target, entries_of({b"f": b"x"}) + entries_of({b"r": b"x"}, EXECUTABLE))
    finally:
        os.umask(old)
    assert (target / "f").stat().st_mode & 0o777 == 0o640
    assert (target / "r").stat().st_mode & 0o777 == 0o750


def test_hard_and_symbolic_links_lead_to_a_read_only_object(
    cache: Cache, work: Path, target: Path
) -> None:
    files = filled(cache, work, {b"big": large(), b"small": b"s"})
    for kind in ("hardlink", "symlink"):
        write_out(cache, target, entries_of(files), link_types=(kind,))
        for path, data in files.items():
            place = target / os.fsdecode(path)
            assert place.samefile(cache.loose_path(blob(data)))
            assert place.is_symlink() == (kind == "symlink")
            assert place.stat().st_mode & 0o777 == 0o444
            place.unlink()


def test_an_empty_file_is_never_linked(cache: Cache, target: Path) -> None:
    store(cache, b"")
    write_out(cache, target, entries_of({b"e": b""}), link_types=("hardlink",))
    assert (target / "e").stat().st_nlink == 1
    assert (target / "e").stat().st_mode & 0o200


def test_links_to_another_file_system_become_copies(cache: Cache, work: Path, disk: Disk) -> None:
    files = filled(cache, work, {b"big": large(), b"small": b"s"})
    target = disk("size=4m")
    assert write_out(cache, target, entries_of(files), link_types=("hardlink",)) == {}
    assert contents(target) == files


def test_a_sparse_object_stays_sparse(cache: Cache, work: Path, target: Path) -> None:
    with (work / "f").open("wb") as file:
        file.truncate(30 << 20)
        file.write(b"head")
    take_in(cache, work, link_types=("copy",))
    data = (work / "f").read_bytes()
    assert write_out(cache, target, entries_of({b"f": data}), link_types=("copy",)) == {}
    assert (target / "f").stat().st_blocks < 100
    assert (target / "f").read_bytes() == data


def test_empty_folders_are_not_files(cache: Cache, target: Path) -> None:
    store(cache, b"x")
    rows = [*entries_of({b"a/f": b"x"}), Entry(b"empty", 0, FOLDER, bytes(32))]
    assert write_out(cache, target, rows) == {}
    assert [batch.rel for batch in batches_of(from_entries(rows), b"", {})] == [b"a"]


def test_batches_below_a_folder_name_it_once(cache: Cache) -> None:
    rows = from_entries(entries_of({b"f": b"", b"a/g": b""}))
    row = (1, 2, 3, 4, 5)
    batches = list(batches_of(rows, b"top", {b"top/a/g": row, b"f": row}))
    assert [(b.rel, b.names, b.replaces) for b in batches] == [
        (b"top/a", [b"g"], {b"g": row}),
        (b"top", [b"f"], {}),
    ]


# -- symbolic links as entries ------------------------------------------------------------------


@pytest.mark.parametrize("is_loose", [False, True])
def test_a_link_is_written_as_a_link(cache: Cache, target: Path, is_loose: bool) -> None:
    link = b"../x\xff/y"
    if is_loose:
        write_loose(cache, blob(link), link)
    else:
        store(cache, link)
    assert write_out(cache, target, [Entry(b"d/l", 6, SYMLINK, blob(link))]) == {}
    assert os.readlink(os.fsencode(target / "d" / "l")) == link


@pytest.mark.parametrize("is_loose", [False, True])
@pytest.mark.parametrize(
    "link", [b"/etc/passwd", b"../../x", b"a/../..", b"", b"a\0b", b".git/hooks/x", b"x" * 5000]
)
def test_a_hostile_link_is_not_written_and_does_not_stop_the_others(
    cache: Cache, target: Path, link: bytes, is_loose: bool
) -> None:
    store(cache, b"good")
    if is_loose:
        write_loose(cache, blob(link), link)
    else:
        store(cache, link)
    rows = [Entry(b"d/l", 6, SYMLINK, blob(link)), *entries_of({b"d/f": b"good"})]
    failed = write_out(cache, target, rows)
    assert list(failed) == [b"d/l"]
    assert failed[b"d/l"].code == "link-escapes"
    assert contents(target) == {b"d/f": b"good"}


def test_nothing_is_ever_written_through_a_link_to_a_folder(
    cache: Cache, target: Path, tmp_path: Path
) -> None:
    store(cache, b"evil", b"good")
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "d").symlink_to(outside)
    (target / "a").mkdir()
    (target / "a" / "b").symlink_to("../../outside")
    files = {b"d/f": b"evil", b"d/e/f": b"evil", b"a/b/f": b"evil", b"a/ok": b"good"}
    failed = write_out(cache, target, entries_of(files))
    assert {path: error.code for path, error in failed.items()} == {
        b"d/f": "path-blocked",
        b"d/e/f": "path-blocked",
        b"a/b/f": "path-blocked",
    }
    assert not list(outside.iterdir())
    assert (target / "a" / "ok").read_bytes() == b"good"


def test_a_link_that_is_swapped_in_while_writing_is_not_followed(
    cache: Cache, target: Path, tmp_path: Path
) -> None:
    files = {b"d/n%03d" % n: b"%d" % n for n in range(200)}
    store(cache, *files.values())
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "d").mkdir()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for step in (
                lambda: os.rename(target / "d", target / f"was{os.urandom(4).hex()}"),
                lambda: os.symlink(outside, target / "d"),
                lambda: os.unlink(target / "d"),
            ):
                with suppress(OSError):
                    step()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(10):
            with suppress(OSError):
                write_out(cache, target, entries_of(files))
    finally:
        stop.set()
        thread.join()
    assert not list(outside.iterdir())


def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_untouched(
    cache: Cache, target: Path, tmp_path: Path
) -> None:
    store(cache, b"new")
    (tmp_path / "precious").write_bytes(b"old")
    (target / "f").symlink_to(tmp_path / "precious")
    rows = entries_of({b"f": b"new"})
    assert list(write_out(cache, target, rows)) == [b"f"], "not without having been looked at"
    looked = stat_row((target / "f").stat())
    assert write_out(cache, target, rows, replaces={b"f": looked}) == {}
    assert (tmp_path / "precious").read_bytes() == b"old"
    assert not (target / "f").is_symlink()


# -- objects that are gone or damaged -------------------------------------------------------------


def flip(path: Path, old: bytes, new: bytes) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_and_missing_objects_are_named_while_the_others_are_written(
    cache: Cache, work: Path, target: Path, kind: str
) -> None:
    big, bigger = b"LARGE" + large(), large(2) + b"TAIL"
    files = {b"a/small": b"damaged one", b"a/ok": b"fine", b"big": big, b"ok": bigger}
    filled(cache, work, files)
    (pack,) = Path(cache.packs_folder).rglob("*.pack")
    flip(pack, b"damaged one", b"DAMAGED ONE")
    flip(Path(cache.loose_path(blob(big))), b"LARGE", b"large")
    wanted = files | {b"a/gone": b"never stored", b"gone": b"nor this"}
    failed = write_out(Cache(cache.root), target, entries_of(wanted), link_types=(kind,))
    assert {path: error.code for path, error in failed.items()} == {
        b"a/small": "object-damaged",
        b"big": "object-damaged",
        b"a/gone": "object-missing",
        b"gone": "object-missing",
    }
    assert isinstance(failed[b"big"], IntegrityError)
    assert isinstance(failed[b"gone"], NotFound)
    assert blob(big).hex() in failed[b"big"].what
    assert contents(target) == {b"a/ok": b"fine", b"ok": bigger}
    assert not scratches(target)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_through_a_link_into_the_cache_is_found_and_not_handed_on(
    cache: Cache, work: Path, target: Path, kind: str
) -> None:
    data = b"ORIGINAL" + large()
    filled(cache, work, {b"f": data})
    assert write_out(cache, target, entries_of({b"one": data}), link_types=("hardlink",)) == {}
    os.chmod(target / "one", 0o644)
    with (target / "one").open("r+b") as file:
        file.write(b"POISONED")
    failed = write_out(cache, target, entries_of({b"two": data}), link_types=(kind,))
    assert failed[b"two"].code == "object-damaged"
    assert not (target / "two").exists()


def test_an_object_cut_short_is_not_handed_on(cache: Cache, work: Path, target: Path) -> None:
    filled(cache, work, {b"f": large(), b"g": large(2)})
    for seed, size in ((1, 0), (2, 1000)):
        path = Path(cache.loose_path(blob(large(seed))))
        path.chmod(0o644)
        os.truncate(path, size)
    failed = write_out(cache, target, entries_of({b"f": large(), b"g": large(2)}))
    assert {error.code for error in failed.values()} == {"object-damaged"}
    assert not list(target.iterdir())


def test_a_manifest_node_is_never_written_as_a_file(cache: Cache, target: Path) -> None:
    digest = blob(b"node bytes")
    with cache.writing():
        cache.put(ObjectKind.NODE, {digest: b"node bytes"})
    failed = write_out(cache, target, [Entry(b"f", 1, FILE, digest)])
    assert failed[b"f"].code == "object-missing"


def test_a_pack_that_goes_while_writing_is_reported_file_by_file(
    cache: Cache, target: Path
) -> None:
    from assay.store.restore import RestoreOptions, restore

    files = {b"a/f": b"1", b"b/f": b"2"}
    store(cache, b"1")
    (first,) = Path(cache.packs_folder).rglob("*.pack")
    store(cache, b"2")
    batches = list(batches_of(from_entries(entries_of(files)), b"", {}))
    failed = {}
    for batch, result in restore(cache, os.fsencode(target), batches, RestoreOptions(jobs=1)):
        for error in result.failed.values():
            failed[batch.rel] = error.code
        for path in Path(cache.packs_folder).rglob("*.pack"):
            if path != first:
                path.unlink()
    assert failed == {b"b": "object-missing"}


# -- what is in the way ---------------------------------------------------------------------------


def test_what_appeared_meanwhile_is_left_alone(cache: Cache, target: Path) -> None:
    store(cache, b"new", b"other")
    (target / "f").write_bytes(b"unsaved")
    (target / "d").mkdir()
    os.mkfifo(target / "p")
    rows = entries_of({b"f": b"new", b"d": b"new", b"p": b"new", b"g": b"other"})
    failed = write_out(cache, target, rows)
    assert {path: error.code for path, error in failed.items()} == {
        b"f": "workspace-changed",
        b"d": "workspace-changed",
        b"p": "workspace-changed",
    }
    assert all(isinstance(error, Conflict) for error in failed.values())
    assert (target / "f").read_bytes() == b"unsaved"
    assert (target / "g").read_bytes() == b"other"
    assert not scratches(target)


CHANGES = {
    "written": lambda path: path.write_bytes(b"edited"),
    "written with the old size and time": lambda path: (
        times := path.stat(),
        path.write_bytes(b"OLD"),
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns)),
    ),
    "replaced": lambda path: (
        path.with_name("n").write_bytes(b"old"),
        path.with_name("n").rename(path),
    ),
    "made executable": lambda path: path.chmod(0o755),
    "touched": os.utime,
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_file_that_changed_since_it_was_looked_at_is_left_alone(
    cache: Cache, target: Path, change: str
) -> None:
    store(cache, b"new")
    path = target / "f"
    path.write_bytes(b"old")
    looked = stat_row(path.stat())
    CHANGES[change](path)  # type: ignore[no-untyped-call]
    now = (path.read_bytes(), path.stat().st_mode)
    failed = write_out(cache, target, entries_of({b"f": b"new"}), replaces={b"f": looked})
    assert failed[b"f"].code == "workspace-changed"
    assert (path.read_bytes(), path.stat().st_mode) == now


def test_a_file_that_is_as_it_was_looked_at_is_replaced(cache: Cache, target: Path) -> None:
    store(cache, b"new")
    lay(target, {b"a/f": b"old"})
    looked = stat_row((target / "a" / "f").stat())
    rows = entries_of({b"a/f": b"new"})
    assert write_out(cache, target, rows, replaces={b"a/f": looked}) == {}
    assert (target / "a" / "f").read_bytes() == b"new"


def test_files_that_are_links_to_objects_are_replaced_though_linking_changes_their_ctime(
    cache: Cache, work: Path, target: Path
) -> None:
    files = filled(cache, work, {b"a": b"one", b"b": b"two", b"c": b"one"})
    swapped = {b"a": b"two", b"b": b"one", b"c": b"two"}
    for now in (files, swapped, swapped, files):
        looked = {
            path: stat_row(os.stat(os.path.join(os.fsencode(target), path)))
            for path in now
            if os.path.exists(os.path.join(os.fsencode(target), path))
        }
        rows = entries_of(now)
        assert write_out(cache, target, rows, replaces=looked, link_types=("hardlink",)) == {}
        assert contents(target) == now


def test_an_edit_of_a_file_that_is_a_link_to_an_object_is_still_noticed(
    cache: Cache, work: Path, target: Path
) -> None:
    filled(cache, work, {b"a": b"one", b"b": b"two"})
    write_out(cache, target, entries_of({b"a": b"one"}), link_types=("hardlink",))
    looked = stat_row((target / "a").stat())
    (target / "a").chmod(0o644)
    (target / "a").write_bytes(b"ONE")
    os.utime(target / "a", ns=(looked[1], looked[1]))
    failed = write_out(cache, target, entries_of({b"a": b"two"}), replaces={b"a": looked})
    assert failed[b"a"].code == "workspace-changed"


def test_a_file_where_a_folder_must_be_is_left_alone(cache: Cache, target: Path) -> None:
    store(cache, b"new")
    (target / "d").write_bytes(b"unsaved")
    failed = write_out(cache, target, entries_of({b"d/f": b"new", b"e": b"new"}))
    assert {path: error.code for path, error in failed.items()} == {b"d/f": "path-blocked"}
    assert (target / "d").read_bytes() == b"unsaved"


def test_scratch_files_of_killed_runs_do_not_stand_in_the_way(cache: Cache, target: Path) -> None:
    store(cache, b"x")
    for pid in range(1, 2000):
        (target / f"{SCRATCH_PREFIX}{pid}-0").touch()
    (target / f"{SCRATCH_PREFIX}{os.getpid()}-0").touch()
    assert write_out(cache, target, entries_of({b"f": b"x"})) == {}


# -- scarce means ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["copy", "symlink"])
@pytest.mark.parametrize("size", [200_000, LARGE])
def test_on_a_full_disk_no_file_is_written_in_part(
    cache: Cache, work: Path, disk: Disk, size: int, kind: str
) -> None:
    files = filled(cache, work, {b"n%d" % n: large(n, size) for n in range(6)})
    target = disk("size=900k")
    if kind == "symlink":
        assert write_out(cache, target, entries_of(files), link_types=(kind,)) == {}
        return
    with pytest.raises(Temporary) as caught:
        write_out(cache, target, entries_of(files), link_types=(kind,))
    assert caught.value.code == "disk-full"
    assert SCRATCH_PREFIX not in caught.value.what
    written = contents(target)
    assert 0 < len(written) < 6
    assert written.items() <= files.items()


def test_a_folder_that_appears_while_its_files_are_written_keeps_what_is_in_it(
    cache: Cache, target: Path
) -> None:
    files = {b"d%d/n%d" % (n // 8, n): b"%d" % n for n in range(400)}
    store(cache, *files.values())
    mine = {}

    def intrude() -> None:
        for n in range(50):
            place = target / f"d{n}"
            with suppress(FileExistsError):
                place.mkdir()
            (place / "mine").write_bytes(b"unsaved")
            mine[b"d%d/mine" % n] = b"unsaved"

    thread = threading.Thread(target=intrude)
    thread.start()
    assert write_out(cache, target, entries_of(files)) == {}
    thread.join()
    assert contents(target) == files | mine


def test_a_read_only_disk_is_told_for_every_file(cache: Cache, disk: Disk) -> None:
    store(cache, b"x")
    place = disk("size=1m")
    (place / "d").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    failed = write_out(cache, place, entries_of({b"d/f": b"x", b"new/f": b"x"}))
    assert {path: error.code for path, error in failed.items()} == {
        b"d/f": "permission-denied",
        b"new/f": "permission-denied",
    }
    assert "d/f" in failed[b"d/f"].what


def test_few_open_files_are_enough(cache: Cache, work: Path, target: Path) -> None:
    files = some_files(60)
    for n in range(30):
        store(cache, *list(files.values())[n * 2 : n * 2 + 2])
    files |= {b"big": large()}
    filled(cache, work, {b"big": large()})
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "from store_folders import *\n"
        "files = some_files(60)\n"
        "print(write_out(Cache(sys.argv[1]), Path(sys.argv[2]), entries_of(files)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, cache.root, str(target), str(Path(__file__).parent.parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "{}\n", done.stderr
    assert contents(target) == some_files(60)


# -- reaching folders ----------------------------------------------------------------------------


def test_a_chain_of_folders_is_made_where_asked_and_nowhere_else(target: Path) -> None:
    fd = os.open(target, os.O_RDONLY)
    with pytest.raises(FileNotFoundError):
        open_chain(fd, b"a/b")
    os.close(open_chain(fd, b"a/b", create=True))
    os.close(open_chain(fd, b"a/b"))
    os.close(open_chain(fd, b""))
    assert (target / "a" / "b").is_dir()
    before = len(os.listdir("/proc/self/fd"))
    (target / "a" / "l").symlink_to("b")
    for path in (b"a/l", b"a/l/c", b"a/none/c"):
        with pytest.raises((Conflict, FileNotFoundError)):
            open_chain(fd, path)
    assert len(os.listdir("/proc/self/fd")) == before, "nothing stays open after an error"
    os.close(fd)
