"""The model in one picture: what is never seen, stage by stage, what shows it, and the arcs between, each name a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from refra.data.loading import variables
from refra.model.assembly import central_model

WIDTH, BOX, ROW, LINE, MARGIN = 1000, 34, 62, 21, 14
BANDS: Sequence[tuple[str, str, Sequence[Sequence[str]]]] = (
    ("exposure", "1  Did the drug get there?", (("adherence", "ada", "clearance"), ("exposure",))),
    (
        "mechanism",
        "2  Did hitting the target matter?",
        (
            ("multi_refractory", "autoantibody", "severity", "driver", "escape"),
            ("covered_tnf_inhibitor", "covered_il6r_inhibitor", "covered_abatacept", "covered_rituximab", "covered_jak_inhibitor"),
            ("covered_current", "engagement", "il6_axis", "acute_phase_block"),
            ("synovitis", "true_course"),
        ),
    ),
    (
        "pain",
        "3  Is it synovitis that hurts?",
        (("depression", "poor_sleep", "fibromyalgia", "osteoarthritis", "joint_damage"), ("other_disease", "other_disease_active")),
    ),
    ("summary", "What it adds up to", (("target_met", "primary_reason"),)),
)
"""Band by band the variables that are never seen, row by row; arcs run down the page wherever the network lets them."""

SHORT = {
    "covered_tnf_inhibitor": "Covered: TNF", "covered_il6r_inhibitor": "Covered: IL-6R", "covered_abatacept": "Covered: abatacept",
    "covered_rituximab": "Covered: rituximab", "covered_jak_inhibitor": "Covered: JAK",
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
    """Return the network's arcs between these variables, passing through summaries that are not shown."""
    wanted, parents = set(shown), central_model().parents

    def sources(name: str) -> set[str]:
        found: set[str] = set()
        for parent in parents[name]:
            found |= {parent} if parent in wanted else sources(parent) if variables()[parent].role == "summary" else set()
        return found

    return sorted((source, name) for name in wanted for source in sources(name))


def findings_of(stage: str) -> list[str]:
    """Return the findings that belong to a stage."""
    return [name for name, variable in variables().items() if variable.role == "finding" and variable.stage == stage]


def _wrapped(names: Sequence[str], room: int) -> list[list[str]]:
    """Break names into lines of at most `room` signs of label."""
    lines: list[list[str]] = [[]]
    for name in names:
        if lines[-1] and sum(len(_label(other)) + 3 for other in [*lines[-1], name]) > room:
            lines.append([])
        lines[-1].append(name)
    return lines


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


def _arc(start: Place, end: Place, level: bool) -> str:
    if level:
        side = 1 if end.middle > start.middle else -1
        x1, x2 = start.middle + side * start.width / 2, end.middle - side * end.width / 2
        y = start.top + BOX / 2
        bend = 0 if abs(x2 - x1) < 60 else 34
        return f'<path d="M{x1:.0f},{y:.0f} Q{(x1 + x2) / 2:.0f},{y - bend:.0f} {x2:.0f},{y:.0f}"/>'
    down = end.top > start.top
    y1 = start.top + (BOX if down else 0)
    y2 = end.top + (0 if down else BOX)
    half = (y1 + y2) / 2
    bends = f"{start.middle:.0f},{half:.0f} {end.middle:.0f},{half:.0f}"
    return f'<path d="M{start.middle:.0f},{y1:.0f} C{bends} {end.middle:.0f},{y2:.0f}"/>'


def _findings(stage: str, top: float) -> tuple[str, float]:
    """Return the lines that name a stage's findings, and where they end."""
    found = findings_of(stage)
    if not found:
        return "", top
    rows = _wrapped(found, 118)
    texts = []
    for number, row in enumerate(rows):
        links = " · ".join(_link(name, f"<tspan>{escape(_label(name))}</tspan>") for name in row)
        lead = '<tspan class="lead">Seen by: </tspan>' if not number else ""
        texts.append(f'<text class="seen" x="{MARGIN + 12}" y="{top + LINE * (number + 0.8):.0f}">{lead}{links}</text>')
    return "".join(texts), top + LINE * len(rows) + 6


def picture() -> str:
    """Return the picture as SVG for the inside of a page; the page's style sheet gives the colours of both schemes."""
    bands, places, boxes = [], {}, []
    top = 8.0
    for stage, title, rows in BANDS:
        begin, y = top, top + 40
        for row in rows:
            for number, name in enumerate(row):
                step = (WIDTH - 2 * MARGIN) / len(row)
                places[name] = Place(MARGIN + step * (number + 0.5), y, min(step - 16, 176))
                boxes.append(_box(name, places[name]))
            y += ROW
        seen, y = _findings(stage, y - ROW + BOX + 14)
        bands.append(
            f'<g class="band {stage}"><rect x="2" y="{begin:.0f}" width="{WIDTH - 4}" height="{y - begin + 8:.0f}" rx="10"/>'
            f'<text class="stage" x="{MARGIN + 12}" y="{begin + 24:.0f}">{escape(title)}</text>{seen}</g>'
        )
        top = y + 22
    lines = [_arc(places[a], places[b], places[a].top == places[b].top) for a, b in arcs(places)]
    return (
        f'<svg class="network" viewBox="0 0 {WIDTH} {top:.0f}" role="img" aria-label="The network: three stages and what they add up to">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>'
        f'{"".join(bands)}<g class="arcs">{"".join(lines)}</g><g class="boxes">{"".join(boxes)}</g></svg>'
    )


def legend() -> Mapping[str, str]:
    """Return what pages quote of the picture."""
    return {"picture.svg": picture(), "picture.boxes": str(len(hidden())), "picture.arcs": str(len(arcs(hidden())))}
