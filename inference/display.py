"""An assessment as text for a terminal, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console, Group

from .display_layout import Columns, bar, lines, share, span, to_text
from .display_sections import sections
from .parts import as_renderables

if TYPE_CHECKING:
    from .assessment import Assessment


def as_text(assessment: Assessment, width: int = 100, color: bool = False) -> str:
    """Return an assessment as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(as_renderables(sections(assessment)), width, color)


def render(assessment: Assessment, console: Console) -> None:
    """Print an assessment on a rich console."""
    console.print(Group(*as_renderables(sections(assessment))))


def query_table(frame: pd.DataFrame) -> Columns:
    """Return what `refra.query` found as a table."""
    rows, before = [], None
    for row in lines(frame):
        name = row.variable if row.variable != before else ""
        rows.append((name, row.state, bar(row.probability), share(row.probability), span(row.low, row.high)))
        before = row.variable
    return Columns(("Variable", "State", "", "Probability", "Interval"), rows, right=(3, 4))
