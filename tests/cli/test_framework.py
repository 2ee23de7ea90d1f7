"""Every command is found, explained, and ends with the promised exit code and message."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

import assay
from assay import errors
from assay.cli import parser as parsers
from assay.cli.console import Console
from assay.cli.registry import ALIASES, COMMANDS, GROUPS, SECTIONS, find, module_of, subcommands
from conftest import AssayCli

Cli = Callable[..., SimpleNamespace]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., int]], None]:
    """Puts a function in the place of every command."""

    def install(run: Callable[..., int]) -> None:
        module = SimpleNamespace(
            DESCRIPTION="Does something.",
            EXAMPLES="assay root",
            configure=parsers.add_json,
            run=run,
        )
        monkeypatch.setattr(parsers, "load_command", lambda command: module)

    return install


def raising(error: BaseException) -> Callable[..., int]:
    def run(args: object, console: Console) -> int:
        raise error

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_the_path_of_a_command_is_the_path_of_its_module(command: str) -> None:
    assert find_spec(module_of(command)) is not None
    module = parsers.load_command(command)
    assert module.DESCRIPTION.strip()
    assert module.EXAMPLES.strip()
    first_words = [line.split("#")[0] for line in module.EXAMPLES.strip().splitlines()]
    assert any(f"assay {command}" in line for line in first_words)
    assert (module.__doc__ or "").startswith(f"`assay {command}`: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, cli: Cli) -> None:
    done = cli(*command.split(" "), "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: assay {command} ")
    assert "examples:" in done.out
    assert "common options:" in done.out


def test_the_table_of_commands_is_consistent() -> None:
    listed = [command for _, commands in SECTIONS for command in commands]
    assert sorted(listed) == sorted(COMMANDS)
    assert {command.split(" ")[0] for command in COMMANDS if " " in command} == set(GROUPS)
    assert set(ALIASES.values()) <= set(COMMANDS)
    assert not set(ALIASES) & set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["add", "x"], ("add", 1)),
        (["data", "status"], ("data status", 2)),
        (["status"], ("status", 1)),
        (["list", "."], ("ls", 1)),
        (["data"], ("", 1)),
        (["data", "add"], ("", 1)),
        (["nonsense"], ("", 0)),
        ([], ("", 0)),
    ],
)
def test_words_lead_to_a_command(words: list[str], found: tuple[str, int]) -> None:
    assert find(words) == found


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_printed(flag: str, cli: Cli) -> None:
    done = cli(flag)
    assert (done.code, done.out) == (0, f"assay {assay.__version__}\n")
    assert cli("-q", flag).out == done.out


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], ["--color", "never", "--help"]])
def test_help_lists_every_command(words: list[str], cli: Cli) -> None:
    done = cli(*words)
    assert done.code == 0
    for command, summary in COMMANDS.items():
        assert f"  {command} " in done.out
        assert summary in done.out


def test_help_can_be_asked_for_by_word(cli: Cli) -> None:
    assert cli("help", "root").out == cli("root", "--help").out
    assert cli("help", "remote").out == cli("remote", "--help").out


def test_without_a_command_the_overview_is_an_error(cli: Cli) -> None:
    done = cli()
    assert (done.code, done.out) == (2, "")
    assert "usage: assay COMMAND" in done.err


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_commands(group: str, cli: Cli) -> None:
    done = cli(group)
    assert done.code == 2
    assert all(command in done.err for command in subcommands(group))
    assert cli(group, "--help").out == done.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["stauts"], "assay status"),
        (["chekcout"], "assay checkout"),
        (["remote", "lst"], "assay remote list"),
        (["rename"], "assay remote rename"),
    ],
)
def test_a_mistyped_command_is_corrected(words: list[str], meant: str, cli: Cli) -> None:
    done = cli(*words)
    assert done.code == 2
    assert f"There is no command `assay {' '.join(words)}`. [command-unknown]" in done.err
    assert f"Did you mean `{meant}`?" in done.err


def test_an_unknown_command_without_a_like_gets_no_guess(cli: Cli) -> None:
    done = cli("qqqqqq")
    assert done.code == 2
    assert "Did you mean" not in done.err
    assert "`assay --help`" in done.err


def test_wrong_usage_is_explained_with_exit_code_2(cli: Cli) -> None:
    done = cli("root", "--nope")
    assert (done.code, done.out) == (2, "")
    assert "[usage-invalid]" in done.err
    assert "Usage: assay root" in done.err
    assert cli("root", "--nope", "--json").json()["error"]["code"] == "usage-invalid"


def test_flags_may_stand_before_the_command(cli: Cli, project: Path, tmp_path: Path) -> None:
    (project / "deep").mkdir()
    assert cli("--cd", "project/deep", "root").out == "..\n"
    assert cli("--cd=project/deep", "-q", "root").out == "..\n"
    assert cli("root", "--cd", "project/deep").out == "..\n"
    assert cli("--cd", str(project), "remote", "-q", "list").code == 0


def test_a_folder_that_is_not_there_is_not_found(cli: Cli) -> None:
    done = cli("--cd", "nowhere", "root")
    assert done.code == 3
    assert "[path-missing]" in done.err


ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AssayError)
]


@pytest.mark.parametrize("kind", ERRORS)
def test_the_class_of_an_error_is_the_exit_code(
    kind: type[errors.AssayError], cli: Cli, fake: Callable[..., None]
) -> None:
    fake(raising(kind("some-code", "What.", why="Why.\nMore.", fix="Fix.", paths=("p",))))
    done = cli("root")
    assert (done.code, done.out) == (kind.exit_code, "")
    assert done.err == "error: What. [some-code]\n  why: Why.\n       More.\n  fix: Fix.\n"
    as_json = cli("root", "--json")
    assert as_json.code == kind.exit_code
    assert as_json.json() == {
        "error": {
            "code": "some-code",
            "what": "What.",
            "why": "Why.\nMore.",
            "fix": "Fix.",
            "paths": ["p"],
            "exit_code": kind.exit_code,
        }
    }


def test_an_error_cannot_play_tricks_with_the_terminal(cli: Cli, fake: Callable[..., None]) -> None:
    fake(raising(errors.NotFound("x", "No \x1b]0;title\x07 \udcff file.")))
    assert cli("root").err == "error: No \\x1b]0;title\\x07 \\xff file. [x]\n"


def test_an_unexpected_error_asks_to_be_reported(cli: Cli, fake: Callable[..., None]) -> None:
    fake(raising(ZeroDivisionError("division by zero")))
    done = cli("root")
    assert done.code == 70
    assert "ZeroDivisionError: division by zero" in done.err
    assert "report" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in cli("root", "-v").err
    assert cli("root", "--json").json()["error"]["exit_code"] == 70


def test_a_full_disk_is_not_a_bug(cli: Cli, fake: Callable[..., None]) -> None:
    fake(raising(OSError(errno.ENOSPC, "No space left on device", "/x/y")))
    done = cli("root")
    assert done.code == 75
    assert "[disk-full]" in done.err


def test_an_interrupt_is_no_error(cli: Cli, fake: Callable[..., None]) -> None:
    fake(raising(KeyboardInterrupt()))
    done = cli("root")
    assert done.code == 130
    assert "interrupted; nothing is left broken" in done.err
    assert "Traceback" not in done.err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "assay", "--help"],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_commands_own_code_is_the_exit_code(cli: Cli, fake: Callable[..., None]) -> None:
    fake(lambda args, console: 7)
    assert cli("root").code == 7


def test_the_console_gets_the_flags(cli: Cli, fake: Callable[..., None]) -> None:
    seen = []

    def run(args: object, console: Console) -> int:
        seen.append((console.is_json, console.is_quiet, console.verbosity))
        console.print(console.style("x", "red"))
        return 0

    fake(run)
    assert cli("root", "-vv", "--color", "always").out == "\x1b[31mx\x1b[0m\n"
    assert cli("root", "-q").out == "x\n"
    assert cli("root", "--json").out == ""
    assert seen == [(False, False, 2), (False, True, 0), (True, False, 0)]


def test_the_program_works_as_installed(assay_cli: AssayCli) -> None:
    assert assay_cli("--version").stdout == f"assay {assay.__version__}\n"
    assert assay_cli("root", exit_code=3).stderr.startswith("error: ")


def test_help_needs_none_of_the_commands() -> None:
    code = (
        "import sys; from assay.cli.main import main; main(['--help']);"
        "print([m for m in sys.modules if m.startswith(('assay.cli.commands', 'assay.api',"
        " 'argparse', 'assay.store'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stderr.strip() == "[]"
