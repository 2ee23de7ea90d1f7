"""A story stops at the first command or claim that is not as it should be, and stays readable."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from assay.cli.console import Console
from assay.demo.page import WIDEST, Page
from assay.demo.report import Report
from assay.demo.story import Places, Story
from assay.errors import Bug, StageFailed


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def story(tmp_path: Path, printed: io.StringIO) -> Story:
    page = Page(Console(printed, io.StringIO()), folder=str(tmp_path))
    report = Report(folder=tmp_path)
    story = Story(Places(root=tmp_path), page, report, wheels_folder=tmp_path / "wheels")
    story.chapter("One")
    return story


def test_a_claim_that_does_not_hold_ends_the_demo(story: Story, printed: io.StringIO) -> None:
    with pytest.raises(Bug, match="two is three") as caught:
        story.check("two is three", 2 == 3)
    assert caught.value.code == "demo-check-failed"
    assert "✗ two is three" in printed.getvalue()
    assert not story.report.check_count


def test_a_command_that_fails_ends_the_demo_with_what_it_said(story: Story, tmp_path: Path) -> None:
    with pytest.raises(StageFailed) as caught:
        story.run("assay status", at=tmp_path)
    assert caught.value.code == "demo-step-failed"
    assert "project-missing" in caught.value.why


def test_a_command_that_should_fail_and_does_not_ends_the_demo(
    story: Story, tmp_path: Path
) -> None:
    with pytest.raises(StageFailed):
        story.run("assay --version", at=tmp_path, exit_code=5)


def test_each_of_several_commands_is_timed_by_itself(story: Story, tmp_path: Path) -> None:
    story.run("git --version && assay --version", at=tmp_path)
    assert [step.program for step in story.report.steps] == ["git", "assay"]
    assert all(step.seconds > 0 for step in story.report.steps)


def test_a_refusal_that_is_part_of_the_story_says_its_exit_code(
    story: Story, tmp_path: Path, printed: io.StringIO
) -> None:
    story.run("assay status", at=tmp_path, exit_code=3, errors=1)
    assert re.search(r"assay status +exit 3  \d+\.\d\d s\n +│ error: ", printed.getvalue())


def test_of_a_long_output_the_beginning_and_the_end_are_shown(
    story: Story, tmp_path: Path, printed: io.StringIO
) -> None:
    (tmp_path / "ten").write_text("".join(f"line {number}\n" for number in range(10)))
    story.run("cat ten", at=tmp_path, until="line 3", last=1)
    shown = [line.strip("│ ") for line in printed.getvalue().splitlines()[-5:]]
    assert shown == ["line 0", "line 1", "line 2", "… 6 lines …", "line 9"]
    assert len(story.report.steps[-1].output) == 10


def test_output_is_coloured_on_the_screen_and_plain_in_the_report(tmp_path: Path) -> None:
    stdout = io.StringIO()
    page = Page(Console(stdout, io.StringIO(), color="always"), folder=str(tmp_path))
    report = Report(folder=tmp_path)
    story = Story(Places(root=tmp_path), page, report, wheels_folder=tmp_path)
    story.chapter("One")
    done = story.run("assay status", at=tmp_path, exit_code=3, errors=1)
    assert "\x1b[31;1merror:" in stdout.getvalue()
    assert "\x1b" not in "".join(done.notes)


def test_long_lines_are_broken_where_a_shell_lets_them(story: Story, printed: io.StringIO) -> None:
    story.page.begin(" && ".join(["git status --short"] * 9), folder="intents")
    story.page.end(1.5)
    story.page.fact("word " * 60)
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDEST
    assert all(line.endswith("&&") for line in lines if "status" in line and " s" not in line[-3:])


def test_nothing_is_wider_than_a_narrow_terminal(
    tmp_path: Path, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    page = Page(Console(printed, io.StringIO()), folder=str(tmp_path))
    page.heading(10, "Serve: a nightly job takes what prod serves, and nothing else")
    page.begin("a folder with a program and a batch: no data, no model, no checkout")
    page.end(1.5)
    page.begin("git add . && git commit -q -m 'Whom to trust' && git push -q", folder="intents")
    page.end(0.3, exit_code=11)
    page.output(["word " * 40, '{"key":"value",' * 20])
    page.check("claim " * 30, holds=True)
    page.bars([("10  Serve", 1.0, "13 commands, 2 checks"), ("11  Trace", 0.2, "1 check")])
    assert max(map(len, printed.getvalue().splitlines())) <= 60


def test_a_terminal_without_the_signs_gets_plain_ones(tmp_path: Path) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    page = Page(Console(stream, io.StringIO()), folder=str(tmp_path))
    page.heading(1, "One")
    page.check("it holds", holds=True)
    page.fact("Küche")
    assert raw.getvalue().decode("ascii").split() == [
        *("1", "One", "-" * (page.width - 10)),
        *("+", "it", "holds", "K\\xfcche"),
    ]
