"""An assessment as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .display_pictures import stages, waterfall
from .display_sections import content_of, header, options_with_harms
from .display_words import WORDS
from .explanation import RESEARCH_USE
from .html import Html, element, fragment
from .parts import Part, Picture, Section, Sentence, as_html

if TYPE_CHECKING:
    from .assessment import Assessment

STYLE = """
.refra .wide>svg.picture{min-width:40rem}.refra .side .wide>svg.picture{min-width:0}
.refra .side{display:flex;flex-wrap:wrap;gap:.6em 2.5em}.refra .wide td:first-child{min-width:9.5em}
""".strip()


def as_fragment(answer: Assessment) -> str:
    """Return an assessment as HTML without scripts, under 100 kB; it holds every number of the text."""
    words = WORDS[answer.language]
    parts: list[Part] = [Picture(element("style", Html(STYLE))), Section(words["title"], 1), header(answer)]
    for name, content in content_of(answer).items():
        if name == "harms":
            continue
        parts.append(Section(words[name]))
        if name == "options":
            parts += options_with_harms(answer)
            parts.append(Sentence(words["harms_note"], "quiet"))
        else:
            parts += content
        if name == "words" and len(answer.reasons):
            parts.append(Picture(stages(answer)))
        if name == "weights":
            parts += waterfalls(answer)
    return fragment([*as_html(parts), *as_html([Sentence(RESEARCH_USE[answer.language], "closing")])])


def waterfalls(answer: Assessment) -> list[Part]:
    """Return for each leading cause what the findings do to its odds, side by side where there is room."""
    drawn = [waterfall(answer, cause) for cause in dict.fromkeys(answer.findings["cause"])]
    if not any(drawn):
        return []
    return [Sentence(WORDS[answer.language]["steps_note"], "quiet"), Picture(element("div", *drawn, class_="side"))]
