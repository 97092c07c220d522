"""An assessment as a report of two printed pages, for a discussion between colleagues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import __version__
from ..model.draws import FITTED
from . import html
from .display_html import STYLE
from .display_layout import lines, share
from .display_pictures import stages, waterfall
from .display_sections import (
    causes,
    classification,
    header,
    interval_words,
    judgement_words,
    next_tests,
    options_with_harms,
    reasons,
    rests,
)
from .display_words import WORDS, Words
from .explanation import RESEARCH_USE
from .parts import Grid, Listing, Pairs, Part, Sentence, as_html, cell_html, study_link
from .sensitivity.mind import AIMS, change_of_mind, name_of

if TYPE_CHECKING:
    from .assessment import Assessment

CAUSES_DRAWN, CAUSES_SHOWN, TESTS_SHOWN, STUDIES_SHOWN, CHANGES_SHOWN = 2, 6, 4, 8, 3

PRINT = """
.refra section{break-inside:avoid}.refra .side>*{flex:1 1 20em;min-width:0}.refra .side>.more{flex-grow:1.4}
.refra .second{margin-top:1.5em}
@media print{@page{size:A4;margin:11mm}html{color-scheme:light}body{margin:0;background:#fff;color:#000}
main .refra{font-size:10.6px;line-height:1.34}main .refra h1{font-size:1.5em;margin:0 0 .2em}
main .refra h2{font-size:1.12em;margin:.7em 0 .25em}
main .refra p,main .refra ul,main .refra ol,main .refra dl{margin:.2em 0}main .refra th,main .refra td{padding:.1em .7em .1em 0}
main .refra .side{gap:.3em 1.6em}main .refra .second{break-before:page;margin:0}
main .refra .side td svg{width:58px;height:11px}main .refra .side td,main .refra .side th{padding-right:.45em}
main .refra .side td:first-child{min-width:5em}
main .refra section,main .refra tr{break-inside:avoid}main .refra a{text-decoration:none}}
""".strip()


def report(answer: Assessment) -> str:
    """Return the report on an assessment as a page of its own.

    It says what was found, the likely reasons and why, the options with benefit and harm, what would change the answer, the next tests,
    the studies behind it and how much rests on judgement. Printed on A4 it has two pages.
    """
    words = WORDS[answer.language]
    found = header(answer)
    first = [
        html.heading(words["title"], 1),
        html.paragraph(RESEARCH_USE[answer.language]),
        _section(words["found"], Pairs(found.rows[:-1]), *_warnings(answer)),
        _section(words["words"], Listing(answer.explanation(), "-")),
        *_why(answer),
    ]
    second = [
        _section(words["options"], *options_with_harms(answer), Sentence(words["harms_note"], "quiet")),
        _beside(_section(words["mind"], *_mind(answer)), _section(words["tests"], *next_tests(answer, TESTS_SHOWN))),
        _section(words["classification"], *classification(answer)),
        _behind(answer),
        html.paragraph(_made(answer), quiet=True),
    ]
    pages = [html.element("div", *first), html.element("div", *second, class_="second")]
    return html.document(words["title"], pages, answer.language, STYLE + PRINT)


def _section(title: str, *content: Part | html.Html) -> html.Html:
    inside = [markup for part in content for markup in ([part] if isinstance(part, html.Html) else as_html([part]))]
    return html.element("section", html.heading(title), *inside)


def _beside(*blocks: html.Html) -> html.Html:
    return html.element("div", *blocks, class_="side")


def _warnings(answer: Assessment) -> list[Part]:
    if not answer.warnings:
        return []
    return [Sentence(WORDS[answer.language]["warnings"], "strong"), Listing(answer.warnings, "!")]


def _why(answer: Assessment) -> list[html.Html]:
    """Return the likely reasons, the three questions in numbers, and what the findings say of the leading causes."""
    words = WORDS[answer.language]
    if not len(answer.reasons):
        return []
    note, table = causes(answer)
    # The last column, how often a cause leads, has no room beside the reasons.
    leading = [Grid(table.heads[:-1], [row[:-1] for row in table.rows[:CAUSES_SHOWN]], (3,))] if isinstance(table, Grid) else []
    found = [
        stages(answer),
        _beside(_section(words["why"], *reasons(answer)), html.element("div", _section(words["causes"], note, *leading), class_="more")),
    ]
    drawn = [waterfall(answer, cause) for cause in list(dict.fromkeys(answer.findings["cause"]))[:CAUSES_DRAWN]]
    if any(drawn):
        found.append(_section(words["weights"], Sentence(words["steps_note"], "quiet"), _beside(*drawn)))
    return found


def _mind(answer: Assessment) -> list[Part]:
    """Return the smallest changes of what was found that would change the first reason or the first option."""
    words = WORDS[answer.language]
    found = change_of_mind(
        answer.patient,
        most=CHANGES_SHOWN,
        added=False,
        preferences=answer.preferences,
        basis=answer.basis,
        language=answer.language,
    )
    parts: list[Part] = [Sentence(words["mind_note"], "quiet")]
    for aim in AIMS:
        if aim not in found.now:
            continue
        mine = found.data[found.data["aim"] == aim].head(CHANGES_SHOWN)
        named = words[aim].format(now=name_of(aim, found.now[aim], answer.language))
        parts.append(Sentence(named if len(mine) else f"{named}{words['colon']}{words['stands']}", "strong"))
        changes = [f"{row.words} → {name_of(aim, row.then, answer.language)} ({share(row.probability)})" for row in lines(mine)]
        parts.append(Listing(changes, "-"))
    return parts


def _behind(answer: Assessment) -> html.Html:
    """Return how much rests on judgement, the parameters that carry the answer, and the studies behind it with their addresses."""
    words = WORDS[answer.language]
    said = f"{judgement_words(answer)}{words['gap']}{words['untouched'].format(p=share(answer.untouched_share))}"
    parameters = [part for part in rests(answer) if isinstance(part, Grid)]
    studies = [
        html.Html(f"{html.escape(row.citation)}{words['then']}{_address(row.doi, row.pmid, words)} ({share(row.share)})")
        for row in lines(answer.citations().head(STUDIES_SHOWN))
    ]
    blocks = [_section(words["rests"], Sentence(said), *parameters)]
    if studies:
        blocks.append(_section(words["studies_behind"], html.listing(studies, ordered=True)))
    return _beside(*blocks)


def _address(doi: str, pmid: str, words: Words) -> str:
    link = study_link(doi, pmid)
    return cell_html(link) if link else words["no_identifier"]


def _made(answer: Assessment) -> str:
    words = WORDS[answer.language]
    basis = words["fitted" if answer.basis == FITTED else "prior_basis"]
    made = words["made"].format(version=__version__, basis=basis)
    return f"{made}{words['gap']}{words['intervals']}{words['colon']}{interval_words(answer)}"
