"""A lineage graph as one element of SVG: cards for nodes, arrows for links."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

from assay.lineage import card, stylesheet
from assay.lineage.layers import arranged
from assay.lineage.layout import Box, Layout, Route, placed
from assay.lineage.legible import legible
from assay.lineage.markup import Attributes, Markup, element, join, number
from assay.lineage.measure import shortened, text_width
from assay.lineage.model import Finding, Lineage, Link
from assay.lineage.verdict import WORST_FIRST, verdict
from assay.lineage.walk import beginnings, onward

_NAMESPACE = "http://www.w3.org/2000/svg"
_MARGIN = 20.0
_LABEL_SIZE, _MOST_LABEL = 10.5, 150.0
_FEWEST_ACROSS = 6
_TALLEST_SHEET = 2.2  # height by width of what is still readable on one sheet of paper


def drawing(lineage: Lineage, *, is_alone: bool) -> Markup:
    """The graph, as a file of its own (``is_alone``) or for a page to hold.

    Long titles are cut and of many facts only the first are shown; a ``<title>`` has the rest.
    """
    cards = {id: card.card(node) for id, node in lineage.nodes.items()}
    labels = [_said(link) for link in lineage.links]
    layers = arranged(
        beginnings(lineage, onward(lineage)),
        [(link.source, link.target) for link in lineage.links],
        widest=max(_FEWEST_ACROSS, round(0.6 * sqrt(len(cards)))),
    )
    layout = placed(
        layers,
        {id: (card.WIDTH, each.height) for id, each in cards.items()},
        [text_width(label, _LABEL_SIZE) + 8 if label else 0.0 for label in labels],
    )
    drawn = list(zip(lineage.links, layout.routes, labels, strict=True))
    # What is wrong is drawn last, over what is not.
    drawn.sort(key=lambda one: -WORST_FIRST.index(one[0].finding))
    return element(
        "svg",
        {
            **_frame(layout, is_alone=is_alone),
            "aria-label": f"{verdict(lineage)} {_summary(lineage)}",
        },
        element("style", {}, stylesheet.GRAPH),
        _ground(layout),
        *(_arrow(link, route) for link, route, _ in drawn),
        *(_label(link, route.label, label) for link, route, label in drawn),
        *(card.draw(cards[i], box, is_root=i == lineage.root) for i, box in layout.boxes.items()),
    )


def _summary(lineage: Lineage) -> str:
    nodes, links = counted(len(lineage.nodes), "node"), counted(len(lineage.links), "link")
    return f"A graph of {nodes} and {links}."


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _frame(layout: Layout, *, is_alone: bool) -> Attributes:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    box = " ".join(map(number, (-_MARGIN, -_MARGIN, width, height)))
    # A page makes it smaller to fit the window, as far as it stays easy to read.
    kind = {"xmlns": _NAMESPACE} if is_alone else {"style": f"min-width: {width * 0.75:.0f}px"}
    size = {"viewBox": box, "width": number(width), "height": number(height)}
    name = "lineage sheet" if height < _TALLEST_SHEET * width else "lineage"
    return {"class": name, "role": "img", **kind, **size}


def _ground(layout: Layout) -> Markup:
    size = {"width": layout.width + 2 * _MARGIN, "height": layout.height + 2 * _MARGIN}
    return element("rect", {"class": "ground", "x": -_MARGIN, "y": -_MARGIN, **size})


def _said(link: Link) -> str:
    relation = shortened(legible(link.relation), _MOST_LABEL, _LABEL_SIZE)
    if link.finding is Finding.VERIFIED:
        return relation
    return f"{relation} · {link.finding}" if relation else str(link.finding)


def _arrow(link: Link, route: Route) -> Markup:
    x, y = route.points[-1]
    head = f"M{number(x - 4.5)} {number(y)} H{number(x + 4.5)} L{number(x)} {number(y + 8)} Z"
    return element(
        "g",
        {"class": f"link {link.finding}"},
        element("path", {"class": "line", "d": _line(route)}),
        element("path", {"class": "head", "d": head}),
    )


def _line(route: Route) -> str:
    parts = ["M{} {}".format(*map(number, route.points[0]))]
    for (x0, y0), (x1, y1) in pairwise(route.points):
        if abs(x1 - x0) < 0.05:
            parts.append(f"V{number(y1)}")
        else:
            middle = (y0 + y1) / 2
            stops = (x0, middle, x1, middle, x1, y1)
            parts.append("C{} {} {} {} {} {}".format(*map(number, stops)))
    return " ".join(parts)


def _label(link: Link, box: Box, text: str) -> Markup:
    if not text:
        return Markup()
    plate = {"x": box.x + 1, "y": box.y + 1, "width": box.width - 2, "height": box.height - 2}
    place: Attributes = {"class": f"relation {link.finding}", "x": box.centre, "y": box.y + 11.5}
    whole = f"{link.relation}: {link.because}" if link.because else link.relation
    words = element("text", place, element("title", {}, whole), text)
    return join([element("rect", {"class": "ground", **plate}), words])
