"""How a finding looks in a picture: a mark that is drawn, so that it needs no font."""

from __future__ import annotations

from assay.lineage.markup import Markup, element
from assay.lineage.model import Finding

# Paths in a square of 12 by 12.
_MARKS = {
    Finding.VERIFIED: "M2 6.4 L4.9 9.2 L10 3",
    Finding.UNSIGNED: "M6 2.2 V6.8 M6 9.6 V9.7",
    Finding.UNRECORDED: "M3.9 4.2 A2.2 2.1 0 1 1 6.9 6 Q6 6.5 6 7.3 M6 9.8 V9.9",
    Finding.BROKEN: "M2.8 2.8 L9.2 9.2 M9.2 2.8 L2.8 9.2",
}

EXPLAINED = {
    Finding.VERIFIED: "digests and signatures agree",
    Finding.UNSIGNED: "holds as far as digests reach, but nobody vouches for it",
    Finding.UNRECORDED: "nothing was recorded here to begin with",
    Finding.BROKEN: "what is there is not what was recorded",
}


def mark(finding: Finding, *, x: float = 0, y: float = 0) -> Markup:
    """The mark as part of an SVG, with its upper left corner at the point."""
    place = f"translate({x:.1f} {y:.1f})"
    return element("path", {"class": f"mark {finding}", "d": _MARKS[finding], "transform": place})


def sign(finding: Finding) -> Markup:
    """The mark as part of a page."""
    size = {"viewBox": "0 0 12 12", "width": "12", "height": "12", "aria-hidden": "true"}
    return element("svg", {"class": "sign", **size}, mark(finding))


def badge(finding: Finding) -> Markup:
    """The mark and the word, as part of a page."""
    return element("span", {"class": f"badge {finding}"}, sign(finding), str(finding))
