"""The runner of documentation pages notices what a reader would stumble over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutorial_runner import Command, commands, run

PAGE = """\
Prose with $ not a command.

```console
$ mkdir data
$ printf '%s\\n' one \\
      two > data/numbers
two lines of output
$ cat > note <<END
> first
> second
> END
$ grep -c . note
2
```

```python
$ not a console block
```

   ```console
   $ cd data
   $ wc -l < numbers
   $ false  # exit 1
   ```
"""


def write(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def fenced(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


def test_commands_are_the_lines_after_a_prompt_in_console_blocks() -> None:
    found = list(commands(PAGE))
    assert [command.line for command in found] == [4, 5, 8, 12, 21, 22, 23]
    assert found[1].text == "printf '%s\\n' one \\\ntwo > data/numbers"
    assert found[2].text == "cat > note <<END\nfirst\nsecond\nEND"
    assert found[-1] == Command(23, "false", 1)


def test_a_page_that_works_passes(tmp_path: Path) -> None:
    assert run(write(tmp_path, PAGE), Path(sys.executable)) == 0


@pytest.mark.parametrize(
    "lines",
    [
        ["$ true", "$ false", "$ true"],
        ["$ true  # exit 1"],
        ["$ (exit 3)  # exit 4"],
        ["$ false | cat"],
        ["$ no-such-program"],
        ["$ if"],
        ["not a prompt"],
    ],
)
def test_a_page_that_does_not_work_fails(tmp_path: Path, lines: list[str]) -> None:
    assert run(write(tmp_path, fenced(*lines)), Path(sys.executable)) != 0


def test_the_failure_names_page_line_and_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = write(tmp_path, fenced("$ true", "$ (exit 7)"))
    run(page, Path(sys.executable))
    assert f"{page}:3: exit code 7, expected 0: (exit 7)" in capfd.readouterr().err


def test_a_page_that_is_not_there_fails(tmp_path: Path) -> None:
    assert run(tmp_path / "page.md", Path(sys.executable)) == 1


def test_the_program_under_test_is_found_first(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "assay"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 42\n", encoding="utf-8")
    program.chmod(0o755)
    assert run(write(tmp_path, fenced("$ assay  # exit 42")), program) == 0


def test_a_page_that_hangs_is_stopped(tmp_path: Path) -> None:
    page = write(tmp_path, fenced("$ exec sleep 30"))
    assert run(page, Path(sys.executable), timeout_seconds=0.5) == 1
