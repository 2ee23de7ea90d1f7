"""Lineage graphs to draw: one as a project would have it, and any at all for hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from assay.lineage.model import Finding, Lineage, Link, Node

_DIGEST = "6f2c91a04be7d5308a1c"


def _node(key: str, kind: str, title: str, /, **facts: str) -> Node:
    pairs = tuple((name.replace("_", " "), value) for name, value in facts.items())
    return Node(id=key, kind=kind, title=title, facts=pairs)


_NODES = (
    _node("prediction", "prediction", "predictions.jsonl:17", id="17", intent="HassTurnOn"),
    _node(
        "job",
        "job run",
        "nightly 20261125T020000-1b2c3d4e",
        signed_by="job",
        outputs="128",
        started="2026-11-25 02:00:00 UTC",
    ),
    _node("input", "data", "inbox/2026-11-24.jsonl", rows="128", size="41 KiB", digest=_DIGEST),
    _node("release", "release", "intent-bot@1.0.0", digest=f"{_DIGEST[:8]}…", signed_by="ana"),
    _node("channel", "channel", "production", since="2026-11-20", by="ana", approvals="2 of 2"),
    _node("gate", "gate", "metric: pass", accuracy="0.934", at_least="0.9"),
    _node("contract", "gate", "contract: pass", rows="4,812", violations="0"),
    _node("model", "model", "model/model.json", size="1.2 MiB", digest="be7d5308…"),
    _node("prompts", "prompts", "prompts/", files="6", size="14 KiB", digest="08a1c6f2…"),
    _node("train", "run", "train 20261119T161102", command="python train.py", took="41.2 s"),
    _node("evaluate", "run", "evaluate 20261119T161155", command="python test.py", took="3.1 s"),
    _node("metrics", "metrics", "metrics.json", accuracy="0.934", macro_F1="0.921"),
    _node("params", "parameters", "params.yaml", alpha="0.5", order="3"),
    _node("train-data", "data", "prepared/train.jsonl", rows="4,812", size="1.9 MiB"),
    _node("test-data", "data", "prepared/test.jsonl", rows="1,203", size="482 KiB"),
    _node("prepare", "run", "prepare 20261119T160937", command="python prepare.py", took="0.8 s"),
    _node("raw", "data", "raw/utterances.csv", rows="6,015", size="2.4 MiB", license="CC-BY-4.0"),
    _node("row", "row", "raw/utterances.csv:2041", text="turn on the kitchen light"),
    _node("commit", "commit", 'a1b2c3d4 "Train on the November utterances"', author="Ana"),
)
_LINKS = (
    ("prediction", "job", "written by"),
    ("job", "release", "used"),
    ("job", "input", "read"),
    ("release", "channel", "promoted to"),
    ("release", "gate", "passed"),
    ("release", "contract", "passed"),
    ("release", "model", "contains"),
    ("release", "prompts", "contains"),
    ("release", "commit", "pinned to"),
    ("gate", "metrics", "judged"),
    ("metrics", "evaluate", "made by"),
    ("evaluate", "model", "read"),
    ("evaluate", "test-data", "read"),
    ("contract", "train-data", "judged"),
    ("model", "train", "made by"),
    ("train", "params", "read"),
    ("train", "train-data", "read"),
    ("train", "commit", "at"),
    ("train-data", "prepare", "made by"),
    ("test-data", "prepare", "made by"),
    ("prepare", "raw", "read"),
    ("prepare", "commit", "at"),
    ("raw", "row", "has"),
    ("raw", "commit", "added in"),
    ("prompts", "commit", "added in"),
)


def sample(**findings: tuple[Finding, str]) -> Lineage:
    """A prediction traced to rows and a commit; ``findings`` says what differs, by node."""
    nodes = {node.id: node for node in _NODES}
    for id, (finding, because) in findings.items():
        nodes[id] = replace(nodes[id], finding=finding, because=because)
    links = tuple(Link(source=s, target=t, relation=r) for s, t, r in _LINKS)
    return Lineage(root="prediction", direction="back", nodes=nodes, links=links)


def troubled() -> Lineage:
    """The same with one of each finding, and a link that is broken."""
    lineage = sample(
        model=(Finding.BROKEN, "The file's digest is 91d0c3aa…, the release recorded be7d5308…."),
        prompts=(Finding.UNSIGNED, "No statement that is signed names this digest."),
        raw=(Finding.UNRECORDED, "It was added by hand: no run made it."),
    )
    links = [
        replace(
            link,
            finding=Finding.BROKEN,
            because="The record of the run names another digest.",
        )
        if (link.source, link.target) == ("metrics", "evaluate")
        else link
        for link in lineage.links
    ]
    return replace(lineage, links=tuple(links))


def chain(length: int) -> Lineage:
    """Nodes that each come from the next, and all of them from the last one too."""
    nodes = {f"n{at}": Node(id=f"n{at}", kind="run", title=f"step-{at}") for at in range(length)}
    links = [
        Link(source=f"n{at}", target=f"n{at + 1}", relation="after") for at in range(length - 1)
    ]
    links += [
        Link(source=f"n{at}", target=f"n{length - 1}", relation="at")
        for at in range(0, length - 2, 40)
    ]
    return Lineage(root="n0", direction="back", nodes=nodes, links=tuple(links))


ANY_TEXT = st.text(
    st.characters(codec=None)  # all of Unicode, lone surrogates included
    | st.sampled_from("<>&\"'\\/=\x00\x1b\x7f\u200f\u202e\u2066\u2028\ufeff\udc80\udcff 漢é́"),
    max_size=40,
) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</style></title></svg></table><img src=x onerror=alert(1)>",
        "--><!-- ]]> <![CDATA[",
        "' onload='alert(1)",
        "https://example.org/x.png",
        "\x1b[31mred\x1b]0;title\x07",
        "gpj.\u202efdp",
        "x" * 3_000,
        "word " * 300,
    ]
)
WORDS = st.text("abcdefgh 漢", min_size=1, max_size=30).filter(str.strip)


@st.composite
def lineages(
    draw: Callable[..., object], texts: st.SearchStrategy[str] = WORDS, most_nodes: int = 14
) -> Lineage:
    """Any graph without cycles, connected or not."""
    count = draw(st.integers(1, most_nodes))
    assert isinstance(count, int)
    facts = st.lists(st.tuples(texts, texts), max_size=6).map(tuple)
    findings = st.sampled_from(Finding)
    nodes = {}
    for at in range(count):
        made = st.builds(
            Node,
            id=st.just(f"n{at}"),
            kind=texts,
            title=texts,
            facts=facts,
            finding=findings,
            because=texts,
        )
        nodes[f"n{at}"] = draw(made)
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    pairs = st.lists(ends.filter(lambda pair: pair[0] < pair[1]), max_size=3 * count)
    links = []
    for source, target in draw(pairs if count > 1 else st.just([])):  # type: ignore[misc]
        made = st.builds(
            Link,
            source=st.just(f"n{source}"),
            target=st.just(f"n{target}"),
            relation=texts,
            finding=findings,
            because=texts,
        )
        links.append(draw(made))
    return Lineage(root="n0", direction="back", nodes=nodes, links=tuple(links))  # type: ignore[arg-type]
