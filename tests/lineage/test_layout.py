"""Where cards, links and labels are."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.lineage.layers import arranged
from assay.lineage.layout import Layout, placed
from assay.lineage.model import Lineage, Link, Node
from assay.lineage.picture import as_svg
from assay.lineage.spacing import spaced
from assay.lineage.walk import beginnings, onward
from lineage_graphs import chain, lineages, sample

PAIRS = list[tuple[str, str]]


def laid_out(lineage: Lineage, *, widest: int = 4) -> tuple[PAIRS, Layout]:
    """The links of a graph, and where everything is when each node has another height."""
    links = [(link.source, link.target) for link in lineage.links]
    layers = arranged(beginnings(lineage, onward(lineage)), links, widest=widest)
    sizes = {id: (200.0, 60.0 + 7 * at) for at, id in enumerate(lineage.nodes)}
    return links, placed(layers, sizes, [40.0] * len(links))


@given(lineages())
def test_every_node_has_a_card_and_no_two_overlap(lineage: Lineage) -> None:
    _, layout = laid_out(lineage)
    assert set(layout.boxes) == set(lineage.nodes)
    assert not [two for two in combinations(layout.boxes.values(), 2) if two[0].overlaps(two[1])]


@given(lineages())
def test_all_of_it_is_inside_the_picture(lineage: Lineage) -> None:
    _, layout = laid_out(lineage)
    for box in [*layout.boxes.values(), *(route.label for route in layout.routes)]:
        assert box.x >= -1e-6
        assert box.y >= 0
        assert box.x + box.width <= layout.width + 1e-6
        assert box.bottom <= layout.height
    for route in layout.routes:
        assert all(-1e-6 <= x <= layout.width + 1e-6 for x, _ in route.points)


@given(lineages())
def test_every_link_leads_down_from_its_source_to_its_target(lineage: Lineage) -> None:
    links, layout = laid_out(lineage)
    for (source, target), route in zip(links, layout.routes, strict=True):
        assert route.points[0] == (layout.boxes[source].centre, layout.boxes[source].bottom)
        x, y = route.points[-1]
        below = layout.boxes[target]
        assert below.x < x < below.x + below.width
        assert 0 < below.y - y < 12
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(route.points))


@given(lineages())
def test_no_link_passes_through_a_card(lineage: Lineage) -> None:
    _, layout = laid_out(lineage)
    for route in layout.routes:
        for (x, top), (other_x, bottom) in pairwise(route.points):
            across = sorted((x, other_x))
            for box in layout.boxes.values():
                is_beside = across[1] <= box.x or across[0] >= box.x + box.width
                assert is_beside or bottom <= box.y or top >= box.bottom


@given(lineages(), st.integers(1, 5))
def test_no_row_has_more_nodes_than_allowed(lineage: Lineage, widest: int) -> None:
    _, layout = laid_out(lineage, widest=widest)
    tops = [box.y for box in layout.boxes.values()]
    assert max(map(tops.count, tops)) <= widest


def test_rows_that_share_a_source_are_reached_by_one_line() -> None:
    nodes = {f"n{at}": Node(id=f"n{at}", kind="row", title="") for at in range(40)}
    links = tuple(Link(source="n0", target=f"n{at}", relation="has") for at in range(1, 40))
    lineage = Lineage(root="n0", direction="back", nodes=nodes, links=links)
    _, layout = laid_out(lineage)
    # Of 35 links that pass the first row, each has the same way through it.
    assert len({route.points[2] for route in layout.routes if len(route.points) > 3}) == 1
    assert layout.width < 5 * 240


def test_links_do_not_cross_where_they_need_not() -> None:
    # Told in this order, `a` leads to what is on the right, and `b` to what is on the left.
    links = [("r", "a"), ("r", "b"), ("b", "d"), ("a", "e"), ("a", "c"), ("d", "g"), ("c", "f")]
    rows = [[stop.node for stop in row] for row in arranged(["r"], links, widest=6).rows]
    assert rows[1] in (["a", "b"], ["b", "a"])
    above = {"c": "a", "d": "b", "e": "a"}
    assert [above[node] for node in rows[2]] in (["a", "a", "b"], ["b", "a", "a"])
    assert above[rows[2][0]] == rows[1][0]
    assert [node for node in rows[2] if node != "e"] == [{"f": "c", "g": "d"}[n] for n in rows[3]]


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 50)), min_size=1, max_size=20))
def test_neighbours_keep_their_distance(pairs: list[tuple[float, float]]) -> None:
    wanted = [place for place, _ in pairs]
    gaps = [gap for _, gap in pairs[1:]]
    found = spaced(wanted, gaps)
    assert all(
        right - left >= gap - 1e-6 for (left, right), gap in zip(pairwise(found), gaps, strict=True)
    )
    assert sum(found) == pytest.approx(sum(wanted), abs=1e-3)


@given(st.lists(st.floats(0, 50), max_size=20))
def test_whoever_has_room_stays_where_it_wants_to_be(gaps: list[float]) -> None:
    wanted = [0.0]
    for gap in gaps:
        wanted.append(wanted[-1] + gap + 1)
    assert spaced(wanted, gaps) == pytest.approx(wanted)


def test_labels_of_links_do_not_hide_each_other() -> None:
    for lineage in (sample(), chain(40)):
        _, layout = laid_out(lineage, widest=6)
        labels = [route.label for route in layout.routes]
        assert not [two for two in combinations(labels, 2) if two[0].overlaps(two[1])]


def test_even_a_cycle_is_drawn() -> None:
    nodes = {id: Node(id=id, kind="run", title=id) for id in "abc"}
    links = tuple(Link(source=s, target=t, relation="after") for s, t in ("ab", "bc", "ca", "bb"))
    assert as_svg(Lineage(root="a", direction="back", nodes=nodes, links=links))
