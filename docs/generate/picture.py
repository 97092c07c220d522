"""The model in one picture: what is never seen, stage by stage, what shows it, and the arcs between, each name a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from refra.data.loading import variables
from refra.model.assembly import central_model

WIDTH, SIDE, BOX, ROW, LINE, MARGIN = 960, 725, 32, 66, 17, 12
"""Lengths in the picture's own unit: its width, where the names of findings begin, a box's height, least heights of rows and lines."""

FIRST, HEAD, APART = 6.0, 36, 14
"""Where the first band begins, the room for a band's title, and the room between bands."""

EDGE, CLEAR = 8, 5
"""How near an arc may come to the side of a band, and to a box that it passes."""

BANDS: Sequence[tuple[str, str, Sequence[Sequence[str]]]] = (
    ("exposure", "1  Did the drug get there?", (("adherence", "ada", "clearance"), ("exposure",))),
    (
        "mechanism",
        "2  Did hitting the target matter?",
        (
            ("severity", "autoantibody", "driver", "multi_refractory"),
            ("covered_tnf_inhibitor", "covered_il6r_inhibitor", "covered_abatacept", "covered_rituximab", "covered_jak_inhibitor"),
            ("il6_axis", "acute_phase_block", "covered_current", "escape"),
            ("engagement", "synovitis", "true_course"),
        ),
    ),
    (
        "pain",
        "3  Is it synovitis that hurts?",
        (("poor_sleep", "depression", "fibromyalgia", "osteoarthritis"), ("other_disease", "joint_damage")),
    ),
    ("summary", "What it adds up to", (("target_met", "primary_reason"),)),
)
"""Band by band the variables that are never seen, row by row."""

RULED = "primary_reason"
"""Decided by a fixed rule from all boxes above; its arcs would say no more than that and cover the rest."""

THROUGH = ("other_disease_active",)
"""A definition of one parent's states: arcs pass through it."""

SHORT = {
    "covered_tnf_inhibitor": "Covered: TNF", "covered_il6r_inhibitor": "Covered: IL-6R", "covered_abatacept": "Covered: abatacept",
    "covered_rituximab": "Covered: rituximab", "covered_jak_inhibitor": "Covered: JAK", "covered_current": "Covered: current class",
    "multi_refractory": "Refractory to many", "engagement": "Driver engaged", "acute_phase_block": "Acute phase blocked",
    "clearance": "Clearance, absorption",
}  # fmt: skip
"""Labels that would not fit their boxes."""


@dataclass(frozen=True)
class Place:
    """The box of a variable: its middle, its upper edge and its width."""

    middle: float
    top: float
    width: float


def hidden() -> tuple[str, ...]:
    """Return the variables that the picture shows as boxes."""
    return tuple(name for _, _, rows in BANDS for row in rows for name in row)


def arcs(shown: Iterable[str]) -> list[tuple[str, str]]:
    """Return the network's arcs between these variables, but for those into the primary reason."""
    wanted, parents = set(shown), central_model().parents

    def sources(name: str) -> set[str]:
        direct = {parent for parent in parents[name] if parent in wanted}
        return direct.union(*(sources(parent) for parent in parents[name] if parent in THROUGH))

    return sorted((source, name) for name in wanted - {RULED} for source in sources(name))


def findings_of(stage: str) -> list[str]:
    """Return the findings that belong to a stage."""
    return [name for name, variable in variables().items() if variable.role == "finding" and variable.stage == stage]


def _label(name: str) -> str:
    return SHORT.get(name) or variables()[name].label["en"]


def _link(name: str, content: str) -> str:
    variable = variables()[name]
    title = f"{variable.label['en']} · {variable.label['zh']}: {variable.sentence}"
    return f'<a href="../network/variables/{name}.html"><title>{escape(title)}</title>{content}</a>'


def _box(name: str, place: Place) -> str:
    left = place.middle - place.width / 2
    return _link(
        name,
        f'<rect x="{left:.0f}" y="{place.top:.0f}" width="{place.width:.0f}" height="{BOX}" rx="6"/>'
        f'<text x="{place.middle:.0f}" y="{place.top + BOX / 2 + 5:.0f}">{escape(_label(name))}</text>',
    )


def crossings(start: Place, end: Place, rows: Sequence[Sequence[Place]]) -> list[tuple[float, float]]:
    """Return where an arc passes the rows of boxes between its ends: beside all boxes, as near to the straight line as can be."""
    upper, lower = sorted((start, end), key=lambda place: place.top)
    found = []
    for row in rows:
        top = row[0].top
        if upper.top < top < lower.top:
            straight = upper.middle + (lower.middle - upper.middle) * (top - upper.top) / (lower.top - upper.top)
            lefts = [EDGE, *(place.middle + place.width / 2 + CLEAR for place in row)]
            rights = [*(place.middle - place.width / 2 - CLEAR for place in row), SIDE - EDGE]
            free = [min(max(straight, left), right) for left, right in zip(lefts, rights, strict=True) if left <= right]
            found.append((min(free, key=lambda x: abs(x - straight)), top))
    return sorted(found, key=lambda crossing: crossing[1], reverse=start.top > end.top)


def _arc(start: Place, end: Place, rows: Sequence[Sequence[Place]]) -> str:
    if start.top == end.top:
        side = 1 if end.middle > start.middle else -1
        x1, x2 = start.middle + side * start.width / 2, end.middle - side * end.width / 2
        if any(place.top == start.top and min(x1, x2) < place.middle < max(x1, x2) for row in rows for place in row):
            # Over the boxes between, from roof to roof.
            x1, x2, high = start.middle + side * start.width / 4, end.middle - side * end.width / 4, start.top - 30
            return f'<path d="M{x1:.0f},{start.top:.0f} C{x1:.0f},{high:.0f} {x2:.0f},{high:.0f} {x2:.0f},{end.top:.0f}"/>'
        y = start.top + BOX / 2
        bend = 0 if abs(x2 - x1) < 60 else 44
        return f'<path d="M{x1:.0f},{y:.0f} Q{(x1 + x2) / 2:.0f},{y - bend:.0f} {x2:.0f},{y:.0f}"/>'
    down = end.top > start.top
    x, y = start.middle, start.top + (BOX if down else 0)
    drawn = [f"M{x:.0f},{y:.0f}"]
    passed = crossings(start, end, rows)
    for across, top in (*passed, (end.middle, end.top)):
        reached = top + (0 if down else BOX)
        half = (y + reached) / 2
        drawn.append(f"C{x:.0f},{half:.0f} {across:.0f},{half:.0f} {across:.0f},{reached:.0f}")
        x, y = across, top + (BOX if down else 0)
        if top != end.top:
            drawn.append(f"L{x:.0f},{y:.0f}")
    # Long arcs are drawn fainter: they matter as much, but cross more.
    far = ' class="far"' if passed else ""
    return f'<path{far} d="{" ".join(drawn)}"/>'


def _beside(stage: str, top: float) -> str:
    """Return the names of a stage's findings, or what its boxes come from, beside the boxes."""
    found = findings_of(stage)
    lead = "Seen by" if found else "The reason follows by a fixed"
    texts = [f'<tspan class="lead">{lead}</tspan>', *(_link(name, escape(_label(name))) for name in found)]
    if not found:
        texts.append('<tspan class="lead">rule from all boxes above.</tspan>')
    return "".join(f'<text class="seen" x="{SIDE}" y="{top + LINE * (n + 1.4):.0f}">{text}</text>' for n, text in enumerate(texts))


def _height(stage: str, rows: Sequence[Sequence[str]]) -> float:
    return max(ROW * len(rows) + HEAD, LINE * (len(findings_of(stage)) + 2.2))


def layout() -> list[dict[str, Place]]:
    """Return the boxes of every row from the top, by variable."""
    found, top = [], FIRST
    for stage, _, rows in BANDS:
        height = _height(stage, rows)
        between = (height - HEAD) / len(rows)
        for number, row in enumerate(rows):
            step = (SIDE - 2 * MARGIN) / len(row)
            y = top + HEAD + between * number + (between - BOX) / 2
            width = min(step - 16, 158)
            found.append({name: Place(MARGIN + step * (place + 0.5), y, width) for place, name in enumerate(row)})
        top += height + APART
    return found


def picture() -> str:
    """Return the picture as SVG for the inside of a page; the page's style sheet gives the colours of both schemes."""
    bands: list[str] = []
    top = FIRST
    for stage, title, stage_rows in BANDS:
        height = _height(stage, stage_rows)
        bands.append(
            f'<g class="band {stage}"><rect x="2" y="{top:.0f}" width="{WIDTH - 4}" height="{height:.0f}" rx="10"/>'
            f'<text class="stage" x="{MARGIN + 6}" y="{top + 24:.0f}">{escape(title)}</text>{_beside(stage, top)}</g>'
        )
        top += height + APART
    places = {name: place for row in layout() for name, place in row.items()}
    rows = [list(row.values()) for row in layout()]
    lines = "".join(_arc(places[start], places[end], rows) for start, end in arcs(places))
    boxes = "".join(_box(name, place) for name, place in places.items())
    return (
        f'<svg class="network" viewBox="0 0 {WIDTH} {top:.0f}" role="img" aria-label="The network: three stages and what they add up to">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>'
        f'{"".join(bands)}<g class="arcs">{lines}</g><g class="boxes">{boxes}</g></svg>'
    )


def legend() -> Mapping[str, str]:
    """Return what pages quote of the picture."""
    return {"picture.svg": picture(), "picture.boxes": str(len(hidden())), "picture.arcs": str(len(arcs(hidden())))}
