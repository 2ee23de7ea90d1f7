"""The verdict on a whole graph, in one sentence."""

from __future__ import annotations

from collections import Counter

from assay.lineage.model import Finding, Lineage

WORST_FIRST = (Finding.BROKEN, Finding.UNSIGNED, Finding.UNRECORDED, Finding.VERIFIED)


def verdict(lineage: Lineage) -> str:
    """Whether every link of the chain verifies; a node counts as one as well.

    "Every link verifies" is kept for when that is all there is to say.
    """
    counts = _counts(lineage)
    broken = counts[Finding.BROKEN]
    others = [
        f"{counts[finding]} {_are(counts[finding])} {finding}"
        for finding in (Finding.UNSIGNED, Finding.UNRECORDED)
        if counts[finding]
    ]
    if broken:
        said = "1 link does not verify" if broken == 1 else f"{broken} links do not verify"
        return "; ".join([said, *([" and ".join(others)] if others else [])]) + "."
    if others:
        return f"No link is broken, but {' and '.join(others)}."
    return "Every link verifies."


def worst(lineage: Lineage) -> Finding:
    """The gravest finding in the graph."""
    counts = _counts(lineage)
    return next((finding for finding in WORST_FIRST if counts[finding]), Finding.VERIFIED)


def _counts(lineage: Lineage) -> Counter[Finding]:
    nodes = Counter(node.finding for node in lineage.nodes.values())
    return nodes + Counter(link.finding for link in lineage.links)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
