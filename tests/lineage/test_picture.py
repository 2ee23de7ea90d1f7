"""A lineage graph as an SVG and as a page that needs nothing but itself."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given

from assay.lineage.legible import legible
from assay.lineage.model import Finding, Lineage
from assay.lineage.picture import as_html, as_svg
from lineage_graphs import ANY_TEXT, chain, lineages, sample, troubled

MADE = "2026-11-25 01:26 UTC"
SVG = "{http://www.w3.org/2000/svg}"

PICTURE = {"svg", "style", "title", "g", "path", "rect", "text"}
PAGE = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "div"),
    *("h1", "h2", "p", "ul", "li", "span", "em", "bdi", "dl", "dt", "dd"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "style", "scope", "tabindex"),
    *("role", "aria-label", "aria-hidden", "dir"),
    *("viewbox", "width", "height", "x", "y", "rx", "d", "transform"),
}
VOID = {"meta"}


class Reader(HTMLParser):
    """What a browser would find: elements, attributes, and the text of each element."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text: dict[str, list[str]] = {}
        self.others: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def words(svg: str) -> str:
    """All text of a picture."""
    return " ".join(ElementTree.fromstring(svg).itertext())


@given(lineages(ANY_TEXT, most_nodes=5))
def test_a_page_has_only_our_elements_whatever_the_text(lineage: Lineage) -> None:
    page = Reader(as_html(lineage, made=MADE))
    assert set(page.elements) <= PAGE | PICTURE
    assert page.attributes <= ATTRIBUTES
    assert not page.open
    assert not page.others
    assert page.elements["tr"] == 1 + len(lineage.nodes)
    assert page.elements["style"] == 2


@given(lineages(ANY_TEXT, most_nodes=5))
def test_a_picture_is_well_formed_whatever_the_text(lineage: Lineage) -> None:
    root = ElementTree.fromstring(as_svg(lineage))
    assert {part.tag.removeprefix(SVG) for part in root.iter()} <= PICTURE
    assert len(root.findall(f"{SVG}g")) == len(lineage.nodes) + len(lineage.links)


@given(lineages(ANY_TEXT, most_nodes=5))
def test_nothing_invisible_gets_onto_a_page(lineage: Lineage) -> None:
    page = as_html(lineage, made=MADE)
    assert page.replace("\n", "").isprintable()
    assert page.encode("utf-8")


@given(lineages(ANY_TEXT, most_nodes=5))
def test_the_table_has_every_text_in_full(lineage: Lineage) -> None:
    page = Reader(as_html(lineage, made=MADE))
    heads = page.text["th"][-len(lineage.nodes) :]
    cells = page.text["td"]
    for at, node in enumerate(lineage.nodes.values()):
        assert heads[at] == f"{legible(node.kind)} {legible(node.title)}"
        finding, facts, onward = cells[3 * at : 3 * at + 3]
        assert finding == f"{node.finding}{legible(node.because)}"
        assert facts == "".join(legible(text) for fact in node.facts for text in fact)
        for link in (link for link in lineage.links if link.source == node.id):
            assert legible(lineage.nodes[link.target].title) in onward
            assert link.finding is Finding.VERIFIED or legible(link.because) in onward


@given(lineages(ANY_TEXT, most_nodes=5))
def test_the_same_graph_is_drawn_in_the_same_bytes(lineage: Lineage) -> None:
    again = replace(lineage, nodes=dict(lineage.nodes))
    assert as_html(lineage, made=MADE) == as_html(again, made=MADE)


@given(ANY_TEXT)
def test_the_time_is_text_as_any_other(made: str) -> None:
    page = Reader(as_html(sample(), made=made))
    assert f"Traced {legible(made)}." in page.text["header"][0]


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    page = as_html(troubled(), made=MADE)
    assert "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;" in page
    assert not re.findall(r"(?i)https?:|//\w|\burl\(|@import|\bsrc=|\bhref=|<script|\bon\w+=", page)


def test_a_picture_names_no_address_but_its_own_language() -> None:
    assert re.findall(r"https?://[^\"]+", as_svg(troubled())) == ["http://www.w3.org/2000/svg"]


def test_the_header_has_the_verdict_the_root_and_the_time() -> None:
    page = Reader(as_html(sample(), made=MADE))
    header = page.text["header"][0]
    assert "Every link verifies." in header
    assert "predictions.jsonl:17" in header
    assert "19 nodes, 25 links. Traced 2026-11-25 01:26 UTC." in header


def test_what_is_broken_is_said_in_the_header_the_picture_and_the_table() -> None:
    page = Reader(as_html(troubled(), made=MADE))
    for reason in ("The record of the run names another digest.", "The file's digest is"):
        assert reason in page.text["header"][0]
        assert reason in page.text["table"][0]
        assert [drawn for drawn in page.text["svg"] if reason in drawn]
    assert "2 links do not verify" in page.text["header"][0]


def test_every_finding_is_a_word_in_the_picture_and_not_only_a_colour() -> None:
    svg = as_svg(troubled())
    said = Counter(re.findall(r'<text class="finding"[^>]*>([^<]*)<', svg))
    assert said == {"verified": 16, "unsigned": 1, "unrecorded": 1, "broken": 1}
    assert "made by · broken" in words(svg)
    assert "No statement that is signed names" in words(svg)


def test_every_finding_is_explained_by_the_legend() -> None:
    legend = Reader(as_html(sample(), made=MADE)).text["ul"][0]
    assert not [finding for finding in Finding if finding not in legend]


def test_a_long_title_is_cut_on_its_card_and_whole_behind_it() -> None:
    lineage = sample()
    title = "data/" + "long-" * 60 + "end.csv"
    node = replace(lineage.nodes["raw"], title=title)
    root = ElementTree.fromstring(as_svg(replace(lineage, nodes={**lineage.nodes, "raw": node})))
    shown = [part.text or "" for part in root.iter(f"{SVG}text") if part.get("class") == "name"]
    assert not [text for text in shown if len(text) > 40]
    assert [text for text in shown if "…" in text and text.endswith("end.csv")]
    behind = [part.text or "" for part in root.iter(f"{SVG}title")]
    assert [text for text in behind if title in text]


def test_a_card_shows_at_most_four_lines_of_facts_and_says_that_there_are_more() -> None:
    lineage = sample()
    facts = tuple((f"name-{at}", f"value-{at}") for at in range(7))
    node = replace(lineage.nodes["raw"], facts=facts)
    svg = as_svg(replace(lineage, nodes={**lineage.nodes, "raw": node}))
    assert re.findall(r'<text class="value"[^>]*>(value-\d)<', svg) == [
        "value-0",
        "value-1",
        "value-2",
    ]
    assert "and 4 more" in words(svg)


def test_many_broken_links_do_not_push_the_picture_off_the_first_screen() -> None:
    lineage = chain(60)
    nodes = {id: replace(node, finding=Finding.BROKEN) for id, node in lineage.nodes.items()}
    page = Reader(as_html(replace(lineage, nodes=nodes), made=MADE))
    assert "and 52 more, which the table has" in page.text["header"][0]


@pytest.mark.parametrize("length", [1, 2, 500])
def test_a_chain_of_any_length_is_drawn(length: int) -> None:
    page = Reader(as_html(chain(length), made=MADE))
    assert page.elements["tr"] == 1 + length
