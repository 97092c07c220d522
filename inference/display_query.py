"""What `refra.query` found as text and for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..data.loading import variables
from . import html
from .display_layout import lines, to_text, with_span
from .display_sections import interval_words
from .display_words import WORDS
from .parts import Grid, Meter, Part, Section, Sentence, Space, as_html, as_renderables

if TYPE_CHECKING:
    from .query_result import QueryResult

BAR = 14


def as_text(found: QueryResult, width: int = 100, color: bool = False) -> str:
    """Return what a query found as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(as_renderables(parts(found)), width, color)


def as_fragment(found: QueryResult) -> str:
    """Return what a query found as HTML without scripts, as a notebook shows it."""
    return html.fragment(as_html(parts(found)))


def title(found: QueryResult) -> str:
    """Return the question in the notation of probability: P(ada | drug_level = undetectable, do(methotrexate = none))."""
    names = ", ".join(dict.fromkeys(found["variable"]))
    told = [*_assigned(found.question.given), *(f"do({text})" for text in _assigned(found.question.do))]
    return f"P({names} | {', '.join(told)})" if told else f"P({names})"


def _assigned(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    return f"{{{', '.join(f'{state}: {share}' for state, share in value.items())}}}" if isinstance(value, Mapping) else str(value)


def parts(found: QueryResult) -> list[Part]:
    """Return the question, and for each variable its states with their probabilities as bars with intervals."""
    language = found.question.language
    words = WORDS[language]
    shown: list[Part] = [Section(title(found), 1)]
    for name in dict.fromkeys(found["variable"]):
        record = variables()[name]
        labels = {state.id: state.label[language] for state in record.states}
        rows = [
            (r.state, labels[r.state], Meter(r.probability, r.low, r.high, BAR), with_span(r.probability, r.low, r.high))
            for r in lines(found[found["variable"] == name])
        ]
        heads = (words["state"], words["meaning"], "", words["probability"])
        shown += [Section(f"{record.label[language]} ({name})"), Grid(heads, rows, wrap=(0, 1))]
    return [*shown, Space(), Sentence(f"{words['intervals']}{words['colon']}{interval_words(found.question)}", "quiet")]
