"""Dialects: the names a repository uses, which files already written depend on."""

from __future__ import annotations

from assay.core.dialect import DIALECTS, NATIVE


def test_the_names_of_the_native_dialect_never_change() -> None:
    assert (NATIVE.name, NATIVE.home, NATIVE.pointer_suffix, NATIVE.ignore_file) == (
        "native",
        ".assay",
        ".assay",
        ".assayignore",
    )
    assert (NATIVE.algorithm, NATIVE.digest_width) == ("blake3", 32)


def test_every_dialect_has_a_name_and_a_home_of_its_own() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    assert len({dialect.home for dialect in DIALECTS}) == len(DIALECTS)
