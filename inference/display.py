"""An assessment as text for a terminal, in English and Chinese."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..data.labels import label
from ..data.loading import variables
from ..model.harms import HARMS
from .display_words import WORDS, Words
from .explanation import RESEARCH_USE, percent
from .options import ADDED_TO_CURRENT

if TYPE_CHECKING:
    from .assessment import Assessment

TESTS_SHOWN = 6
DRIVERS_SHOWN = 4
RESTS_SHOWN = 5
WEAK = 0.3
"""Share of the prior's entropy that the findings must remove before the pathway counts as more than weakly identified."""

SPEAKS = 0.05
"""Least weight of evidence that shows at one decimal."""

UNITS_ZH = (("mg/wk", "mg/周"), ("mg/d", "mg/日"), (" months", " 个月"), (" years", " 年"))
EIGHTHS = " ▏▎▍▌▋▊▉"


def share(value: float) -> str:
    """Return a probability as a percentage, a dash where there is none."""
    return "–" if math.isnan(value) else percent(value)


def span(low: float, high: float) -> str:
    """Return the bounds of an interval of a probability as percentages."""
    ends = [share(end).removesuffix(" %") for end in (low, high)]
    return f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]}–{ends[1]} %"


def with_span(value: float, low: float, high: float) -> str:
    """Return a probability with its interval."""
    bounds = span(low, high)
    return share(value) if math.isnan(low) or math.isnan(high) or bounds == share(value) else f"{share(value)} ({bounds})"


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, 0 without one, a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    return f"{value:+z.{digits}f}" if abs(round(value, digits)) > 0 else f"{0:.{digits}f}"


def bar(value: float, width: int = 14) -> str:
    """Return a bar of at most `width` signs for a probability, in steps of an eighth of a sign."""
    eighths = 0 if math.isnan(value) else round(value * width * 8)
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


@dataclass(frozen=True)
class Columns:
    """A table of texts that fits the width it is given.

    The columns in `wrap` take up what is lacking in width, those in `right` are set right, those without a head are left out where it is narrow.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    right: Sequence[int] = ()
    wrap: Sequence[int] = (0,)

    def least(self, number: int) -> int:
        """Return the least width at which no number of a column is broken."""
        head = self.heads[number]
        cells = [str(row[number]) for row in self.rows]
        words = [word for text in (head, *(cells if number in self.wrap else ())) for word in text.split()]
        # Chinese text has no blanks and may be broken anywhere.
        narrow = [min(cell_len(word), cell_len(word) if word.isascii() else 8) for word in words]
        return max([0, *narrow, *(() if number in self.wrap else map(cell_len, cells))])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out."""
        shown = list(range(len(self.heads)))
        fits = self._width(shown) <= options.max_width
        if not fits:
            shown = [number for number in shown if self.heads[number]]
            fits = self._width(shown) <= options.max_width
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for number in shown:
            justify: JustifyMethod = "right" if number in self.right else "left"
            table.add_column(Text(self.heads[number]), justify=justify, min_width=self.least(number) if fits else None, overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in (row[number] for number in shown)))
        yield table

    def _width(self, shown: Sequence[int]) -> int:
        return sum(self.least(number) + 2 for number in shown)


def heading(title: str) -> Rule:
    """Return the line that begins a section."""
    return Rule(Text(title, style="bold"), align="left", characters="─", style="dim")


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names with their texts beside them."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, text in rows:
        table.add_row(Text(name, style="bold"), Text(text))
    return table


def numbered(items: Sequence[str], mark: str | None = None) -> Table:
    """Return texts with numbers, or with one mark, before them."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for number, item in enumerate(items, start=1):
        table.add_row(Text(mark or f"{number}."), Text(item))
    return table


def to_text(parts: Iterable[RenderableType], width: int, color: bool) -> str:
    """Return what rich renders of these parts, without blanks at the end of lines unless there is colour."""
    stream = StringIO()
    console = Console(
        file=stream, width=width, force_terminal=color, color_system="standard" if color else None, legacy_windows=False, highlight=False
    )
    for part in parts:
        console.print(part)
    text = stream.getvalue()
    return text if color else "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def finding_text(variable: str, text: str, language: str) -> str:
    """Return the text of a finding in a language."""
    name = variables()[variable].label
    if language == "en" or not text.startswith(name["en"]):
        return text
    rest = text.removeprefix(name["en"])
    unsure = ": not certain, most in favour of "
    for prefix, said in ((unsure, "：不确定，最倾向于"), (": ", "：")):
        if rest.startswith(prefix):
            body = rest.removeprefix(prefix)
            for state in variables()[variable].states:
                if body == state.label["en"] or body.startswith(state.label["en"] + " ("):
                    return name[language] + said + state.label[language] + body.removeprefix(state.label["en"])
            return name[language] + said + body
    for english, chinese in UNITS_ZH:
        rest = rest.replace(english, " 岁" if variable == "age_group" else chinese)
    return name[language] + rest


def as_text(assessment: Assessment, width: int = 100, color: bool = False) -> str:
    """Return an assessment as text of at most `width` columns; `color` adds terminal colours."""
    return to_text(_parts(assessment), width, color)


def render(assessment: Assessment, console: Console) -> None:
    """Print an assessment on a rich console."""
    for part in list(_parts(assessment)):
        console.print(part)


def query_table(frame: pd.DataFrame) -> Columns:
    """Return what `refra.query` found as a table."""
    rows, before = [], None
    for row in frame.itertuples():
        rows.append((row.variable if row.variable != before else "", row.state, bar(row.probability), share(row.probability), span(row.low, row.high)))
        before = row.variable
    return Columns(("Variable", "State", "", "Probability", "Interval"), rows, right=(3, 4))


def _parts(answer: Assessment) -> list[RenderableType]:
    words = WORDS[answer.language]
    parts: list[RenderableType] = [Text(words["title"], style="bold"), Text(), _header(answer, words)]

    def section(name: str, *content: RenderableType | None, note: str = "") -> None:
        parts.extend((Text(), heading(words[name])))
        if note:
            parts.append(Text(note, style="dim"))
        parts.extend(part for part in content if part is not None)

    section("words", numbered(answer.explanation(), "-"))
    if len(answer.reasons):
        section("reasons", _reasons(answer, words), note=words["reasons_note"])
    if len(answer.causes):
        met = answer.causes["averted"].isna().all()
        section("causes", _causes(answer, words, bool(met)), note=words["causes_met" if met else "causes_note"])
    if len(answer.drivers):
        removed = float(answer.drivers.iloc[0]["identified"])
        said = words["weak" if removed < WEAK else "identified"].format(p=share(removed))
        section("drivers", _drivers(answer, words), note=said)
    if len(answer.options):
        section("options", *_options(answer, words), note=words["options_note"])
        section("harms", _harms(answer, words), note=words["harms_note"])
    if len(answer.tests):
        section("tests", _tests(answer, words), note=words["tests_note"])
    section("classification", _classification(answer, words))
    if len(answer.findings):
        section("weights", *_weights(answer, words), note=words["weights_note"])
    if answer.warnings:
        section("warnings", numbered(answer.warnings, "!"))
    section("rests", *_rests(answer, words), note=words["judgement"].format(p=share(answer.judgement_share)))
    return [*parts, Text(), Text(RESEARCH_USE[answer.language], style="italic")]


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
    rows = [(r.label, bar(r.probability), with_span(r.probability, r.low, r.high), share(r.p_first)) for r in answer.reasons.itertuples()]
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
        for r in answer.causes.itertuples()
    ]
    if met:
        return Columns([heads[0], heads[1], heads[4]], [[row[0], row[1], row[4]] for row in rows], right=(2,))
    return Columns(heads, rows, right=(3, 4))


def _drivers(answer: Assessment, words: Words) -> Columns:
    rows = [
        (r.label, bar(r.probability), with_span(r.probability, r.low, r.high), share(r.prior))
        for r in answer.drivers.head(DRIVERS_SHOWN).itertuples()
    ]
    return Columns((words["driver"], "", words["probability"], words["prior"]), rows, right=(3,))


def _options(answer: Assessment, words: Words) -> list[RenderableType]:
    notes = list(dict.fromkeys(caution for cautions in answer.options["cautions"] for caution in cautions))
    rows = []
    for rank, r in enumerate(answer.options.itertuples(), start=1):
        ends = f" ({1000 * r.utility_low:z.0f}{words['to']}{1000 * r.utility_high:z.0f})" if not math.isnan(r.utility_low) else ""
        marks = ",".join(str(notes.index(caution) + 1) for caution in r.cautions)
        rows.append(
            (f"{rank} {r.label}", with_span(r.lda, r.low, r.high), share(r.acr50), f"{1000 * r.utility:z.0f}{ends}", share(r.p_best), marks)
        )
    heads = [words[name] for name in ("option", "lda", "acr50", "utility", "best", "note")]
    close = answer.too_close_to_call
    if close:
        names = [label("options", option, answer.language) for option in close]
        others = words["and"].join(part for part in (words["comma"].join(names[:-1]), names[-1]) if part)
        line = words["close"].format(others=others, verb=words["beats" if len(close) == 1 else "beat"])
    else:
        line = words["clear"].format(p=share(answer.options.iloc[0]["p_best"]))
    return [Columns(heads, rows, right=(2, 4)), *([Text(), numbered(notes)] if notes else []), Text(), Text(line, style="bold")]


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


def _tests(answer: Assessment, words: Words) -> Columns:
    rows = [
        (r.label, f"{r.likeliest} ({share(r.p_likeliest)})", f"{1000 * r.expected_gain:.1f}", share(r.p_change), f"{r.entropy_drop:.2f}")
        for r in answer.tests.head(TESTS_SHOWN).itertuples()
    ]
    return Columns([words[name] for name in ("test", "likeliest", "gain", "change", "entropy")], rows, right=(2, 3, 4), wrap=(0, 1))


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
    lines = [table.iloc[start : start + len(heads)] for start in range(0, len(table), len(heads))]
    seen = [(str(part.iloc[0]["variable"]), str(part.iloc[0]["finding"])) for part in lines]
    sizes = [float(part["weight"].abs().max()) for part in lines]
    order = sorted((n for n, size in enumerate(sizes) if size >= SPEAKS), key=lambda n: -sizes[n])
    rows = [[finding_text(*seen[n], answer.language), *(_weight(float(w)) for w in lines[n]["weight"]), signed(float(lines[n].iloc[0]["conflict"]))] for n in order]
    silent = _listed(answer, words, [seen[n] for n, size in enumerate(sizes) if not size >= SPEAKS])
    found: list[RenderableType] = []
    if rows:
        found.append(Columns([words["finding"], *heads, words["conflict"]], rows, right=range(1, len(heads) + 2)))
    if silent:
        found += [*([Text()] if rows else []), Text(words["silent"] + words["colon"] + words["join"].join(silent))]
    return found


def _weight(value: float) -> Text:
    return Text(signed(value), style="green" if value >= SPEAKS else "red" if value <= -SPEAKS else "dim")


def _rests(answer: Assessment, words: Words) -> list[RenderableType]:
    found: list[RenderableType] = []
    if len(answer.influences):
        rows = [
            (r.parameter, words["judged" if r.status == "judgement" else r.status], signed(100 * r.effect), share(r.share))
            for r in answer.influences.head(RESTS_SHOWN).itertuples()
        ]
        heads = [words[name] for name in ("parameter", "status", "effect", "share")]
        found += [Text(words["effect_note"], style="dim"), Columns(heads, rows, right=(2, 3))]
    studies = [
        f"{r.study}{words['colon']}{r.citation}{words['comma']}{identifier(r.doi, r.pmid) or words['no_identifier']} ({share(r.share)})"
        for r in answer.citations().head(RESTS_SHOWN).itertuples()
    ]
    return [*found, *([Text(), Text(words["studies"], style="bold"), numbered(studies)] if studies else [])]


def identifier(doi: str, pmid: str) -> str:
    """Return the identifier by which a study is found: its doi, else its PubMed number; empty where it has none."""
    return f"doi {doi}" if doi else f"PMID {pmid}" if pmid else ""
