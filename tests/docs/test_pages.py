"""The tutorial and the how-to pages work as they are written, and print what they show.

A how-to page begins where `prelude.md` ends: in a project with data, history and a remote.  In
what a page shows, `…` stands for anything, blanks count as one, and lines may be left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import ROOT, document
from tutorial_runner import Command, commands, environment, script

PRELUDE = (Path(__file__).parent / "prelude.md").read_text(encoding="utf-8")
HOW_TO = sorted(path.name for path in (ROOT / "docs" / "how-to").glob("*.md"))
_MARK = re.compile(r"^\[line (\d+)\] \$ ", re.MULTILINE)


def shown_lines(page: str) -> Iterator[tuple[int, str]]:
    """(line of the command, one line of output that the page shows for it)."""
    starts = {command.line: command for command in commands(page)}
    current = 0
    skip_until = 0
    is_console = False
    for number, line in enumerate(page.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_console = not is_console and line.strip() == "```console"
            current = 0
        elif number in starts:
            current = number
            skip_until = number + starts[number].text.count("\n")
        elif is_console and current and number > skip_until and line.strip():
            yield current, line.strip()


def run_page(page: str, folder: Path) -> tuple[str, list[Command]]:
    """Standard output and error of a page's commands, in one text."""
    home, work, bin_folder = folder / "home", folder / "work", folder / "bin"
    for made in (home, work, bin_folder):
        made.mkdir()
    for name, words in (("assay", '-m assay "$@"'), ("python", '"$@"')):
        program = bin_folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}\n', encoding="utf-8")
        program.chmod(0o755)
    steps = list(commands(page))
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script(Path("page"), steps)],
        cwd=work,
        env=environment(bin_folder / "assay", home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout, steps


def outputs(printed: str) -> dict[int, str]:
    """What was printed after each command, by the command's line."""
    parts = _MARK.split(printed)
    return {int(line): text for line, text in zip(parts[1::2], parts[2::2], strict=True)}


def is_printed(wanted: str, lines: list[str]) -> bool:
    """Whether a line that a page shows is among those that were printed."""
    parts = map(re.escape, " ".join(wanted.split()).split("…"))
    pattern = re.compile(".*".join(parts))
    return any(pattern.fullmatch(" ".join(line.split())) for line in lines)


def check(page: str, folder: Path, name: str, skip: int = 0) -> None:
    printed, _ = run_page(page, folder)
    found = outputs(printed)
    wrong = [
        f"{name}:{line - skip}: not printed: {wanted}\n  but: {found[line].strip()[-500:]}"
        for line, wanted in shown_lines(page)
        if line > skip and not is_printed(wanted, found[line].splitlines())
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tutorial.md", "first-release.md"])
def test_a_tutorial_prints_what_it_shows(name: str, tmp_path: Path) -> None:
    check(document(f"docs/{name}"), tmp_path, f"docs/{name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", HOW_TO)
def test_a_how_to_page_prints_what_it_shows(name: str, tmp_path: Path) -> None:
    page = document(f"docs/how-to/{name}")
    if not list(commands(page)):
        pytest.skip("nothing to type on this page")
    check(PRELUDE + page, tmp_path, f"docs/how-to/{name}", skip=PRELUDE.count("\n"))


def test_what_is_shown_must_be_printed() -> None:
    lines = ["added: d (3 files)", "\tgit add d.assay"]
    assert is_printed("git add d.assay", lines)
    assert is_printed("added: d (… files)", lines)
    assert not is_printed("added: e (… files)", lines)


def test_output_belongs_to_the_command_before_it() -> None:
    page = "```console\n$ cat <<END\n> x\n> END\nx\n$ true\n\ny\n```\nprose\n```python\nz\n```\n"
    assert list(shown_lines(page)) == [(2, "x"), (6, "y")]
