"""A comparison of two answers as text, for a notebook and as a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..data.labels import label
from ..model.draws import FITTED
from . import html
from .display_html import STYLE
from .display_layout import lines, share, signed, to_text, with_span
from .display_words import WORDS, Words
from .explanation import RESEARCH_USE
from .parts import Cell, Estimate, Grid, Part, Section, Sentence, Space, as_html, as_renderables

if TYPE_CHECKING:
    from .assessment import Assessment
    from .comparison import Comparison

LEAST = 5e-4
"""Probabilities, and differences, below this are next to nothing: a twentieth of a point of percent."""


def as_text(found: Comparison, width: int = 100, color: bool = False) -> str:
    """Return a comparison as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(as_renderables([*parts(found), Space(), _closing(found)]), width, color)


def as_fragment(found: Comparison) -> str:
    """Return a comparison as HTML without scripts, as a notebook shows it."""
    return html.fragment(as_html([*parts(found), _closing(found)]))


def as_page(found: Comparison) -> str:
    """Return a comparison as an HTML page of its own."""
    title = WORDS[found.language]["compared"]
    return html.document(title, as_html([*parts(found), _closing(found)]), found.language, STYLE)


def _closing(found: Comparison) -> Sentence:
    return Sentence(RESEARCH_USE[found.language], "closing")


def parts(found: Comparison) -> list[Part]:
    """Return what differs, what comes first in each, and the numbers of both with their differences."""
    words = WORDS[found.language]
    shown: list[Part] = [Section(words["compared"], 1), Space(), Sentence(interval_note(found)), Section(words["differ"])]
    if found.changes:
        rows = [(name, one or words["unseen"], two or words["unseen"]) for name, one, two in found.changes]
        shown.append(Grid((words["finding"], *found.names), rows, wrap=(0, 1, 2)))
    else:
        shown.append(Sentence(words["same"]))
    if found.first.basis != found.second.basis:
        one, two = (words["fitted" if answer.basis == FITTED else "prior_basis"] for answer in (found.first, found.second))
        shown.append(Sentence(words["bases"].format(first=found.names[0], one=one, second=found.names[1], two=two)))
    shown += [Section(words["order"]), _order(found, words)]
    for part, number, heads in (
        ("reason", "probability", ("reasons", "reason")),
        ("cause", "averted", ("averted", "cause")),
        ("option", "lda", ("lda", "option")),
        ("option", "acr50", ("acr50", "option")),
        ("option", "serious_infection", ("serious_infection", "option")),
        ("option", "utility", ("utility", "option")),
    ):
        table = rows_of(found, part, number)
        if len(table):
            title = words.get(heads[0]) or label("harms", number, found.language)
            shown += [Section(title), _grid(found, table, number, words[heads[1]], words) if _differs(table) else Sentence(words["alike"])]
    return shown


def _differs(table: pd.DataFrame) -> bool:
    return bool(table["difference"].isna().any() or (table["difference"].abs() >= LEAST).any())


def interval_note(found: Comparison) -> str:
    """Return what the differences and their intervals are."""
    words = WORDS[found.language]
    if found.paired:
        intervals = words["paired"].format(level=f"{100 * found.level:g} %", draws=found.first.draws, seed=found.first.seed)
    elif found.first.draws or found.second.draws:
        intervals = words["unpaired"].format(level=f"{100 * found.level:g} %")
    else:
        intervals = words["no_draws"]
    return f"{words['difference_note']}{words['gap']}{intervals}"


def _order(found: Comparison, words: Words) -> Grid:
    answers = found.first, found.second
    rows = [[words["option_now"], *(_first(answer, "options", "lda", words) for answer in answers)]]
    if any(len(answer.reasons) for answer in answers):
        rows.insert(0, [words["reason_now"], *(_first(answer, "reasons", "probability", words) for answer in answers)])
    return Grid(("", *found.names), rows, wrap=(1, 2))


def _first(answer: Assessment, table: str, number: str, words: Words) -> str:
    frame: pd.DataFrame = getattr(answer, table)
    if frame.empty:
        return words["no_reasons"]
    row = frame.iloc[0]
    return f"{row['label']}{words['colon']}{with_span(row[number], row['low'], row['high'])}"


def rows_of(found: Comparison, part: str, number: str) -> pd.DataFrame:
    """Return the rows of a number, the largest in either answer first; reasons and causes that are next to nothing are left out."""
    table = found.data[(found.data["part"] == part) & (found.data["number"] == number)]
    largest = table[["first", "second"]].max(axis=1)
    if part != "option":
        largest = largest[largest >= LEAST]
    return table.loc[largest.sort_values(ascending=False, kind="stable").index]


def _grid(found: Comparison, table: pd.DataFrame, number: str, head: str, words: Words) -> Grid:
    ends = table[["difference", "low", "high"]].to_numpy(dtype=float)
    reach = max(float(abs(ends[~pd.isna(ends)]).max(initial=0.0)), 1e-6)
    rows: list[list[Cell]] = [
        [
            row.label,
            number_words(number, row.first, row.first_low, row.first_high, words),
            number_words(number, row.second, row.second_low, row.second_high, words),
            Estimate(difference_words(number, row, words), row.difference, row.low, row.high, -reach, reach),
        ]
        for row in lines(table)
    ]
    return Grid((head, *found.names, words["difference"]), rows)


def number_words(number: str, value: float, low: float, high: float, words: Words) -> str:
    """Return a number of an answer with its interval: a percentage, or a utility in thousandths of a QALY."""
    if number != "utility":
        return with_span(value, low, high)
    if math.isnan(value):
        return share(value)
    return f"{1000 * value:z.0f}" + ("" if math.isnan(low) else f" ({1000 * low:z.0f}{words['to']}{1000 * high:z.0f})")


def difference_words(number: str, row: Any, words: Words) -> str:
    """Return a difference with its interval, in points of percent or thousandths of a QALY."""
    size = 1000 if number == "utility" else 100
    ends = "" if math.isnan(row.low) else f" ({signed(size * row.low)}{words['to']}{signed(size * row.high)})"
    return f"{signed(size * row.difference)}{ends}"
