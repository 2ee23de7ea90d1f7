"""A lineage graph as one HTML file: the verdict, the picture, and a table of all that is known."""

from __future__ import annotations

from assay.lineage import stylesheet
from assay.lineage.drawing import counted, drawing
from assay.lineage.findings import EXPLAINED, badge, sign
from assay.lineage.markup import Markup, element, join
from assay.lineage.model import Finding, Lineage, Link, Node
from assay.lineage.verdict import verdict, worst
from assay.lineage.walk import Onward, onward

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MOST_WRONG = 8
_COLUMNS = ("Node", "Finding", "Facts", "Leads on to")


def as_svg(lineage: Lineage) -> str:
    """Only the drawing, as an SVG that needs nothing but itself."""
    return drawing(lineage, is_alone=True)


def as_html(lineage: Lineage, *, made: str) -> str:
    """The page, of which nothing is fetched from anywhere and nothing runs.

    ``made`` says when, as it is to be shown.
    """
    root = lineage.nodes[lineage.root]
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", {}, f"Lineage of {root.title}"),
        element("style", {}, stylesheet.PAGE),
    )
    main = element("main", {}, _header(lineage, made), _graph(lineage), _table(lineage))
    page = element("html", {"lang": "en"}, head, element("body", {}, main))
    return f"<!DOCTYPE html>\n{page}\n"


def _header(lineage: Lineage, made: str) -> Markup:
    root = lineage.nodes[lineage.root]
    nodes, links = counted(len(lineage.nodes), "node"), counted(len(lineage.links), "link")
    gravest = worst(lineage)
    return element(
        "header",
        {},
        element("p", {"class": "eyebrow"}, f"Lineage of {root.kind}"),
        element("h1", {}, root.title),
        element("p", {"class": f"verdict {gravest}"}, sign(gravest), verdict(lineage)),
        element("p", {"class": "about"}, f"{nodes}, {links}. Traced {made}."),
        _wrong(lineage),
    )


def _wrong(lineage: Lineage) -> Markup:
    """What is broken, before anyone has to look for it."""
    broken = lineage.broken
    if not broken:
        return Markup()
    items = [
        element("li", {}, _called(lineage, thing), _reason(thing.because))
        for thing in broken[:_MOST_WRONG]
    ]
    if len(broken) > _MOST_WRONG:
        items.append(
            element("li", {}, f"and {len(broken) - _MOST_WRONG:,} more, which the table has")
        )
    return element("ul", {"class": "wrong"}, *items)


def _called(lineage: Lineage, thing: Node | Link) -> Markup:
    if isinstance(thing, Node):
        return join([badge(thing.finding), _named(thing)], " ")
    source, target = lineage.nodes[thing.source], lineage.nodes[thing.target]
    verb = element("em", {}, thing.relation or "→")
    return join([badge(thing.finding), _named(source), verb, _named(target)], " ")


def _named(node: Node) -> Markup:
    kind = element("span", {"class": "kind-of"}, node.kind)
    return join([kind, " ", _title(node)])


def _title(node: Node) -> Markup:
    """A title in the order of its characters, as on its card, in whatever script it is."""
    return element("bdi", {"dir": "ltr"}, node.title)


def _graph(lineage: Lineage) -> Markup:
    legend = [element("li", {}, badge(finding), f" {EXPLAINED[finding]}") for finding in Finding]
    how = element("li", {}, "An arrow reads downwards: what is above, its label, what is below.")
    return element(
        "section",
        {},
        _scrolled("graph", "The graph", drawing(lineage, is_alone=False)),
        element("ul", {"class": "legend"}, *legend, how),
    )


def _scrolled(role: str, name: str, content: Markup) -> Markup:
    """What may be wider than the window, so that keys can move it too."""
    box = {"class": role, "role": "region", "aria-label": name, "tabindex": "0"}
    return element("div", box, content)


# -- the table ----------------------------------------------------------------------------


def _table(lineage: Lineage) -> Markup:
    links = onward(lineage)
    heads = [element("th", {"scope": "col"}, name) for name in _COLUMNS]
    table = element(
        "table",
        {},
        element("caption", {}, "Each node with all its facts and the reason for its finding."),
        element("thead", {}, element("tr", {}, *heads)),
        element("tbody", {}, *(_row(lineage, node, links) for node in lineage.nodes.values())),
    )
    heading = element("h2", {}, "Everything in the picture, in words")
    return element("section", {}, heading, _scrolled("words", "The table", table))


def _row(lineage: Lineage, node: Node, links: Onward) -> Markup:
    facts = [
        join([element("dt", {}, name), element("dd", {}, value)]) for name, value in node.facts
    ]
    leads = [_lead(lineage, link) for link in links.get(node.id, ())]
    return element(
        "tr",
        {},
        element("th", {"scope": "row"}, _named(node)),
        element("td", {}, badge(node.finding), _reason(node.because)),
        element("td", {}, element("dl", {}, *facts) if facts else ""),
        element("td", {}, element("ul", {}, *leads) if leads else ""),
    )


def _lead(lineage: Lineage, link: Link) -> Markup:
    kind = element("span", {"class": "kind-of"}, link.relation or "→")
    said = join([kind, " ", _title(lineage.nodes[link.target])])
    if link.finding is Finding.VERIFIED:
        return element("li", {}, said)
    return element("li", {}, said, " ", badge(link.finding), _reason(link.because))


def _reason(because: str) -> Markup:
    return element("p", {}, because) if because else Markup()
