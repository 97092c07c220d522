"""Places for the boxes and arcs of a directed graph, drawn from top to bottom in layers.

The method is that of Sugiyama, Tagawa and Toda (10.1109/TSMC.1981.4308636): layers, an order within each layer by barycentres, then
places. An arc runs straight past the boxes of a layer and bends between layers alone, so that it never lies behind a box. All arcs of one
box that pass a layer share one line there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

SWEEPS = 40
LINE = 14.0
"""Width that a line is given among the boxes of a layer, in pixels."""
LINE_ROOM = 1.5

Point = tuple[float, float]
Knot = tuple[str, int]
"""A box, or the line of a box where it passes a layer."""


@dataclass(frozen=True)
class Box:
    """A box: its size in pixels, the column, counted from 0, that it has to stand in, and whether it belongs to the last layer."""

    width: float
    height: float
    column: int
    last: bool = False


@dataclass(frozen=True)
class Drawing:
    """Left upper corners of the boxes, and for each box the polylines of its arcs and the points of their heads.

    Every second piece of a polyline, the first being straight, bends from one layer to the next.
    """

    places: Mapping[str, Point]
    lines: Mapping[str, tuple[tuple[Point, ...], ...]]
    heads: Mapping[str, tuple[Point, ...]]
    bottom: float


def lay_out(
    boxes: Mapping[str, Box],
    arcs: Sequence[tuple[str, str]],
    columns: Sequence[tuple[float, float]],
    top: float,
    gap: float,
    between: float,
) -> Drawing:
    """Return where boxes and arcs are drawn.

    Args:
        boxes: the boxes by name, parents before their children.
        arcs: parents and children.
        columns: left and right end of each column.
        top: the upper end of the first layer.
        gap: least distance of two boxes side by side.
        between: least distance from one layer to the next; every line between them adds `LINE_ROOM`.
    """
    layer = _layers(boxes, arcs)
    rows, links = _knots(boxes, arcs, layer)
    middle = _middles(boxes, layer, rows, links, columns, gap)
    tops, ends = [top], []
    for level, row in enumerate(rows):
        ends.append(tops[-1] + max((boxes[name].height for name, at in row if at == layer[name]), default=0.0))
        tops.append(ends[-1] + between + LINE_ROOM * sum(start[1] == level for start, _ in links))
    places = {name: (middle[name, layer[name]] - box.width / 2, tops[layer[name]]) for name, box in boxes.items()}
    out, into = _ports(boxes, layer, links, middle)
    lines: dict[str, list[tuple[Point, ...]]] = {name: [] for name in boxes}
    heads: dict[str, list[Point]] = {name: [] for name in boxes}
    for start, end in links:
        name, level = start
        own = level == layer[name]
        begin = tops[level] + (boxes[name].height if own else 0.0)
        end_of_row, next_row = ends[level], tops[level + 1]
        x, to = out[start, end], into[start, end]
        lines[name].append(((x, begin), (x, end_of_row), (to, next_row)))
        if end[0] != name:
            heads[name].append((to, next_row))
    return Drawing(places, {n: tuple(p) for n, p in lines.items()}, {n: tuple(p) for n, p in heads.items()}, ends[-1])


def _layers(boxes: Mapping[str, Box], arcs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return each box's layer: below all its parents, and close above its children where more arcs leave it than enter it."""
    above: dict[str, list[str]] = {name: [] for name in boxes}
    below: dict[str, list[str]] = {name: [] for name in boxes}
    for parent, child in arcs:
        above[child].append(parent)
        below[parent].append(child)
    layer: dict[str, int] = {}
    for name in boxes:
        layer[name] = 1 + max((layer[parent] for parent in above[name]), default=-1)
    layer.update(dict.fromkeys((name for name, box in boxes.items() if box.last), max(layer.values())))
    for name in reversed(list(boxes)):
        if below[name] and len(below[name]) >= len(above[name]):
            layer[name] = min(layer[child] for child in below[name]) - 1
    return layer


def _knots(
    boxes: Mapping[str, Box], arcs: Sequence[tuple[str, str]], layer: Mapping[str, int]
) -> tuple[list[list[Knot]], list[tuple[Knot, Knot]]]:
    """Return the knots of each layer, and which of them are joined."""
    rows: list[list[Knot]] = [[] for _ in range(max(layer.values()) + 1)]
    links: dict[tuple[Knot, Knot], None] = {}
    for name in boxes:
        lowest = max((layer[child] for parent, child in arcs if parent == name), default=layer[name] + 1)
        for level in range(layer[name], max(lowest, layer[name] + 1)):
            rows[level].append((name, level))
            if level > layer[name]:
                links[(name, level - 1), (name, level)] = None
    for parent, child in arcs:
        links[(parent, layer[child] - 1), (child, layer[child])] = None
    return rows, list(links)


def _middles(
    boxes: Mapping[str, Box],
    layer: Mapping[str, int],
    rows: Sequence[Sequence[Knot]],
    links: Sequence[tuple[Knot, Knot]],
    columns: Sequence[tuple[float, float]],
    gap: float,
) -> dict[Knot, float]:
    """Return the middle of every knot: the order with the fewest crossings that the sweeps come upon."""
    real = set(layer.items())
    above: dict[Knot, list[Knot]] = {knot: [] for row in rows for knot in row}
    below: dict[Knot, list[Knot]] = {knot: [] for row in rows for knot in row}
    for start, end in links:
        above[end].append(start)
        below[start].append(end)

    def width(knot: Knot) -> float:
        return boxes[knot[0]].width + gap if knot in real else LINE

    def bounds(knot: Knot) -> Point:
        if knot not in real:
            return columns[0][0] - LINE / 2, columns[-1][1] + LINE / 2
        left, right = columns[boxes[knot[0]].column]
        half = boxes[knot[0]].width / 2
        return left + half, right - half

    at: dict[Knot, float] = {}
    for row in rows:
        for column, (left, right) in enumerate(columns):
            inside = [knot for knot in row if boxes[knot[0]].column == column]
            for number, knot in enumerate(inside, start=1):
                at[knot] = left + (right - left) * number / (len(inside) + 1)
    best, fewest = dict(at), float("inf")
    for sweep in range(SWEEPS):
        downward = sweep % 2 == 0
        for row in rows if downward else reversed(rows):
            wish = {}
            for knot in row:
                ends = [*above[knot], *below[knot]] if sweep >= SWEEPS // 2 else (above[knot] if downward else below[knot])
                wish[knot] = sum(at[end] for end in ends) / len(ends) if ends else at[knot]
                low, high = bounds(knot)
                wish[knot] = min(max(wish[knot], low), high)
            order = sorted(row, key=lambda knot: (wish[knot], knot))
            for knot, place in zip(order, _spread(order, wish, width, bounds), strict=True):
                at[knot] = place
        squeezed = sum(_squeezed(row, at, width, bounds) for row in rows)
        cost = squeezed * 1e3 + _crossings(links, at) + sum(abs(at[a] - at[b]) for a, b in links) / 1e3
        if cost < fewest:
            best, fewest = dict(at), cost
    return best


def _spread(
    order: Sequence[Knot], wish: Mapping[Knot, float], width: Callable[[Knot], float], bounds: Callable[[Knot], Point]
) -> list[float]:
    """Return places as close to those wished for (least squares) as the widths allow, in this order."""
    offsets = [0.0]
    for left, right in pairwise(order):
        offsets.append(offsets[-1] + (width(left) + width(right)) / 2)
    blocks: list[list[float]] = []
    for knot, offset in zip(order, offsets, strict=True):
        blocks.append([wish[knot] - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, weight = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + value * weight) / (blocks[-1][1] + weight), blocks[-1][1] + weight]
    free = [value for value, weight in blocks for _ in range(int(weight))]
    lows, highs = zip(*(bounds(knot) for knot in order), strict=True)
    floor, least = [], float("-inf")
    for low, offset in zip(lows, offsets, strict=True):
        least = max(least, low - offset)
        floor.append(least)
    ceiling, most = [], float("inf")
    for high, offset in zip(reversed(highs), reversed(offsets), strict=True):
        most = min(most, high - offset)
        ceiling.append(most)
    return [max(min(f, c), lo) + o for f, c, lo, o in zip(free, reversed(ceiling), floor, offsets, strict=True)]


def _squeezed(row: Sequence[Knot], at: Mapping[Knot, float], width: Callable[[Knot], float], bounds: Callable[[Knot], Point]) -> float:
    """Return by how many pixels the knots of a row lack room."""
    order = sorted(row, key=lambda knot: (at[knot], knot))
    lacking = [(width(a) + width(b)) / 2 - (at[b] - at[a]) for a, b in pairwise(order)]
    outside = [end for knot in order for end in (bounds(knot)[0] - at[knot], at[knot] - bounds(knot)[1])]
    return sum(amount for amount in (*lacking, *outside) if amount > 0.01)


def _crossings(links: Sequence[tuple[Knot, Knot]], at: Mapping[Knot, float]) -> int:
    """Return how many pairs of lines cross between layers."""
    levels: dict[int, list[Point]] = {}
    for start, end in links:
        levels.setdefault(start[1], []).append((at[start], at[end]))
    return sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for ends in levels.values() for a, b in combinations(ends, 2))


def _ports(
    boxes: Mapping[str, Box], layer: Mapping[str, int], links: Sequence[tuple[Knot, Knot]], middle: Mapping[Knot, float]
) -> tuple[dict[tuple[Knot, Knot], float], dict[tuple[Knot, Knot], float]]:
    """Return where each line leaves and enters its boxes: side by side, in the order of the other ends."""
    out: dict[tuple[Knot, Knot], float] = {}
    into: dict[tuple[Knot, Knot], float] = {}
    for ports, near, far in ((out, 0, 1), (into, 1, 0)):
        groups: dict[Knot, list[tuple[Knot, Knot]]] = {}
        for link in links:
            groups.setdefault(link[near], []).append(link)
        for knot, group in groups.items():
            name, level = knot
            group.sort(key=lambda link: (middle[link[far]], link))
            room = boxes[name].width - 24 if level == layer[name] else 0.0
            step = min(16.0, room / max(1, len(group) - 1))
            for number, link in enumerate(group):
                ports[link] = middle[knot] + step * (number - (len(group) - 1) / 2)
    return out, into
