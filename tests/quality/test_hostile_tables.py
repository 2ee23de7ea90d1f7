"""Whatever the bytes are, a check ends with a verdict, in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.errors import AssayError, ExtraMissing
from assay.quality.check import DEFAULT_LIMITS
from assay.quality.infer import infer
from quality_tables import broken, judge, result, write_table

CONTRACT = "columns: {a: {type: integer, unique: true}, b: {type: string, pattern: '[a-z]*'}}"
NEAR_TABLES = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet='ab,;"\r\n\t 01{}[]:null\ufeff\0', max_size=200).map(str.encode),
)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@given(data=NEAR_TABLES)
@example(data=b"")
@example(data=b'a,b\n"')
@example(data=b"a,b\n1,\xff\n")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_have_a_verdict(kind: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(data)
    assert judge(path, CONTRACT).verdict in ("pass", "fail", "inconclusive")
    code = "table-unreadable"
    try:
        infer(str(path))
    except AssayError as error:
        code = error.code
    assert code == "table-unreadable"


@given(data=st.binary(max_size=60), at=st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
def test_any_bytes_in_a_parquet_file_have_a_verdict(data: bytes, at: int, tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.parquet", {"a": [1, 2], "b": ["x", "y"]})
    good = path.read_bytes()
    path.write_bytes(good[:at] + data + good[at + len(data) :])
    assert judge(path, CONTRACT).verdict in ("pass", "fail", "inconclusive")


DAMAGED = {
    "not-text.csv": (b"a,b\n1,\xff\xfe\n", "not UTF-8"),
    "nul.csv": (b"a,b\n1,\0\n", "NUL"),
    "no-header.csv": (b"", "no header"),
    "twice.csv": (b"a,a\n", "twice"),
    "quote.csv": (b'a,b\n1,"x\n', "not CSV"),
    "wide.csv": (b",".join(b"c%d" % n for n in range(20_000)) + b"\n", "columns"),
    "text.jsonl": (b'{"a": 1}\nhello\n', "not JSON at line 2"),
    "cut.jsonl": (b'{"a": 1}\n{"a": ', "not JSON at line 2"),
    "deep.jsonl": (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    "digits.jsonl": (b'{"a": ' + b"9" * 5000 + b"}\n", "not JSON"),
    "keys.jsonl": (
        b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}\n", "columns"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_inconclusive_and_says_why(name: str, tmp_path: Path) -> None:
    data, why = DAMAGED[name]
    (tmp_path / name).write_bytes(data)
    report = judge(tmp_path / name, "columns: {}\nextra_columns: allow")
    assert report.verdict == "inconclusive"
    assert why in result(report, "readable").reason
    assert len(report.files) == 1  # what could not be read is bound to its bytes all the same


def test_rows_of_another_shape_fail(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,x\n2\n3,y,z\n\n")
    (tmp_path / "t.jsonl").write_bytes(b'{"a": 1, "b": "x"}\n[2]\n"3"\n\n')
    for name in ("t.csv", "t.jsonl"):
        report = judge(tmp_path / name, CONTRACT)
        assert broken(report) == {"shape"}
        assert [each.row for each in result(report, "shape").examples] == [2, 3]
        assert report.rows == 1


def test_a_huge_line_and_an_endless_record_are_not_read_into_memory(tmp_path: Path) -> None:
    limits = replace(DEFAULT_LIMITS, line_bytes=1 << 20, record_bytes=1 << 20)
    (tmp_path / "line.csv").write_bytes(b"a" * (3 << 20))
    (tmp_path / "line.jsonl").write_bytes(b" " * (3 << 20))
    (tmp_path / "record.csv").write_bytes(b"a\n" + b'"x\n",' * (1 << 19))
    for name in ("line.csv", "line.jsonl", "record.csv"):
        report = judge(tmp_path / name, "columns: {a: {}}", limits=limits)
        assert "longer than 1 MiB" in result(report, "readable").reason


def test_a_pattern_that_backtracks_without_end_is_given_up(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"v": ["a" * 40 + "b"]})
    limits = replace(DEFAULT_LIMITS, pattern_seconds=0.5)
    report = judge(path, "columns: {v: {type: string, pattern: '(a+)+'}}", limits=limits)
    assert report.verdict == "inconclusive"
    assert "too long" in result(report, "pattern", "v").reason


def test_a_check_that_takes_too_long_is_inconclusive(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"v": [1]})
    report = judge(path, "columns: {v: {}}", limits=replace(DEFAULT_LIMITS, total_seconds=-1.0))
    assert "takes longer" in result(report, "readable").reason


def test_a_parquet_bomb_cannot_take_the_memory_of_the_machine(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    column = pyarrow.DictionaryArray.from_arrays([0] * 2000, ["x" * (2 << 20)])
    options = {"compression": "zstd", "dictionary_pagesize_limit": 1 << 30}
    parquet.write_table(pyarrow.table({"v": column}), path, store_schema=False, **options)
    assert path.stat().st_size < 1 << 20
    limits = replace(DEFAULT_LIMITS, decoder_memory_bytes=256 << 20)
    report = judge(path, "columns: {v: {}}", limits=limits)
    assert report.verdict == "inconclusive"


def test_what_is_no_file_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d/pipe.csv")
    assert "regular" in result(judge(tmp_path / "d", "columns: {}"), "readable").reason
    (tmp_path / "empty").mkdir()
    assert judge(tmp_path / "empty", "columns: {}").verdict == "inconclusive"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    secret = write_table(tmp_path / "secret/s.csv", {"v": ["password"]})
    (tmp_path / "d").mkdir()
    (tmp_path / "d/t.csv").symlink_to(secret)
    report = judge(tmp_path / "d", "columns: {v: {type: integer}}")
    assert report.verdict == "inconclusive"
    assert not report.files
    roots = (str(tmp_path / "secret"),)
    assert judge(tmp_path / "d", "columns: {v: {}}", link_roots=roots).verdict == "pass"


def test_a_file_that_is_written_to_meanwhile_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.quality import source

    path = write_table(tmp_path / "t.csv", {"v": [1]})
    finish = source.HashedFile.finish

    def meddle(self: source.HashedFile) -> bytes:
        with path.open("ab") as file:
            file.write(b"2\n")
        return finish(self)

    monkeypatch.setattr(source.HashedFile, "finish", meddle)
    assert "written to" in result(judge(path, "columns: {v: {}}"), "readable").reason


def test_parquet_without_its_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ExtraMissing) as caught:
        judge(tmp_path / "t.parquet", "columns: {}")
    assert caught.value.exit_code == 9
    assert "assay[parquet]" in caught.value.fix


def test_the_children_import_nothing_from_the_current_folder(tmp_path: Path) -> None:
    for name in ("json", "pickle", "pyarrow", "struct"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    write_table(tmp_path / "t.csv", {"v": ["a"]})
    program = (
        "from assay.quality.pattern import PatternMatcher as P\n"
        "import os; os.chdir(os.environ['PLACE'])\n"
        "m = P('a', batch_seconds=20); print(m.mismatches(['a', 'b']), m.gave_up)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PLACE": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "{'b'}"
