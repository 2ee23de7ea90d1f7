"""A log is append-only: whatever else is done to it shows, and a torn tail is mended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.audit.chain import FIRST, append, chain_path, read, verify
from assay.errors import IntegrityError, InvalidInput


class Notes:
    """Hears what a log has to say."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def task(self, label: str, *, items: int | None = None, size_bytes: int | None = None) -> None:
        raise AssertionError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of five entries."""
    for at in range(5):
        append(str(tmp_path), "me", {"n": at, "x": 0.5, "s": "é\n"})
    return Path(chain_path(str(tmp_path), "me"))


def lines(log: Path) -> list[bytes]:
    return log.read_bytes().splitlines(keepends=True)


def test_each_entry_names_the_one_before_it(log: Path) -> None:
    entries = read(str(log))
    assert [entry.seq for entry in entries] == [0, 1, 2, 3, 4]
    assert entries[0].prev == FIRST
    assert all(b.prev == a.hash for a, b in pairwise(entries))
    assert entries[3].body["n"] == 3
    assert verify(str(log)).head == entries[4].hash


@given(at=st.integers(0, 4), data=st.data())
def test_any_edited_byte_shows(at: int, data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for number in range(5):
            append(folder, "me", {"n": number})
        log = Path(chain_path(folder, "me"))
        rows = lines(log)
        place = data.draw(st.integers(0, len(rows[at]) - 2))
        row = bytearray(rows[at])
        row[place] ^= 1 << data.draw(st.integers(0, 6))
        if row[place] == 0x0A:
            return
        log.write_bytes(b"".join([*rows[:at], bytes(row), *rows[at + 1 :]]))
        assert not verify(str(log)).is_sound


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [0, 2, 3, 4], [0, 2, 1, 3, 4], [0, 0, 1, 2, 3, 4]])
def test_removed_moved_and_repeated_entries_show(log: Path, order: list[int]) -> None:
    rows = lines(log)
    log.write_bytes(b"".join(rows[at] for at in order))
    assert not verify(str(log)).is_sound
    with pytest.raises(IntegrityError) as caught:
        read(str(log))
    assert caught.value.code == "audit-log-damaged"


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_tail_is_cut_off_and_told(log: Path, cut: int) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole[:-cut])
    report = verify(str(log))
    assert report.is_sound
    assert report.is_torn
    notes = Notes()
    done = append(str(log.parent), "me", {"n": "new"}, progress=notes)  # type: ignore[arg-type]
    assert done.repaired_bytes > 0
    assert "never finished" in notes.notes[0]
    assert [entry.body["n"] for entry in read(str(log))] == [0, 1, 2, 3, "new"]


def test_nothing_is_appended_to_an_edited_tail(log: Path) -> None:
    rows = lines(log)
    log.write_bytes(b"".join(rows[:-1]) + rows[-1].replace(b'"n":4', b'"n":5'))
    with pytest.raises(IntegrityError):
        append(str(log.parent), "me", {})


def test_writers_take_turns(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(str(tmp_path), "me", {"n": n}), range(40)))
    assert len(read(chain_path(str(tmp_path), "me"))) == 40


@pytest.mark.parametrize("name", ["", "../x", ".x", "a/b"])
def test_a_writer_s_name_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        append(str(tmp_path), name, {})
