"""The sections of an assessment as parts, in English and Chinese: a terminal shows them all, notebook and report pick from them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from ..data.labels import label
from ..data.loading import variables
from ..model.draws import FITTED
from ..model.harms import HARMS
from .display_layout import SPEAKS, identifier, lines, share, signed, with_span
from .display_words import WORDS, Words
from .explanation import RESEARCH_USE, WEAK_BITS
from .fields import NOT_TRIED
from .options import ADDED_TO_CURRENT
from .parts import Cell, Estimate, Grid, Listing, Meter, Pairs, Part, Section, Sentence, Signed, Space

if TYPE_CHECKING:
    from .assessment import Assessment
    from .query_result import Question

TESTS_SHOWN = 6
DRIVERS_SHOWN = 4
RESTS_SHOWN = 5
BAR = 14


def sections(answer: Assessment) -> list[Part]:
    """Return the whole assessment as a terminal shows it."""
    words = WORDS[answer.language]
    parts: list[Part] = [Section(words["title"], 1), Space(), header(answer)]
    for name, content in content_of(answer).items():
        parts += [Section(words[name]), *content]
    return [*parts, Space(), Sentence(RESEARCH_USE[answer.language], "closing")]


def content_of(answer: Assessment) -> dict[str, list[Part]]:
    """Return the content of every section that this answer has, by the name of the section's heading."""
    found: dict[str, list[Part]] = {"words": [Listing(answer.explanation(), "-")]}
    if len(answer.reasons):
        found["reasons"] = reasons(answer)
    if len(answer.causes):
        found["causes"] = causes(answer)
    if len(answer.drivers):
        found["drivers"] = drivers(answer)
    found["options"] = [options_note(answer), *options(answer)]
    found["harms"] = harms(answer)
    if len(answer.tests):
        found["tests"] = next_tests(answer)
    found["classification"] = classification(answer)
    if len(answer.findings):
        found["weights"] = weights(answer)
    if answer.warnings:
        found["warnings"] = [Listing(answer.warnings, "!")]
    found["rests"] = rests(answer)
    return found


def header(answer: Assessment) -> Pairs:
    """Return drug, findings, scores, target, and where the intervals come from."""
    words = WORDS[answer.language]
    seen = answer.patient.findings()
    drug = [finding.text.said(answer.language) for finding in seen if finding.field == "current_drug"]
    texts = _listed(answer, words, [(f.variable, f.text.said(answer.language)) for f in seen if f.field != "current_drug"])
    rows = [
        (words["drug"], drug[0].partition(words["colon"])[2] or drug[0] if drug else words["not_recorded"]),
        (words["findings"], words["join"].join(texts) or words["not_recorded"]),
        (words["scores"], _scores(answer, words)),
        (words["target"], _target(answer, words)),
        (words["intervals"], interval_words(answer) + ("" if answer.basis == FITTED else words["join"] + words["prior_basis"])),
    ]
    return Pairs([(name, text) for name, text in rows if text])


def interval_words(asked: Assessment | Question) -> str:
    """Return what the intervals of an answer or a query are: their level and where they come from; or that there are none."""
    words = WORDS[asked.language]
    if not asked.draws:
        return words["none_drawn"]
    return words["draws"].format(level=f"{100 * asked.level:g} %", draws=asked.draws, seed=asked.seed)


def _untried(variable: str, text: str, language: str) -> bool:
    if not variable.startswith("earlier_"):
        return False
    record = variables()[variable]
    return text == f"{record.label[language]}{WORDS[language]['colon']}{record.state_label(NOT_TRIED, language)}"


def _listed(answer: Assessment, words: Words, found: Iterable[tuple[str, str]]) -> list[str]:
    """Return findings, given as variable and text; the classes that were not tried are said together."""
    kept, untried = [], False
    for variable, text in found:
        if _untried(variable, text, answer.language):
            untried = True
        else:
            kept.append(text)
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


def reasons(answer: Assessment) -> list[Part]:
    """Return the exclusive reasons, as bars with intervals."""
    words = WORDS[answer.language]
    rows = [
        (r.label, Meter(r.probability, r.low, r.high, BAR), with_span(r.probability, r.low, r.high), share(r.p_first))
        for r in lines(answer.reasons)
    ]
    heads = (words["reason"], "", words["probability"], words["first"])
    return [Sentence(words["reasons_note"], "quiet"), Grid(heads, rows, right=(3,))]


def causes(answer: Assessment) -> list[Part]:
    """Return the causes with what the absence of each would have averted."""
    words, met = WORDS[answer.language], bool(answer.causes["averted"].isna().all())
    heads = [words["cause"], words["present"], words["averted"], words["independent"], words["first"]]
    rows: list[list[Cell]] = [
        [
            r.label,
            with_span(r.probability, r.low, r.high),
            with_span(r.averted, r.averted_low, r.averted_high),
            share(r.averted_independent),
            share(r.p_first),
        ]
        for r in lines(answer.causes)
    ]
    note = Sentence(words["causes_met" if met else "causes_note"], "quiet")
    if met:
        return [note, Grid([heads[0], heads[1], heads[4]], [[row[0], row[1], row[4]] for row in rows], right=(2,))]
    return [note, Grid(heads, rows, right=(3, 4))]


def drivers(answer: Assessment) -> list[Part]:
    """Return the likeliest pathways, and how weakly they are identified."""
    words = WORDS[answer.language]
    removed, leading = (float(answer.drivers.iloc[0][name]) for name in ("identified", "probability"))
    said = words["weak" if removed < WEAK_BITS or leading < 0.5 else "identified"].format(p=f"{removed:.1f}")
    rows = [
        (r.label, Meter(r.probability, r.low, r.high, BAR), with_span(r.probability, r.low, r.high), share(r.prior))
        for r in lines(answer.drivers.head(DRIVERS_SHOWN))
    ]
    return [Sentence(said, "quiet"), Grid((words["driver"], "", words["probability"], words["prior"]), rows, right=(3,))]


def options_note(answer: Assessment) -> Sentence:
    """Return what the options are ordered by."""
    words = WORDS[answer.language]
    falling = answer.options["utility"].is_monotonic_decreasing
    return Sentence(words["options_note"] + ("" if falling else words["held_back"]), "quiet")


def utility_words(row: pd.Series, words: Words) -> str:
    """Return an option's utility with its interval, in thousandths of a QALY."""
    if math.isnan(row["utility"]):
        return "–"
    ends = (
        f" ({1000 * row['utility_low']:z.0f}{words['to']}{1000 * row['utility_high']:z.0f})" if not math.isnan(row["utility_low"]) else ""
    )
    return f"{1000 * row['utility']:z.0f}{ends}"


def notes(answer: Assessment) -> list[str]:
    """Return the cautions of all options, each once."""
    return list(dict.fromkeys(caution for cautions in answer.options["cautions"] for caution in cautions))


def marks(answer: Assessment, row: pd.Series) -> str:
    """Return the numbers of an option's cautions among the `notes`."""
    found = notes(answer)
    return ",".join(str(found.index(caution) + 1) for caution in row["cautions"])


def options(answer: Assessment) -> list[Part]:
    """Return the options with benefit and utility, their cautions, and how sure the order is."""
    words = WORDS[answer.language]
    rows = [
        (
            f"{rank} {row['label']}",
            with_span(row["lda"], row["low"], row["high"]),
            share(row["acr50"]),
            utility_words(row, words),
            share(row["p_best"]),
            marks(answer, row),
        )
        for rank, (_, row) in enumerate(answer.options.iterrows(), start=1)
    ]
    heads = [words[name] for name in ("option", "lda", "acr50", "utility", "best", "note")]
    return [Grid(heads, rows, right=(2, 4)), *below_options(answer)]


def below_options(answer: Assessment) -> list[Part]:
    """Return what stands below a table of options: the cautions, and how sure the order is."""
    words, found = WORDS[answer.language], notes(answer)
    cautions: list[Part] = [Space(), Listing(found)] if found else []
    return [*cautions, Space(), Sentence(order_words(answer, words), "strong")]


def order_words(answer: Assessment, words: Words) -> str:
    """Return how sure the order of the options is."""
    close = answer.too_close_to_call
    if not close:
        return words["clear"].format(p=share(answer.options.iloc[0]["p_best"]))
    names = [label("options", option, answer.language) for option in close]
    others = words["and"].join(part for part in (words["comma"].join(names[:-1]), names[-1]) if part)
    return words["close"].format(others=others, verb=words["beats" if len(close) == 1 else "beat"])


def harm_heads(answer: Assessment) -> list[str]:
    """Return the names of the harms, short where there is a short form."""
    words = WORDS[answer.language]
    return [words.get(harm) or label("harms", harm, answer.language) for harm in HARMS]


def harm_words(value: float) -> str:
    """Return the probability of a harm in percent, without the sign; the small ones, in which options differ, with a decimal."""
    return share(value).removesuffix(" %") if math.isnan(value) or not 0.001 <= value < 0.0995 else f"{100 * value:.1f}"


def _harm_with_span(value: float, low: float, high: float) -> str:
    ends = "" if math.isnan(low) or math.isnan(high) else f" ({harm_words(low)}–{harm_words(high)})"
    return f"{harm_words(value)}{ends}"


def harms(answer: Assessment) -> list[Part]:
    """Return the harms within a year; what is added to the present treatment has its harms."""
    words, present = WORDS[answer.language], ("continue", *ADDED_TO_CURRENT)
    rows, done = [], False
    for _, row in answer.options.iterrows():
        if row["id"] in present and done:
            continue
        done = done or row["id"] in present
        name = words["present_treatment"] if row["id"] in present else row["label"]
        rows.append([name, *(harm_words(row[harm]) for harm in HARMS)])
    heads = [words["option"], *harm_heads(answer)]
    return [Sentence(words["harms_note"], "quiet"), Grid(heads, rows, right=range(1, len(heads)))]


def options_with_harms(answer: Assessment) -> list[Part]:
    """Return the options with benefits as dots on common scales and, beside them, the harms within a year."""
    words, table = WORDS[answer.language], answer.options
    top = max(float(table[name].max()) for name in ("high", "acr50", "acr50_high"))
    infections = max(float(table[name].max()) for name in ("serious_infection", "serious_infection_high"))
    ends = float(table[["utility", "utility_low"]].min().min()), float(table[["utility", "utility_high"]].max().max())
    rows: list[list[Cell]] = []
    for rank, (_, row) in enumerate(table.iterrows(), start=1):
        benefit: list[Cell] = [
            Estimate(with_span(row["lda"], row["low"], row["high"]), row["lda"], row["low"], row["high"], 0.0, top),
            Estimate(
                with_span(row["acr50"], row["acr50_low"], row["acr50_high"]), row["acr50"], row["acr50_low"], row["acr50_high"], 0.0, top
            ),
            Estimate(utility_words(row, words), row["utility"], row["utility_low"], row["utility_high"], *_spread(*ends)),
        ]
        infection = row["serious_infection"], row["serious_infection_low"], row["serious_infection_high"]
        harm: list[Cell] = [
            Estimate(_harm_with_span(*infection), *infection, 0.0, infections),
            *(harm_words(row[name]) for name in HARMS[1:]),
        ]
        rows.append([f"{rank} {row['label']}", *benefit, share(row["p_best"]), *harm, marks(answer, row)])
    heads = [*(words[name] for name in ("option", "lda", "acr50", "utility", "best")), *harm_heads(answer), words["note"]]
    heads[5] = f"{words['harms']}{words['colon']}{heads[5]}"
    right = (4, *range(6, len(heads) - 1))
    note = options_note(answer).text + words["dots" if answer.draws else "dots_alone"].format(level=f"{100 * answer.level:g} %")
    return [Sentence(note, "quiet"), Grid(heads, rows, right=right), *below_options(answer)]


def _spread(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale that is never empty."""
    return (low, high) if high > low else (low - 1e-3, low + 1e-3)


def next_tests(answer: Assessment, most: int = TESTS_SHOWN) -> list[Part]:
    """Return the findings that are worth most, or that none is worth anything."""
    words, table = WORDS[answer.language], answer.tests
    table = table[(table["expected_gain"] >= 5e-5) | (table["p_change"] >= 1e-3) | (table["entropy_drop"] >= 5e-3)]
    if not len(table):
        return [Sentence(words["no_test"])]
    rows = [
        (r.label, f"{r.likeliest} ({share(r.p_likeliest)})", f"{1000 * r.expected_gain:.1f}", share(r.p_change), f"{r.entropy_drop:.2f}")
        for r in lines(table.head(most))
    ]
    heads = [words[name] for name in ("test", "likeliest", "gain", "change", "entropy")]
    return [Sentence(words["tests_note"], "quiet"), Grid(heads, rows, right=(2, 3, 4), wrap=(0, 1))]


def classification(answer: Assessment) -> list[Part]:
    """Return the verdict on difficult-to-treat disease, and how refractory the disease is."""
    words, found = WORDS[answer.language], answer.classification
    rows = [(words["d2t"], f"{words[found.d2t]}{words['join']}{found.decided_by}")]
    rows.append((words["true_refractory"], with_span(found.true_refractory, found.true_refractory_low, found.true_refractory_high)))
    if found.pirra + found.nirra > 0:
        rows.append((words["pirra"], with_span(found.pirra, found.pirra_low, found.pirra_high)))
        rows.append((words["nirra"], with_span(found.nirra, found.nirra_low, found.nirra_high)))
    return [Listing([f"{name}{words['colon']}{text}" for name, text in rows], "-")]


def weights(answer: Assessment) -> list[Part]:
    """Return the weight of each finding for and against the leading causes, the findings without weight together."""
    words, table = WORDS[answer.language], answer.findings
    heads = list(dict.fromkeys(table["label"]))
    groups = [table.iloc[start : start + len(heads)] for start in range(0, len(table), len(heads))]
    seen = [(str(part.iloc[0]["variable"]), str(part.iloc[0]["finding"])) for part in groups]
    sizes = [float(part["weight"].abs().max()) for part in groups]
    order = sorted((n for n, size in enumerate(sizes) if size >= SPEAKS), key=lambda n: -sizes[n])
    rows: list[list[Cell]] = [
        [seen[n][1], *(Signed(float(weight)) for weight in groups[n]["weight"]), signed(float(groups[n].iloc[0]["conflict"]))]
        for n in order
    ]
    silent = _listed(answer, words, [seen[n] for n, size in enumerate(sizes) if not size >= SPEAKS])
    found: list[Part] = [Sentence(words["weights_note"], "quiet")]
    if rows:
        found.append(Grid([words["finding"], *heads, words["conflict"]], rows, right=range(1, len(heads) + 2)))
    if silent:
        found += [*([Space()] if rows else []), Sentence(words["silent"] + words["colon"] + words["join"].join(silent))]
    return found


def judgement_words(answer: Assessment) -> str:
    """Return how much of the answer's uncertainty rests on judgement."""
    return WORDS[answer.language]["judgement"].format(p=share(answer.judgement_share))


def rests(answer: Assessment) -> list[Part]:
    """Return the parameters and studies that carry the answer."""
    words = WORDS[answer.language]
    found: list[Part] = [Sentence(judgement_words(answer), "quiet")]
    if len(answer.influences):
        rows = [
            (r.parameter, words["judged" if r.status == "judgement" else r.status], signed(100 * r.effect), share(r.share))
            for r in lines(answer.influences.head(RESTS_SHOWN))
        ]
        heads = [words[name] for name in ("parameter", "status", "effect", "share")]
        found += [Sentence(words["effect_note"], "quiet"), Grid(heads, rows, right=(2, 3))]
    studies = [
        f"{r.study}{words['colon']}{r.citation}{words['then']}{identifier(r.doi, r.pmid) or words['no_identifier']} ({share(r.share)})"
        for r in lines(answer.citations().head(RESTS_SHOWN))
    ]
    if studies:
        found += [Space(), Sentence(words["studies"], "strong"), Listing(studies)]
    return found
