"""Small pictures of an answer as SVG: the three stages with the patient's posteriors, and what each finding does to a cause's odds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..data.labels import label
from ..data.loading import variables
from .display_graph import WORDS as STAGE_WORDS
from .display_layout import SPEAKS, lines, share, signed
from .display_words import WORDS, Words
from .html import Html, escape
from .svg_text import text_width, wrapped

if TYPE_CHECKING:
    from .assessment import Assessment

COLUMN, GAP, BOX, HEAD = 308.0, 22.0, 27.0, 30.0
SIZE, SMALL = 12.0, 10.0
FOR, AGAINST = "#0072B2", "#D55E00"
"""Colours of evidence for and against; each stands out from white and from black, and the colour-blind tell them apart."""

LABELS, SCALE, NUMBERS, ROW = 246.0, 164.0, 72.0, 19.0
FURTHEST = 4.0
"""Log10 odds at which the scale ends at the latest: about one in ten thousand."""

TICKS = (0.5, 0.1, 0.9, 0.01, 0.99, 0.001, 0.999, 0.0001, 0.9999, 0.3, 0.7, 0.2, 0.8, 0.05, 0.95, 0.4, 0.6, 0.02, 0.98)
"""Probabilities that the scale may be marked with, those first that are marked as long as there is room."""

STEPS_SHOWN = 9
UNKNOWN = math.nan


def stages(answer: Assessment) -> Html:
    """Return the three questions of the answer as three columns of boxes, from causes down to what they lead to.

    A box holds a posterior probability and, behind it, a bar of that length; the last box of a column leads on to the next column.
    """
    words, stage_words = WORDS[answer.language], STAGE_WORDS[answer.language]
    columns = _columns(answer, words)
    rows = max(map(len, columns))
    height = HEAD + rows * (BOX + 7) + 26
    width = 3 * COLUMN + 2 * GAP
    parts: list[str] = []
    for number, boxes in enumerate(columns):
        x = number * (COLUMN + GAP)
        parts.append(f'<text x="{x:g}" y="15" font-weight="600">{escape(stage_words[str(number)])}</text>')
        for place, (title, value) in enumerate(boxes):
            # What a column's causes lead to stands on the last row, so that the arrows between the columns are level.
            y = HEAD + (rows - 1 if place == len(boxes) - 1 else place) * (BOX + 7) + (22 if place == len(boxes) - 1 else 0)
            parts.append(_box(x, y, title, value, strong=place == len(boxes) - 1))
        top = HEAD + (len(boxes) - 1) * (BOX + 7) - 7
        last = HEAD + (rows - 1) * (BOX + 7) + 22
        parts.append(_arrow(x + COLUMN / 2, top + 2, x + COLUMN / 2, last - 2))
        if number < len(columns) - 1:
            parts.append(_arrow(x + COLUMN + 1, last + BOX / 2, x + COLUMN + GAP - 1, last + BOX / 2))
    told = ". ".join(
        f"{stage_words[str(number)].strip()} {words['join'].join(f'{title} {share(value)}' for title, value in boxes)}"
        for number, boxes in enumerate(columns)
    )
    return _svg(width, height, f"{words['stages']}{words['colon']}{told}", parts)


def _columns(answer: Assessment, words: Words) -> list[list[tuple[str, float]]]:
    stage = answer.stages
    present = {row.id: row.probability for row in lines(answer.causes)}
    driver = answer.drivers.iloc[0]

    def cause(name: str, value: float = UNKNOWN) -> tuple[str, float]:
        return label("causes", name, answer.language), present[name] if math.isnan(value) else value

    return [
        [
            cause("non_adherence"),
            cause("anti_drug_antibodies"),
            cause("low_exposure_other"),
            (words["in_range"], stage["exposure_in_range"]),
        ],
        [
            (f"{variables()['driver'].label[answer.language]}{words['colon']}{driver['label']}", float(driver["probability"])),
            cause("wrong_pathway"),
            cause("pathway_escape"),
            (words["covered"], stage["covered"]),
        ],
        [
            cause("fibromyalgia"),
            cause("osteoarthritis"),
            cause("depression"),
            cause("other_disease"),
            (words["synovitis"], stage["synovitis"]),
        ],
    ]


def _box(x: float, y: float, title: str, value: float, strong: bool) -> str:
    bar = max(0.0, min(1.0, value)) * COLUMN
    line = _fitting(title, COLUMN - 62)
    weight = ' font-weight="600"' if strong else ""
    return (
        f'<g><title>{escape(title)} {escape(share(value))}</title><rect x="{x:g}" y="{y:g}" width="{COLUMN:g}" height="{BOX:g}" rx="4" '
        f'fill="currentColor" opacity=".07"/><rect x="{x:g}" y="{y:g}" width="{bar:.1f}" height="{BOX:g}" rx="4" '
        f'fill="var(--refra-accent,#3b82b8)" opacity=".38"/><text x="{x + 8:g}" y="{y + 18:g}"{weight}>{escape(line)}</text>'
        f'<text x="{x + COLUMN - 7:g}" y="{y + 18:g}" text-anchor="end"{weight}>{escape(share(value))}</text></g>'
    )


def _fitting(text: str, width: float) -> str:
    """Return a text, cut where it does not fit into a width; the whole stands in the box's tip."""
    return text if text_width(text, SIZE) <= width else wrapped(text, width - SIZE, SIZE)[0] + "…"


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    level = y1 == y2
    head = f"M{x2 - 5:g} {y2 - 4:g}l5 4l-5 4" if level else f"M{x2 - 4:g} {y2 - 5:g}l4 5l4-5"
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}{head}" fill="none" stroke="currentColor" stroke-width="1.4" opacity=".6"/>'


def _svg(width: float, height: float, told: str, parts: Sequence[str]) -> Html:
    return Html(
        f'<div class="wide"><svg class="picture" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(told)}" font-size="{SIZE:g}" fill="currentColor">{"".join(parts)}</svg></div>'
    )


@dataclass(frozen=True)
class Step:
    """A line of a waterfall: log10 odds before and after, and how much it says (infinite where it settles the cause)."""

    text: str
    before: float
    after: float
    weight: float


def waterfall_steps(table: pd.DataFrame, words: Words, most: int = STEPS_SHOWN) -> list[Step]:
    """Return what the findings do to the odds of one cause, one by one in the record's order; the small steps are put together at the end.

    `table` holds the rows of `findings` of one cause.
    """
    seen = table[table["before"].notna()]
    steps = [Step(r.finding, _bounded(r.before), _bounded(r.after), _difference(r.before, r.after)) for r in lines(seen)]
    speaking = sorted((step for step in steps if abs(step.weight) >= SPEAKS), key=lambda step: -abs(step.weight))[:most]
    at = steps[0].before if steps else UNKNOWN
    found = []
    for step in steps:
        if step in speaking:
            found.append(Step(step.text, at, at + step.after - step.before, step.weight))
            at = found[-1].after
    rest = len(steps) - len(found)
    if rest:
        weight = sum(step.weight for step in steps if step not in speaking)
        found.append(Step(words["other"] if rest == 1 else words["others"].format(n=rest), at, steps[-1].after, weight))
    return found


def _bounded(odds: float) -> float:
    return max(-FURTHEST - 2, min(FURTHEST + 2, odds))


def _difference(before: float, after: float) -> float:
    return 0.0 if before == after else after - before


def _probability(odds: float) -> float:
    return 1 / (1 + 10**-odds)


def waterfall(answer: Assessment, cause: str) -> Html:
    """Return what each finding does to the odds of a leading cause, as bars that begin where the one before ends."""
    words = WORDS[answer.language]
    table = answer.findings[answer.findings["cause"] == cause]
    steps = waterfall_steps(table, words)
    present = float(answer.causes.set_index("id")["probability"][cause])
    if not steps:
        return Html("")
    reached = [steps[0].before, *(step.after for step in steps)]
    low, high = max(-FURTHEST, min(reached) - 0.3), min(FURTHEST, max(reached) + 0.3)
    begins = _probability(steps[0].before)

    def place(odds: float) -> float:
        return LABELS + SCALE * (min(high, max(low, odds)) - low) / (high - low)

    start = words["start_missed" if answer.target == "undecided" else "start"]
    bottom = 24 + ROW * (len(steps) + 2)
    parts = [f'<text x="0" y="14" font-weight="600">{escape(label("causes", cause, answer.language))}</text>']
    marked: list[float] = []
    for tick in TICKS:
        odds = math.log10(tick / (1 - tick))
        x = place(odds)
        if low <= odds <= high and all(abs(x - other) > 48 for other in marked):
            marked.append(x)
            parts.append(f'<path d="M{x:.1f} 22V{bottom:g}" stroke="currentColor" opacity=".14"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 14:g}" font-size="10" text-anchor="middle">{100 * tick:g} %</text>')
    told = [f"{start} {share(begins)}"]
    parts += _point(start, 24, place(steps[0].before), share(begins))
    for number, step in enumerate(steps, start=1):
        y = 24 + ROW * number
        left, right = sorted((place(step.before), place(step.after)))
        colour = FOR if step.weight > 0 else AGAINST
        parts.append(_named(step.text, y))
        parts.append(f'<path d="M{place(step.before):.1f} {y - 4:g}v{ROW:g}" stroke="currentColor" opacity=".45"/>')
        parts.append(f'<rect x="{left:.1f}" y="{y + 3:g}" width="{max(1.0, right - left):.1f}" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{LABELS + SCALE + NUMBERS:g}" y="{y + 13:g}" text-anchor="end">{signed(step.weight)}</text>')
        told.append(f"{step.text} {signed(step.weight)}")
    parts += _point(words["all_findings"], bottom - ROW, place(steps[-1].after), share(present))
    told.append(f"{words['all_findings']} {share(present)}")
    return _svg(
        LABELS + SCALE + NUMBERS, bottom + 20, f"{label('causes', cause, answer.language)}{words['colon']}{words['join'].join(told)}", parts
    )


def _point(text: str, y: float, x: float, said: str) -> list[str]:
    return [
        f'{_named(text, y, bold=True)}<circle cx="{x:.1f}" cy="{y + 9:g}" r="4.2"/>',
        f'<text x="{LABELS + SCALE + NUMBERS:g}" y="{y + 13:g}" text-anchor="end" font-weight="600">{escape(said)}</text>',
    ]


def _named(text: str, y: float, bold: bool = False) -> str:
    """Return the name of a line, in two small lines where it is long; the whole stands in its tip."""
    room, weight = LABELS - 8, ' font-weight="600"' if bold else ""
    if text_width(text, SIZE, bold) <= room:
        return f'<text x="0" y="{y + 13:g}"{weight}>{escape(text)}</text>'
    lines = wrapped(text, room, SMALL, bold)
    shown = lines if len(lines) <= 2 else [lines[0], lines[1] + "…"]
    top = y + (8 if len(shown) == 2 else 13)
    drawn = "".join(f'<tspan x="0" y="{top + 10 * n:g}">{escape(line)}</tspan>' for n, line in enumerate(shown))
    return f'<text font-size="{SMALL:g}"{weight}><title>{escape(text)}</title>{drawn}</text>'
