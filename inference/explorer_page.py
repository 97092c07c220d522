"""What the explorer shows beside its controls: the present answer, and what it was at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import RefraError
from . import html
from .display_layout import lines, share, with_span
from .display_words import WORDS
from .explanation import RESEARCH_USE
from .explorer_words import EXPLORER_WORDS

if TYPE_CHECKING:
    from .explorer import Explorer, ReasonsAndOptions

WIDTH = 100
"""Pixels of a bar."""

STYLE = ".widget-html-content:has(>.refra){min-width:0;flex-shrink:1}.refra-live .widget-readout{min-width:6.6em}"
"""Keeps the page inside the box of its widget, which would otherwise grow with the widest table, and gives a slider's words room."""


def refusal(error: RefraError, language: str) -> html.Html:
    """Return what is shown where findings cannot be used; the error itself is in English."""
    words = EXPLORER_WORDS[language]
    return html.fragment([html.heading(words["no_answer"]), html.paragraph(str(error)), html.paragraph(words["change_one"], quiet=True)])


def page(explorer: Explorer, answer: ReasonsAndOptions) -> html.Html:
    """Return the present answer beside that at the start."""
    closing = html.paragraph(RESEARCH_USE[explorer.language], quiet=True)
    return html.fragment([html.element("style", html.Html(STYLE)), *_parts(explorer, answer), closing])


def _parts(explorer: Explorer, answer: ReasonsAndOptions) -> list[html.Html]:
    words, shared = EXPLORER_WORDS[explorer.language], WORDS[explorer.language]
    shown = words["drawn"].format(level=f"{100 * explorer.level:g} %", draws=answer.draws) if answer.draws else words["central"]
    parts = [html.paragraph(_changes(explorer)), html.paragraph(shown, quiet=True)]
    if len(answer.reasons):
        parts += [html.heading(shared["reasons"]), _reasons(explorer, answer)]
    parts += [html.heading(shared["options"]), _options(explorer, answer)]
    parts += [html.paragraph(words["scale"].format(most=share(_most(answer))), quiet=True), html.listing(_cautions(answer), ordered=True)]
    if answer.too_close_to_call:
        labels = dict(zip(answer.options["id"], answer.options["label"], strict=True))
        parts.append(html.paragraph(words["close"].format(others=shared["comma"].join(labels[name] for name in answer.too_close_to_call))))
    said = [warning.said(explorer.language) for warning in answer.warnings]
    return [*parts, *([html.listing(said)] if said else [])]


def _changes(explorer: Explorer) -> str:
    """Return what differs from the record at the start, in words."""
    words, shared = EXPLORER_WORDS[explorer.language], WORDS[explorer.language]
    found = []
    before, now = explorer.start.observed, explorer.patient.observed
    for control in explorer.controls.values():
        if control.name.startswith("earlier_"):
            continue
        value = now.get(control.name)
        if value != before.get(control.name):
            found.append(f"{control.label}{shared['colon']}{control.words(control.start)} → {control.words(value)}")
    if before.get("earlier") != now.get("earlier"):
        found.append(words["earlier_changed"])
    return words["changed"].format(what=shared["join"].join(found)) if found else words["unchanged"]


def _bounds(answer: ReasonsAndOptions, row: Any) -> tuple[float, float] | tuple[None, None]:
    """Return the ends of a row's interval; central numbers have none."""
    return (row.low, row.high) if answer.draws else (None, None)


def _reasons(explorer: Explorer, answer: ReasonsAndOptions) -> html.Html:
    words, shared = EXPLORER_WORDS[explorer.language], WORDS[explorer.language]
    before = dict(zip(explorer.at_start.reasons["id"], explorer.at_start.reasons["probability"], strict=True))
    rows = [
        (
            r.label,
            html.interval_bar(r.probability, *_bounds(answer, r), width=WIDTH),
            html.number(with_span(r.probability, r.low, r.high)),
            html.number(share(before.get(r.id, float("nan")))),
        )
        for r in lines(answer.reasons)
    ]
    return html.table((shared["reason"], "", html.number(shared["probability"]), html.number(words["at_start"])), rows)


def _most(answer: ReasonsAndOptions) -> float:
    """Return what the right end of the options' bars stands for; it moves only where a bar would not fit."""
    return max(0.5, float(answer.options[["lda", "high"]].max().max()))


def _cautions(answer: ReasonsAndOptions) -> list[str]:
    """Return what to beware of with any option, each once."""
    return list(dict.fromkeys(caution for found in answer.options["cautions"] for caution in found))


def _options(explorer: Explorer, answer: ReasonsAndOptions) -> html.Html:
    words, shared = EXPLORER_WORDS[explorer.language], WORDS[explorer.language]
    start = explorer.at_start.options
    ranks = {name: rank for rank, name in enumerate(start["id"], start=1)}
    before = dict(zip(start["id"], start["lda"], strict=True))
    most, notes = _most(answer), _cautions(answer)
    rows = []
    for rank, r in enumerate(lines(answer.options), start=1):
        rows.append(
            (
                f"{rank} {r.label}",
                html.interval_bar(r.lda, *_bounds(answer, r), most=most, width=WIDTH),
                html.number(with_span(r.lda, r.low, r.high)),
                html.number(words["ranked"].format(p=share(before[r.id]), rank=ranks[r.id]) if r.id in before else "–"),
                html.number(share(r.acr50)),
                html.number(f"{1000 * r.utility:z.0f}"),
                *((html.number(share(r.p_best)),) if answer.draws else ()),
                ", ".join(str(notes.index(caution) + 1) for caution in r.cautions),
            )
        )
    heads = [shared["lda"], words["at_start"], shared["acr50"], shared["utility"], *([shared["best"]] if answer.draws else [])]
    return html.table((shared["option"], "", *map(html.number, heads), shared["note"]), rows)
