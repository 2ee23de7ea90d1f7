"""The configuration reference has every key with its kind, default and meaning, and no other."""

from __future__ import annotations

import re

from assay.settings import KEYS
from source_tree import ROOT, document

REFERENCE = "docs/reference/configuration.md"


def rows() -> dict[str, tuple[str, str, str]]:
    """Key -> (value, default, meaning) as the page has them."""
    section = document(REFERENCE).split("## Keys")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name.strip("`"): (value, default, text) for name, value, default, text in cells}


def test_every_key_is_described_and_no_other() -> None:
    assert list(rows()) == [key.name.replace("*", "NAME") for key in KEYS]


def test_kinds_defaults_and_meanings_are_those_of_the_program() -> None:
    wrong = []
    for key in KEYS:
        value, default, meaning = rows()[key.name.replace("*", "NAME")]
        if key.kind not in ("text", "path", "url") and value != key.expected():
            wrong.append(f"{key.name}: {value}")
        if key.default and default != f"`{key.default}`":
            wrong.append(f"{key.name}: {default}")
        if not meaning.startswith(key.help):
            wrong.append(f"{key.name}: {meaning}")
    assert not wrong


def test_every_variable_that_is_read_is_described() -> None:
    read = {
        name
        for path in (ROOT / "src" / "assay").rglob("*.py")
        for name in re.findall(r'"(ASSAY_[A-Z_]+|XDG_[A-Z_]+|NO_COLOR)"', path.read_text("utf-8"))
    }
    page = document(REFERENCE)
    assert read
    assert not [name for name in read if f"`{name}`" not in page]
