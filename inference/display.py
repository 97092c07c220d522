"""An assessment as text for a terminal, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group

from .display_layout import to_text, with_span
from .display_sections import header, sections
from .display_words import WORDS
from .parts import as_renderables

if TYPE_CHECKING:
    from .assessment import Assessment


def as_text(assessment: Assessment, width: int = 100, color: bool = False) -> str:
    """Return an assessment as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(as_renderables(sections(assessment)), width, color)


def render(assessment: Assessment, console: Console) -> None:
    """Print an assessment on a rich console."""
    console.print(Group(*as_renderables(sections(assessment))))


def as_line(assessment: Assessment) -> str:
    """Return in one line the drug, what leads among the reasons, and the first option."""
    words = WORDS[assessment.language]
    drug = dict(header(assessment).rows)[words["drug"]]
    reason = words["no_reasons"]
    if len(assessment.reasons):
        first = assessment.reasons.iloc[0]
        reason = f"{first['label']} {with_span(first['probability'], first['low'], first['high'])}"
    option = assessment.options.iloc[0]
    said = f"{option['label']} {with_span(option['lda'], option['low'], option['high'])}"
    return f"<{words['line'].format(title='Assessment', drug=drug, reason=reason, option=said)}>"
