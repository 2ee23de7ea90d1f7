"""The sentence that says whether a graph verifies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.lineage.model import Finding
from assay.lineage.verdict import verdict, worst
from lineage_graphs import sample, troubled

BROKEN = (Finding.BROKEN, "")
UNSIGNED = (Finding.UNSIGNED, "")
UNRECORDED = (Finding.UNRECORDED, "")


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ({}, "Every link verifies."),
        ({"model": BROKEN}, "1 link does not verify."),
        ({"model": BROKEN, "raw": BROKEN}, "2 links do not verify."),
        ({"model": BROKEN, "raw": UNSIGNED}, "1 link does not verify; 1 is unsigned."),
        ({"raw": UNSIGNED, "row": UNSIGNED}, "No link is broken, but 2 are unsigned."),
        (
            {"raw": UNSIGNED, "row": UNRECORDED},
            "No link is broken, but 1 is unsigned and 1 is unrecorded.",
        ),
    ],
)
def test_it_never_says_more_than_was_verified(
    findings: dict[str, tuple[Finding, str]], sentence: str
) -> None:
    assert verdict(sample(**findings)) == sentence


def test_a_broken_link_between_sound_nodes_counts() -> None:
    lineage = sample()
    first, *others = lineage.links
    torn = replace(lineage, links=(replace(first, finding=Finding.BROKEN), *others))
    assert verdict(torn) == "1 link does not verify."
    assert worst(torn) is Finding.BROKEN


def test_the_gravest_finding_is_the_one_that_counts() -> None:
    assert worst(sample()) is Finding.VERIFIED
    assert worst(sample(raw=UNRECORDED)) is Finding.UNRECORDED
    assert worst(sample(raw=UNRECORDED, row=UNSIGNED)) is Finding.UNSIGNED
    assert worst(troubled()) is Finding.BROKEN
