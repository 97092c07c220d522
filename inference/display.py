"""An assessment as text for a terminal, in English and Chinese."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..data.labels import label
from ..data.loading import variables
from ..model.harms import HARMS
from .display_layout import Columns, Prose, bar, heading, identifier, lines, numbered, pairs, share, signed, span, to_text, with_span
from .display_words import WORDS, Words, finding_text
from .explanation import RESEARCH_USE, WEAK_BITS
from .options import ADDED_TO_CURRENT

if TYPE_CHECKING:
    from .assessment import Assessment

TESTS_SHOWN = 6
DRIVERS_SHOWN = 4
RESTS_SHOWN = 5
SPEAKS = 0.05
"""Least weight of evidence that shows at one decimal."""


def as_text(assessment: Assessment, width: int = 100, color: bool = False) -> str:
    """Return an assessment as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(_parts(assessment), width, color)


def render(assessment: Assessment, console: Console) -> None:
    """Print an assessment on a rich console."""
    console.print(Group(*_parts(assessment)))


def query_table(frame: pd.DataFrame) -> Columns:
    """Return what `refra.query` found as a table."""
    rows, before = [], None
    for row in lines(frame):
        name = row.variable if row.variable != before else ""
        rows.append((name, row.state, bar(row.probability), share(row.probability), span(row.low, row.high)))
        before = row.variable
    return Columns(("Variable", "State", "", "Probability", "Interval"), rows, right=(3, 4))


def _parts(answer: Assessment) -> list[RenderableType]:
    words = WORDS[answer.language]
    parts: list[RenderableType] = [Prose(words["title"], style="bold"), Text(), _header(answer, words)]

    def section(name: str, *content: RenderableType | None, note: str = "") -> None:
        parts.extend((Text(), heading(words[name])))
        if note:
            parts.append(Prose(note, style="dim"))
        parts.extend(part for part in content if part is not None)

    section("words", numbered(answer.explanation(), "-"))
    if len(answer.reasons):
        section("reasons", _reasons(answer, words), note=words["reasons_note"])
    if len(answer.causes):
        met = answer.causes["averted"].isna().all()
        section("causes", _causes(answer, words, bool(met)), note=words["causes_met" if met else "causes_note"])
    if len(answer.drivers):
        removed, leading = (float(answer.drivers.iloc[0][name]) for name in ("identified", "probability"))
        said = words["weak" if removed < WEAK_BITS or leading < 0.5 else "identified"].format(p=f"{removed:.1f}")
        section("drivers", _drivers(answer, words), note=said)
    if len(answer.options):
        falling = answer.options["utility"].is_monotonic_decreasing
        section("options", *_options(answer, words), note=words["options_note"] + ("" if falling else words["held_back"]))
        section("harms", _harms(answer, words), note=words["harms_note"])
    if len(answer.tests):
        section("tests", *_tests(answer, words))
    section("classification", _classification(answer, words))
    if len(answer.findings):
        section("weights", *_weights(answer, words), note=words["weights_note"])
    if answer.warnings:
        section("warnings", numbered(answer.warnings, "!"))
    section("rests", *_rests(answer, words), note=words["judgement"].format(p=share(answer.judgement_share)))
    return [*parts, Text(), Prose(RESEARCH_USE[answer.language], style="italic")]


def _header(answer: Assessment, words: Words) -> Table:
    seen = answer.patient.findings()
    drug = [finding_text(f.variable, f.text, answer.language) for f in seen if f.field == "current_drug"]
    texts = _listed(answer, words, [(f.variable, f.text) for f in seen if f.field != "current_drug"])
    rows = [
        (words["drug"], drug[0].partition(words["colon"])[2] or drug[0] if drug else words["not_recorded"]),
        (words["findings"], words["join"].join(texts) or words["not_recorded"]),
        (words["scores"], _scores(answer, words)),
        (words["target"], _target(answer, words)),
        (words["intervals"], words["draws"].format(level=f"{100 * answer.level:g} %", draws=answer.draws, seed=answer.seed)),
    ]
    return pairs((name, text) for name, text in rows if text)


def _listed(answer: Assessment, words: Words, found: Iterable[tuple[str, str]]) -> list[str]:
    """Return findings, given as variable and English text, in words; the classes that were not tried are said together."""
    kept, untried = [], False
    for variable, text in found:
        if variable.startswith("earlier_") and text == f"{variables()[variable].label['en']}: not tried":
            untried = True
        else:
            kept.append(finding_text(variable, text, answer.language))
    return [*kept, words["no_others" if answer.patient.earlier else "no_earlier"]] if untried else kept


def _scores(answer: Assessment, words: Words) -> str:
    found = []
    for name, title in (("das28_esr", "DAS28-ESR"), ("das28_crp", "DAS28-CRP"), ("cdai", "CDAI"), ("sdai", "SDAI")):
        value = getattr(answer.scores, name)
        if value is not None:
            found.append(f"{title} {value:.1f} ({words[getattr(answer.scores, name + '_category')]})")
    return words["join"].join(found)


def _target(answer: Assessment, words: Words) -> str:
    scores = answer.scores
    if answer.target == "undecided":
        # Without reasons only a patient before the first biologic is taken to have active disease.
        taken = len(answer.reasons) or answer.patient.current_drug == "none"
        return words["taken_missed" if taken else "undecided"]
    bound = f"{words['least']}{scores.cdai_lower_bound:.1f}" if scores.cdai is None else f"{scores.cdai:.1f}"
    return words[answer.target].format(bound=bound)


def _reasons(answer: Assessment, words: Words) -> Columns:
    rows = [(r.label, bar(r.probability), with_span(r.probability, r.low, r.high), share(r.p_first)) for r in lines(answer.reasons)]
    return Columns((words["reason"], "", words["probability"], words["first"]), rows, right=(3,))


def _causes(answer: Assessment, words: Words, met: bool) -> Columns:
    heads = [words["cause"], words["present"], words["averted"], words["independent"], words["first"]]
    rows = [
        [
            r.label,
            with_span(r.probability, r.low, r.high),
            with_span(r.averted, r.averted_low, r.averted_high),
            share(r.averted_independent),
            share(r.p_first),
        ]
        for r in lines(answer.causes)
    ]
    if met:
        return Columns([heads[0], heads[1], heads[4]], [[row[0], row[1], row[4]] for row in rows], right=(2,))
    return Columns(heads, rows, right=(3, 4))


def _drivers(answer: Assessment, words: Words) -> Columns:
    rows = [
        (r.label, bar(r.probability), with_span(r.probability, r.low, r.high), share(r.prior))
        for r in lines(answer.drivers.head(DRIVERS_SHOWN))
    ]
    return Columns((words["driver"], "", words["probability"], words["prior"]), rows, right=(3,))


def _options(answer: Assessment, words: Words) -> list[RenderableType]:
    notes = list(dict.fromkeys(caution for cautions in answer.options["cautions"] for caution in cautions))
    rows = []
    for rank, r in enumerate(lines(answer.options), start=1):
        ends = f" ({1000 * r.utility_low:z.0f}{words['to']}{1000 * r.utility_high:z.0f})" if not math.isnan(r.utility_low) else ""
        marks = ",".join(str(notes.index(caution) + 1) for caution in r.cautions)
        utility = "–" if math.isnan(r.utility) else f"{1000 * r.utility:z.0f}{ends}"
        rows.append((f"{rank} {r.label}", with_span(r.lda, r.low, r.high), share(r.acr50), utility, share(r.p_best), marks))
    heads = [words[name] for name in ("option", "lda", "acr50", "utility", "best", "note")]
    close = answer.too_close_to_call
    if close:
        names = [label("options", option, answer.language) for option in close]
        others = words["and"].join(part for part in (words["comma"].join(names[:-1]), names[-1]) if part)
        line = words["close"].format(others=others, verb=words["beats" if len(close) == 1 else "beat"])
    else:
        line = words["clear"].format(p=share(answer.options.iloc[0]["p_best"]))
    found: list[RenderableType] = [Columns(heads, rows, right=(2, 4))]
    if notes:
        found += [Text(), numbered(notes)]
    return [*found, Text(), Prose(line, style="bold")]


def _harms(answer: Assessment, words: Words) -> Columns:
    present = ("continue", *ADDED_TO_CURRENT)
    rows, done = [], False
    for _, row in answer.options.iterrows():
        if row["id"] in present and done:
            continue
        done = done or row["id"] in present
        name = words["present_treatment"] if row["id"] in present else row["label"]
        rows.append([name, *(share(row[harm]).removesuffix(" %") for harm in HARMS)])
    heads = [words.get(harm) or label("harms", harm, answer.language) for harm in HARMS]
    return Columns([words["option"], *heads], rows, right=range(1, len(heads) + 1))


def _tests(answer: Assessment, words: Words) -> list[RenderableType]:
    table = answer.tests
    table = table[(table["expected_gain"] >= 5e-5) | (table["p_change"] >= 1e-3) | (table["entropy_drop"] >= 5e-3)]
    if not len(table):
        return [Prose(words["no_test"])]
    rows = [
        (r.label, f"{r.likeliest} ({share(r.p_likeliest)})", f"{1000 * r.expected_gain:.1f}", share(r.p_change), f"{r.entropy_drop:.2f}")
        for r in lines(table.head(TESTS_SHOWN))
    ]
    heads = [words[name] for name in ("test", "likeliest", "gain", "change", "entropy")]
    return [Prose(words["tests_note"], style="dim"), Columns(heads, rows, right=(2, 3, 4), wrap=(0, 1))]


def _decided_by(answer: Assessment, words: Words) -> str:
    found = answer.classification
    names = [label("options", name, answer.language) for name in found.classes_failed]
    if answer.language == "en":
        return found.decided_by.replace(", ".join(found.classes_failed), ", ".join(names)) if names else found.decided_by
    failed = words["failed_1" if names else "failed_0"].format(n=len(names), classes="、".join(names))
    if found.criterion_1 == "no":
        return f"{failed}，{words['two_needed']}"
    if found.criterion_2 == "no" or found.criterion_1 == "yes":
        return (f"{failed}；" if found.d2t == "yes" else "") + words[f"{found.criterion_2}_2"]
    return words["unknown_1"]


def _classification(answer: Assessment, words: Words) -> Table:
    found = answer.classification
    rows = [(words["d2t"], f"{words[found.d2t]}{words['join']}{_decided_by(answer, words)}")]
    rows.append((words["true_refractory"], with_span(found.true_refractory, found.true_refractory_low, found.true_refractory_high)))
    if found.d2t != "no":
        rows.append((words["pirra"], with_span(found.pirra, found.pirra_low, found.pirra_high)))
        rows.append((words["nirra"], with_span(found.nirra, found.nirra_low, found.nirra_high)))
    return numbered([f"{name}{words['colon']}{text}" for name, text in rows], "-")


def _weights(answer: Assessment, words: Words) -> list[RenderableType]:
    table = answer.findings
    heads = list(dict.fromkeys(table["label"]))
    groups = [table.iloc[start : start + len(heads)] for start in range(0, len(table), len(heads))]
    seen = [(str(part.iloc[0]["variable"]), str(part.iloc[0]["finding"])) for part in groups]
    sizes = [float(part["weight"].abs().max()) for part in groups]
    order = sorted((n for n, size in enumerate(sizes) if size >= SPEAKS), key=lambda n: -sizes[n])
    rows: list[list[str | Text]] = [
        [
            finding_text(*seen[n], answer.language),
            *(_weight(float(weight)) for weight in groups[n]["weight"]),
            signed(float(groups[n].iloc[0]["conflict"])),
        ]
        for n in order
    ]
    silent = _listed(answer, words, [seen[n] for n, size in enumerate(sizes) if not size >= SPEAKS])
    found: list[RenderableType] = []
    if rows:
        found.append(Columns([words["finding"], *heads, words["conflict"]], rows, right=range(1, len(heads) + 2)))
    if silent:
        found += [*([Text()] if rows else []), Prose(words["silent"] + words["colon"] + words["join"].join(silent))]
    return found


def _weight(value: float) -> Text:
    return Prose(signed(value), style="green" if value >= SPEAKS else "red" if value <= -SPEAKS else "dim")


def _rests(answer: Assessment, words: Words) -> list[RenderableType]:
    found: list[RenderableType] = []
    if len(answer.influences):
        rows = [
            (r.parameter, words["judged" if r.status == "judgement" else r.status], signed(100 * r.effect), share(r.share))
            for r in lines(answer.influences.head(RESTS_SHOWN))
        ]
        heads = [words[name] for name in ("parameter", "status", "effect", "share")]
        found += [Prose(words["effect_note"], style="dim"), Columns(heads, rows, right=(2, 3))]
    studies = [
        f"{r.study}{words['colon']}{r.citation}{words['then']}{identifier(r.doi, r.pmid) or words['no_identifier']} ({share(r.share)})"
        for r in lines(answer.citations().head(RESTS_SHOWN))
    ]
    if studies:
        found += [Text(), Prose(words["studies"], style="bold"), numbered(studies)]
    return found
