"""A node as a card of the picture: kind, finding, title and its first facts."""

from __future__ import annotations

from dataclasses import dataclass

from assay.lineage.findings import mark
from assay.lineage.layout import Box
from assay.lineage.legible import legible
from assay.lineage.markup import Markup, element, join
from assay.lineage.measure import shortened, text_width, wrapped
from assay.lineage.model import Finding, Node

WIDTH = 260.0
_LEFT, _RIGHT = 18.0, 14.0
_ROOM = WIDTH - _LEFT - _RIGHT
_KIND_SIZE, _TITLE_SIZE, _FACT_SIZE = 10.5, 13.0, 11.5
_FACT_STEP, _REASON_STEP = 17.0, 15.0
_HEAD, _FOOT = 48.0, 11.0
_MOST_FACTS = 4
_MOST_NAME = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What of a node is shown, cut to the room there is."""

    node: Node
    kind: str
    title: str
    facts: tuple[tuple[str, str], ...]
    value_at: float
    more: str
    reasons: tuple[str, ...]

    @property
    def height(self) -> float:
        """The height of the card."""
        lines = len(self.facts) + bool(self.more)
        facts = lines * _FACT_STEP + 4 if lines else 0
        return _HEAD + facts + len(self.reasons) * _REASON_STEP + _FOOT


def card(node: Node) -> Card:
    """The card of a node."""
    told = len(node.facts) if len(node.facts) <= _MOST_FACTS else _MOST_FACTS - 1
    facts = [(_one(name, _ROOM * _MOST_NAME), legible(value)) for name, value in node.facts[:told]]
    value_at = max((text_width(name, _FACT_SIZE) + 10 for name, _ in facts if name), default=0)
    left = len(node.facts) - told
    is_plain = node.finding is Finding.VERIFIED
    reasons = () if is_plain else wrapped(_head(node.because), _ROOM, _FACT_SIZE, most_lines=2)
    word = text_width(node.finding, _KIND_SIZE, is_bold=True) + 28
    # Capitals with space between them are wider than what they are made from.
    kind = shortened(legible(node.kind.upper()), _ROOM - word, _KIND_SIZE * 1.14, is_bold=True)
    return Card(
        node=node,
        kind=kind,
        title=shortened(legible(node.title), _ROOM, _TITLE_SIZE, is_bold=True),
        facts=tuple(
            (name, shortened(value, _ROOM - (value_at if name else 0), _FACT_SIZE))
            for name, value in facts
        ),
        value_at=value_at,
        more=f"and {left} more" if left else "",
        reasons=tuple(reasons),
    )


def draw(card: Card, box: Box, *, is_root: bool) -> Markup:
    """The card as part of an SVG, where its box is."""
    node = card.node
    classes = f"card {node.finding}" + (" root" if is_root else "")
    place = {"class": classes, "transform": f"translate({box.x:.1f} {box.y:.1f})"}
    return element("g", place, element("title", {}, _whole(node)), *_frame(box), *_lines(card))


def _frame(box: Box) -> list[Markup]:
    outline = {"width": box.width, "height": box.height, "rx": 9}
    # Along the left edge, as far as its rounded corners are 5 wide.
    foot = box.height - 0.94
    stripe = f"M5 0.94 A9 9 0 0 0 0 9 V{foot - 8.06:.1f} A9 9 0 0 0 5 {foot:.1f} Z"
    return [
        element("rect", {"class": "frame", **outline}),
        element("path", {"class": "stripe", "d": stripe}),
    ]


def _lines(card: Card) -> list[Markup]:
    finding = card.node.finding
    word_at = WIDTH - _RIGHT - text_width(finding, _KIND_SIZE, is_bold=True)
    lines = [
        _text("kind", _LEFT, 21, card.kind),
        mark(finding, x=word_at - 18, y=11.5),
        element("text", {"class": "finding", "x": WIDTH - _RIGHT, "y": 21}, str(finding)),
        _text("name", _LEFT, 41, card.title),
    ]
    y = _HEAD + 14
    for name, value in card.facts:
        at = _LEFT + (card.value_at if name else 0)
        lines += [_text("of", _LEFT, y, name), _text("value", at, y, value)]
        y += _FACT_STEP
    if card.more:
        lines.append(_text("of", _LEFT, y, card.more))
        y += _FACT_STEP
    for reason in card.reasons:
        lines.append(_text("reason", _LEFT, y, reason))
        y += _REASON_STEP
    return lines


def _text(role: str, x: float, y: float, text: str) -> Markup:
    return element("text", {"class": role, "x": x, "y": y}, text) if text else Markup()


def _whole(node: Node) -> Markup:
    """What a pointer over the card shows."""
    facts = [f"{name} {value}".strip() for name, value in node.facts]
    said = f"{node.finding}: {node.because}" if node.because else str(node.finding)
    return join([f"{node.kind} {node.title}", *facts, said], "\n")


def _one(name: str, room: float) -> str:
    return shortened(legible(name), room, _FACT_SIZE)


def _head(text: str) -> str:
    """As much of a text as could possibly be shown."""
    return legible(text[:400])
