"""The graph of stages as text, DOT and Mermaid."""

from __future__ import annotations

from assay.pipelines.graph import Graph


def as_text(graph: Graph, chosen: list[str]) -> str:
    """One stage a line, in order, with what it reads from."""
    lines = []
    for address in chosen:
        before = [other for other in graph.before[address] if other in chosen]
        lines.append(f"{address}  <-  {', '.join(before)}" if before else address)
    return "\n".join(lines)


def as_dot(graph: Graph, chosen: list[str]) -> str:
    """For Graphviz, as DVC prints it."""
    lines = ["strict digraph  {"]
    lines += [f"{_quoted(address)};" for address in chosen]
    lines += [f"{_quoted(a)} -> {_quoted(b)};" for a, b in _edges(graph, chosen)]
    return "\n".join([*lines, "}"])


def as_mermaid(graph: Graph, chosen: list[str]) -> str:
    """For Markdown pages that draw Mermaid, as DVC prints it."""
    node = {address: f"node{at}" for at, address in enumerate(chosen, 1)}
    lines = ["flowchart TD"]
    lines += [f"\t{node[a]}[{_quoted(a, '#quot;')}]" for a in chosen]
    lines += [f"\t{node[a]}-->{node[b]}" for a, b in _edges(graph, chosen)]
    return "\n".join(lines)


def _edges(graph: Graph, chosen: list[str]) -> list[tuple[str, str]]:
    return [(other, a) for a in chosen for other in graph.before[a] if other in chosen]


def _quoted(text: str, quote: str = '\\"') -> str:
    return '"' + text.replace('"', quote) + '"'
