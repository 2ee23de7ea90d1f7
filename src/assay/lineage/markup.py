"""HTML and SVG in which every text is escaped, because there is no other way to put one in."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from assay.lineage.legible import legible

_VOID = frozenset({"meta"})

Attributes = Mapping[str, str | float]


class Markup(str):
    """What :func:`element` made, or a constant of ours; any other string is only text."""

    __slots__ = ()


def element(tag: str, attributes: Attributes | None = None, *content: str) -> Markup:
    """An element with its content: text is escaped, and made legible first."""
    named = "".join(f' {name}="{_attribute(v)}"' for name, v in (attributes or {}).items())
    if tag in _VOID:
        return Markup(f"<{tag}{named}>")
    return Markup(f"<{tag}{named}>{join(content)}</{tag}>")


def join(content: Iterable[str], between: str = "") -> Markup:
    """Elements and texts one after the other."""
    return Markup(between.join(p if isinstance(p, Markup) else _escaped(p) for p in content))


def number(value: float) -> str:
    """A length as short as a tenth of a pixel allows."""
    return f"{round(value, 1):.1f}".removesuffix(".0")


def _attribute(value: str | float) -> str:
    return _escaped(value) if isinstance(value, str) else number(value)


def _escaped(text: str) -> str:
    return html.escape(legible(text), quote=True)
