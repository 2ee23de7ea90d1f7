"""Commands and gates run in a program that has more files open than `select` can count."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.pipelines.shell import Shell, run_command
from projects import Project
from quality_tables import judge, write_table

MOST_OF_SELECT = 1024


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """More open files in this process than `FD_SETSIZE`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MOST_OF_SELECT + 300
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"this machine allows only {hard} open files")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(MOST_OF_SELECT)]
    try:
        yield
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_open_files")
def test_a_command_is_read_to_its_end(tmp_path: Path) -> None:
    said = bytearray()
    shell = Shell(environ=dict(os.environ))
    words = "echo one; sleep 0.2; echo two"
    assert run_command(shell, words, cwd=os.fsencode(tmp_path), sinks=(said.extend,)) == 0
    assert said == b"one\ntwo\n"


@pytest.mark.usefixtures("many_open_files")
def test_a_pipeline_runs(piped: Project) -> None:
    piped.assay("repro")
    assert piped.status() == {}


@pytest.mark.usefixtures("many_open_files")
def test_a_table_is_judged(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.parquet", {"a": [1, 2]})
    assert judge(path, "columns: {a: {type: integer, unique: true}}").verdict == "pass"
