"""A lineage graph as a tree for the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.lineage.legible import columns
from assay.lineage.model import Finding, Lineage, Link, Node
from assay.lineage.tree import as_tree
from lineage_graphs import ANY_TEXT, chain, lineages, sample, troubled

WIDTHS = st.integers(20, 140)
DRAWN = " │├└─"

INTENDED = """\
✓ prediction  predictions.jsonl:17   id 17, intent HassTurnOn
└─ ✓ job run  nightly 20261125T020000-1b2c3d4e   signed by job, outputs 128,
   │          started 2026-11-25 02:00:00 UTC
   ├─ ✓ release  intent-bot@1.0.0   digest 6f2c91a0…, signed by ana
   │  ├─ ✓ channel  production   since 2026-11-20, by ana, approvals 2 of 2
   │  ├─ ✓ gate  metric: pass   accuracy 0.934, at least 0.9
   │  │  └─ ✓ metrics  metrics.json   accuracy 0.934, macro F1 0.921
   │  │     └─ ✓ run  evaluate 20261119T161155   command python test.py, took 3.1 s
   │  │        │      ✗ BROKEN link (made by): The record of the run names another digest.
   │  │        ├─ ✗ model  model/model.json   BROKEN   size 1.2 MiB, digest be7d5308…
   │  │        │  │        The file's digest is 91d0c3aa…, the release recorded be7d5308….
   │  │        │  └─ ✓ run  train 20261119T161102   command python train.py, took 41.2 s
   │  │        │     ├─ ✓ parameters  params.yaml   alpha 0.5, order 3
   │  │        │     ├─ ✓ data  prepared/train.jsonl   rows 4,812, size 1.9 MiB
   │  │        │     │  └─ ✓ run  prepare 20261119T160937   command python prepare.py, took 0.8 s
   │  │        │     │     ├─ ? data  raw/utterances.csv   unrecorded   rows 6,015, size 2.4 MiB,
   │  │        │     │     │  │       license CC-BY-4.0
   │  │        │     │     │  │       It was added by hand: no run made it.
   │  │        │     │     │  ├─ ✓ row  raw/utterances.csv:2041   text turn on the kitchen light
   │  │        │     │     │  └─ ✓ commit  a1b2c3d4 "Train on the November utterances"   author Ana
   │  │        │     │     └─ ✓ commit  a1b2c3d4 "Train on the November utterances"   (see above)
   │  │        │     └─ ✓ commit  a1b2c3d4 "Train on the November utterances"   (see above)
   │  │        └─ ✓ data  prepared/test.jsonl   rows 1,203, size 482 KiB
   │  │           └─ ✓ run  prepare 20261119T160937   (see above)
   │  ├─ ✓ gate  contract: pass   rows 4,812, violations 0
   │  │  └─ ✓ data  prepared/train.jsonl   (see above)
   │  ├─ ✗ model  model/model.json   (see above)
   │  ├─ · prompts  prompts/   UNSIGNED   files 6, size 14 KiB, digest 08a1c6f2…
   │  │  │          No statement that is signed names this digest.
   │  │  └─ ✓ commit  a1b2c3d4 "Train on the November utterances"   (see above)
   │  └─ ✓ commit  a1b2c3d4 "Train on the November utterances"   (see above)
   └─ ✓ data  inbox/2026-11-24.jsonl   rows 128, size 41 KiB, digest 6f2c91a04be7d5308a1c"""


def two(node: Node, link: Link | None = None) -> Lineage:
    """A root and one node that it came from."""
    root = Node(id="root", kind="release", title="bot@1")
    link = link or Link(source="root", target=node.id, relation="contains")
    return Lineage(
        root="root", direction="back", nodes={"root": root, node.id: node}, links=(link,)
    )


def named_by_id(lineage: Lineage) -> Lineage:
    """The same graph, each node called by its id."""
    nodes = {id: replace(node, title=id) for id, node in lineage.nodes.items()}
    return replace(lineage, nodes=nodes)


def test_it_looks_as_intended() -> None:
    assert as_tree(troubled(), width=100) == INTENDED


def test_ascii_has_the_same_shape() -> None:
    drawn = as_tree(troubled(), width=300).replace("├", "|").replace("└", "`")
    typed = drawn.translate(str.maketrans("│─✓·✗", "|-+.!")).replace("…", "...")
    assert as_tree(troubled(), width=300, is_ascii=True) == typed


@given(lineages(), WIDTHS)
def test_every_node_has_exactly_one_line_of_its_own(lineage: Lineage, width: int) -> None:
    own: list[str] = []

    def style(text: str, *styles: str) -> str:
        if styles == ("bold",):
            own.append(text)
        return text

    as_tree(named_by_id(lineage), width=width, style=style)
    assert sorted(own) == sorted(lineage.nodes)


@given(lineages(), WIDTHS)
def test_every_link_is_told(lineage: Lineage, width: int) -> None:
    told = as_tree(named_by_id(lineage), width=width)
    assert told.count("├─ ") + told.count("└─ ") == len(lineage.links)


@given(lineages(), WIDTHS)
def test_no_line_is_wider_than_asked_unless_a_word_is(lineage: Lineage, width: int) -> None:
    wide = [line for line in as_tree(lineage, width=width).split("\n") if columns(line) > width]
    assert not [line for line in wide if len(line.strip(DRAWN).split()) > 1]


@given(lineages(ANY_TEXT, most_nodes=5), WIDTHS)
def test_no_text_can_act_on_the_terminal(lineage: Lineage, width: int) -> None:
    told = as_tree(lineage, width=width)
    assert all(line.isprintable() for line in told.split("\n"))


@given(lineages(ANY_TEXT, most_nodes=5), WIDTHS)
def test_ascii_is_all_that_an_ascii_terminal_gets(lineage: Lineage, width: int) -> None:
    assert as_tree(lineage, width=width, is_ascii=True).isascii()


@given(lineages(ANY_TEXT, most_nodes=5), WIDTHS)
def test_the_same_graph_is_told_in_the_same_words(lineage: Lineage, width: int) -> None:
    again = replace(lineage, nodes=dict(lineage.nodes), links=(*lineage.links,))
    assert as_tree(lineage, width=width) == as_tree(again, width=width)


@given(lineages(), WIDTHS)
def test_styles_change_nothing_but_the_looks(lineage: Lineage, width: int) -> None:
    painted = as_tree(lineage, width=width, style=lambda text, *styles: f"\x1b[1m{text}\x1b[0m")
    plain = painted.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert plain == as_tree(lineage, width=width)


@pytest.mark.parametrize(
    ("finding", "mark", "word", "color"),
    [
        (Finding.UNSIGNED, "·", "UNSIGNED", "yellow"),
        (Finding.UNRECORDED, "?", "unrecorded", "dim"),
        (Finding.BROKEN, "✗", "BROKEN", "red"),
    ],
)
def test_what_is_not_verified_has_a_mark_a_word_a_colour_and_a_reason(
    finding: Finding, mark: str, word: str, color: str
) -> None:
    node = Node(id="n", kind="model", title="m.json", finding=finding, because="It is so.")
    painted: dict[str, tuple[str, ...]] = {}

    def style(text: str, *styles: str) -> str:
        painted[text] = styles
        return text

    told = as_tree(two(node), width=80, style=style)
    assert told.split("\n")[1:] == [f"└─ {mark} model  m.json   {word}", "            It is so."]
    for sign in (mark, word):
        assert [text for text, styles in painted.items() if sign in text and color in styles]


def test_a_broken_link_to_a_node_that_verifies_is_visible() -> None:
    node = Node(id="n", kind="model", title="m.json")
    link = Link(
        source="root",
        target="n",
        relation="contains",
        finding=Finding.BROKEN,
        because="Digests differ.",
    )
    told = as_tree(two(node, link), width=80)
    assert "✓ model  m.json" in told
    assert "✗ BROKEN link (contains): Digests differ." in told


def test_what_holds_for_a_node_and_the_link_to_it_is_said_once() -> None:
    broken = {"finding": Finding.BROKEN, "because": "Digests differ."}
    node = Node(id="n", kind="model", title="m.json", **broken)  # type: ignore[arg-type]
    link = Link(source="root", target="n", relation="contains", **broken)  # type: ignore[arg-type]
    assert as_tree(two(node, link), width=80).count("Digests differ.") == 1


def test_a_broken_link_to_what_is_told_elsewhere_is_visible_too() -> None:
    node = Node(id="n", kind="model", title="m.json")
    sound = Link(source="root", target="n", relation="contains")
    torn = replace(sound, relation="tested", finding=Finding.BROKEN, because="Digests differ.")
    lineage = replace(two(node), links=(sound, torn))
    assert as_tree(lineage, width=80).split("\n")[2:] == [
        "└─ ✓ model  m.json   (see above)",
        "            ✗ BROKEN link (tested): Digests differ.",
    ]


def test_facts_that_do_not_fit_go_on_under_the_title() -> None:
    facts = (("digest", "6f2c91a0"), ("signed by", "ana"), ("at", "noon"))
    node = Node(id="n", kind="model", title="m.json", facts=facts)
    assert as_tree(two(node), width=42).split("\n")[1:] == [
        "└─ ✓ model  m.json   digest 6f2c91a0,",
        "            signed by ana, at noon",
    ]


def test_wide_characters_take_two_columns() -> None:
    node = Node(id="n", kind="data", title="漢字", facts=(("語", "漢字漢字"), ("語", "漢字漢字")))
    lines = as_tree(two(node), width=36).split("\n")[1:]
    assert [columns(line) for line in lines] == [30, 22]


def test_a_chain_longer_than_the_stack_is_told_to_its_end() -> None:
    told = as_tree(named_by_id(chain(5_000)), width=80)
    assert max(map(len, told.split("\n"))) <= 80
    assert "✓ run  n4998" in told
    assert told.count("(see below)") > 100


def test_what_nothing_leads_to_is_told_at_the_end() -> None:
    stray = Node(id="s", kind="data", title="stray.csv", finding=Finding.BROKEN)
    lineage = sample()
    lineage = replace(lineage, nodes={"s": stray, **lineage.nodes})
    assert as_tree(lineage, width=100).split("\n")[-2:] == ["", "✗ data  stray.csv   BROKEN"]


def test_even_a_cycle_is_told_to_its_end() -> None:
    nodes = {id: Node(id=id, kind="run", title=id) for id in "abc"}
    links = tuple(Link(source=s, target=t, relation="after") for s, t in ("ab", "bc", "ca", "bb"))
    lineage = Lineage(root="a", direction="back", nodes=nodes, links=links)
    assert as_tree(lineage, width=80).count("(see above)") == 2
