"""The command-line reference is what the parsers say today."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from assay.cli.registry import COMMANDS, SECTIONS
from source_tree import ROOT, document


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that renders the page."""
    spec = importlib.util.spec_from_file_location(
        "cli_reference", ROOT / "scripts" / "cli_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(reference: ModuleType) -> None:
    assert document("docs/reference/cli.md") == reference.render(), (
        "run: .venv/bin/python scripts/cli_reference.py --write"
    )


def test_every_command_is_in_a_section_once() -> None:
    listed = [command for _, commands in SECTIONS for command in commands]
    assert sorted(listed) == sorted(COMMANDS)


def test_every_command_has_examples_that_call_it(reference: ModuleType) -> None:
    silent = [
        command
        for command, parser in reference.command_parsers().items()
        if f"assay {command}" not in (parser.epilog or "")
    ]
    assert not silent
