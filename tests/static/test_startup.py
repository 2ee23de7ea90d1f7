"""Starting is cheap: what a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys

import assay

# None of these is needed to parse a command line; together they take longer than Python itself.
NEVER_AT_START = {
    "asyncio",
    "blake3",
    "multiprocessing",
    "pathspec",
    "ruamel",
    "shtab",
    "sqlite3",
    "subprocess",
    "tomlkit",
    "yaml",
}


def imported_by(*words: str) -> tuple[set[str], str]:
    """Top-level names that `python WORDS` imports, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}, done.stdout


def test_the_version_is_printed_without_loading_the_engine() -> None:
    # An editable install's .pth file may import things of its own: they are not ours to count.
    before, _ = imported_by("-c", "pass")
    names, printed = imported_by("-m", "assay", "--version")
    assert assay.__version__ in printed
    assert "assay" in names
    assert not (names - before) & NEVER_AT_START


def test_importing_the_package_loads_nothing_of_it() -> None:
    before, _ = imported_by("-c", "pass")
    names, _ = imported_by("-c", "import assay")
    assert not (names - before) & NEVER_AT_START
    _, loaded = imported_by(
        "-c", "import assay, sys; print([m for m in sys.modules if m.startswith('assay.')])"
    )
    assert loaded.strip() == "[]"


def test_the_lazy_names_are_all_there() -> None:
    for name in assay.__all__:
        assert getattr(assay, name) is not None
