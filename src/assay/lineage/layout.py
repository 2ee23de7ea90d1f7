"""Where in the picture each card, link and label is: pure geometry, y grows downwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.lineage.layers import Layers, Role, Stop
from assay.lineage.spacing import centres

_ROW_GAP = 68.0
_PORT_GAP = 22.0
_LABEL_HEIGHT = 16.0
_ARROW = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle; ``x`` and ``y`` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        """The middle of its width."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether the two have an area in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.bottom
            and other.y < self.bottom
        )


Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a link is drawn: points from top to bottom, and the box of its label.

    Between two points with the same x it is straight, else it bends from one vertical into the
    other.  The last point is where the head of the arrow begins.
    """

    points: tuple[Point, ...]
    label: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A box for each node, a route for each link (in their order), and the size of it all."""

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def placed(
    layers: Layers, sizes: Mapping[str, tuple[float, float]], labels: Sequence[float]
) -> Layout:
    """The layout for cards of the given (width, height) and labels of the given widths."""
    x = centres(layers, {node: width for node, (width, _) in sizes.items()})
    bands = _bands(layers, {node: height for node, (_, height) in sizes.items()})
    boxes = {
        stop.node: Box(
            x=x[stop] - sizes[stop.node][0] / 2,
            y=bands[stop.row][0],
            width=sizes[stop.node][0],
            height=sizes[stop.node][1],
        )
        for row in layers.rows
        for stop in row
        if stop.is_node
    }
    ports = _ports(layers, x, boxes)
    lines = [_points(path, x, bands, boxes, ports) for path in layers.paths]
    routes = tuple(_routes(layers, lines, labels))
    edges = [box.x + box.width for box in boxes.values()]
    edges += [route.label.x + route.label.width for route in routes]
    return Layout(
        boxes=boxes,
        routes=routes,
        width=max([*edges, *x.values()]),
        height=bands[-1][1],
    )


def _bands(layers: Layers, heights: Mapping[str, float]) -> list[tuple[float, float]]:
    """Top and bottom of each row."""
    bands, top = [], 0.0
    for row in layers.rows:
        bottom = top + max(heights[stop.node] for stop in row if stop.is_node)
        bands.append((top, bottom))
        top = bottom + _ROW_GAP
    return bands


# -- links --------------------------------------------------------------------------------


def _ports(
    layers: Layers, x: Mapping[Stop, float], boxes: Mapping[str, Box]
) -> dict[tuple[Stop, Stop], float]:
    """Where on its upper edge each node is reached from each stop above it."""
    ports = {}
    for stop, above in layers.above.items():
        if not stop.is_node:
            continue
        box = boxes[stop.node]
        step = min(_PORT_GAP, box.width * 0.7 / len(above))
        for at, other in enumerate(sorted(above, key=x.__getitem__)):
            ports[other, stop] = box.centre + step * (at - (len(above) - 1) / 2)
    return ports


def _points(
    path: tuple[Stop, ...],
    x: Mapping[Stop, float],
    bands: Sequence[tuple[float, float]],
    boxes: Mapping[str, Box],
    ports: Mapping[tuple[Stop, Stop], float],
) -> list[Point]:
    first, last = path[0], path[-1]
    start = x[first]
    points = [(start, boxes[first.node].bottom), (start, bands[first.row][1])]
    for stop in path[1:-1]:
        top, bottom = bands[stop.row]
        points += [(x[stop], top), (x[stop], bottom)]
    end = ports.get((path[-2], last), start)
    return [*points, (end, boxes[last.node].y - _ARROW)]


def _routes(
    layers: Layers, lines: Sequence[list[Point]], widths: Sequence[float]
) -> Iterable[Route]:
    taken: dict[float, list[Box]] = defaultdict(list)  # labels by the row they are under
    for path, points, width in zip(layers.paths, lines, widths, strict=True):
        # Where the link is by itself, before or after it passes together with others.
        begin = -2 if path[1].role is Role.FROM else 1
        start, end = points[begin], points[begin + 1]
        tries = (
            (0.5, 0.62, 0.4, 0.74, 0.26) if path[1].role is Role.TO else (0.72, 0.5, 0.6, 0.4, 0.26)
        )
        candidates = [_label(_on_bend(start, end, at), width) for at in tries]
        others = taken[start[1]]
        label = min(candidates, key=lambda box: sum(map(box.overlaps, others)))
        others.append(label)
        yield Route(points=tuple(points), label=label)


def _label(middle: Point, width: float) -> Box:
    x, y = middle
    return Box(
        x=max(0.0, x - width / 2), y=y - _LABEL_HEIGHT / 2, width=width, height=_LABEL_HEIGHT
    )


def _on_bend(start: Point, end: Point, at: float) -> Point:
    """A point of the cubic curve whose control points are half-way down and half-way up."""
    (x0, y0), (x1, y1) = start, end
    eased = at * at * (3 - 2 * at)
    middle = (y0 + y1) / 2
    back = 1 - at
    y = back**3 * y0 + 3 * back * at * middle + at**3 * y1
    return x0 + (x1 - x0) * eased, y
