"""`refra.explore`: change findings in a notebook and see reasons and options move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..data.errors import RefraError
from ..model.draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, check_basis, shipped_draws
from . import html
from .asking import ask
from .assessment import asked_for
from .causes import reason_table
from .display_layout import lines, share, with_span
from .explanation import RESEARCH_USE
from .explorer_fields import Control, controls, record_of
from .intervals import DEFAULT_LEVEL
from .knowledge import SHIPPED
from .options import option_table, outlook, too_close_to_call
from .patient import Patient
from .preferences import Preferences
from .situation import situation

if TYPE_CHECKING:
    from .explorer_widgets import Panel

NEEDS_KERNEL = "Findings can be changed here while the notebook's kernel runs; what you see is a copy."
NEEDS_WIDGETS = 'Findings can be changed here once ipywidgets is installed: pip install "refra[notebook]", then restart the kernel.'
WIDTH = 120


@dataclass(frozen=True)
class ReasonsAndOptions:
    """What moves in the explorer: the numbers of `assess` for the same record, draws and seed.

    `reasons`, `options` and `too_close_to_call` are those of an `Assessment`; `draws` is 0 for central numbers alone.
    """

    draws: int
    target: str
    reasons: pd.DataFrame
    options: pd.DataFrame
    too_close_to_call: tuple[str, ...]
    warnings: tuple[str, ...]


def reasons_and_options(patient: Patient, preferences: Preferences, basis: str, draws: int = 0) -> ReasonsAndOptions:
    """Return the reasons and options of `assess`, without the parts of it that take most of its time."""
    place = situation(patient, basis)
    model = place.model(SHIPPED, draws, DEFAULT_SEED, asked_for())
    answer = ask(model, place.inside(model), ["primary_reason"])
    look = outlook(place, model, shipped_draws(draws, DEFAULT_SEED, basis), preferences)
    options = option_table(place, look, DEFAULT_LEVEL, "en")
    reasons = reason_table(place, answer, DEFAULT_LEVEL, "en")
    return ReasonsAndOptions(draws, place.target, reasons, options, too_close_to_call(options) if draws else (), place.warnings)


@dataclass(frozen=True)
class Explorer:
    """A record that is being changed, and the answer beside that of the record at the start; nothing in it needs a notebook.

    `start` is the record that it began with, `patient` the present one; `preferences` and `basis` are those of `assess`.
    """

    start: Patient
    patient: Patient
    preferences: Preferences
    basis: str = FITTED

    @cached_property
    def controls(self) -> dict[str, Control]:
        """What can be chosen, by patient field or `earlier_<class>`."""
        return controls(self.start)

    @cached_property
    def at_start(self) -> ReasonsAndOptions:
        """The central answer for the record at the start."""
        return reasons_and_options(self.start, self.preferences, self.basis)

    def chosen(self, words: Mapping[str, str]) -> Explorer:
        """Return the explorer with the record that the words chosen in all controls make; raises the errors of `Patient`."""
        return self.with_patient(record_of({name: control.choices[words[name]] for name, control in self.controls.items()}))

    def with_patient(self, patient: Patient) -> Explorer:
        """Return the explorer at another record, with the same start."""
        changed = replace(self, patient=patient)
        # What belongs to the start is worked out once.
        changed.__dict__.update({name: getattr(self, name) for name in ("controls", "at_start")})
        return changed

    def answer(self, draws: int = 0) -> ReasonsAndOptions:
        """Return reasons and options of the present record; raises `ImpossibleFindingsError` for findings that cannot all hold."""
        return reasons_and_options(self.patient, self.preferences, self.basis, draws)

    def to_html(self, draws: int = 0, note: str = "") -> str:
        """Return the present answer beside that at the start; `draws` parameter sets give intervals, `note` stands at the end."""
        try:
            answer = self.answer(draws)
        except RefraError as error:
            return refusal(error)
        return html.fragment([*_page(self, answer), html.paragraph(" ".join(filter(None, (note, RESEARCH_USE["en"]))), quiet=True)])


def refusal(error: RefraError) -> str:
    """Return what is shown where findings cannot be used."""
    return html.fragment(
        [html.heading("No answer"), html.paragraph(str(error)), html.paragraph("Change one of these findings.", quiet=True)]
    )


@dataclass(frozen=True)
class Exploration:
    """What `explore` returns: controls and answer in a notebook, the answer alone elsewhere.

    `explorer` holds the state at the start; `panel` the widgets, None where ipywidgets is not installed.
    """

    explorer: Explorer
    panel: Panel | None

    @property
    def patient(self) -> Patient:
        """The record as it stands now, to go on with: `refra.assess(view.patient)`."""
        return self.panel.explorer.patient if self.panel else self.explorer.patient

    def to_html(self) -> str:
        """Return the present answer without controls: with intervals where no widget can show them later."""
        explorer = self.explorer.with_patient(self.patient)
        return explorer.to_html(0, NEEDS_KERNEL) if self.panel else explorer.to_html(DEFAULT_DRAWS, NEEDS_WIDGETS)

    def _repr_mimebundle_(self, **_wanted: Any) -> dict[str, Any]:
        """Give the widgets to a notebook with a kernel, and a page to whatever shows the notebook without one."""
        view = self.panel.box._repr_mimebundle_() if self.panel else {}
        return {**view, "text/plain": repr(self), "text/html": self.to_html()}

    def __repr__(self) -> str:
        """Say what is explored and where it can be seen."""
        return f"<refra.explore of {self.patient!r}; {NEEDS_KERNEL if self.panel else NEEDS_WIDGETS}>"


def explore(
    patient: Patient | Mapping[str, Any] | None = None, preferences: Preferences | None = None, *, basis: str = FITTED
) -> Exploration:
    """Return an explorer of one patient: in a notebook, change findings with sliders and menus and see reasons and options move.

    Each change shows central numbers at once, and a button works out the intervals of `assess`. Needs `pip install "refra[notebook]"`;
    without it, or without a kernel, the answer is shown as it stands. Arguments: `patient` is a `Patient`, a mapping of its fields, or
    None to begin with nothing observed; `preferences` and `basis` are those of `assess`.

    Raises the errors of `Patient`, and `ImpossibleFindingsError` for findings that cannot all hold.
    """
    check_basis(basis)
    record = patient if isinstance(patient, Patient) else Patient.from_dict(patient or {})
    explorer = Explorer(record, record, preferences or Preferences(), basis)
    explorer.at_start  # noqa: B018  # findings that cannot all hold are refused here, not when the answer is shown
    if find_spec("ipywidgets") is None:
        return Exploration(explorer, None)
    from .explorer_widgets import Panel

    return Exploration(explorer, Panel(explorer))


def _page(explorer: Explorer, answer: ReasonsAndOptions) -> list[html.Html]:
    shown = (
        f"Intervals: {100 * DEFAULT_LEVEL:g} %, from {answer.draws} sets of parameters. “At the start” is the record before any change."
        if answer.draws
        else "Central numbers: every parameter at its centre, no intervals. “At the start” is the record before any change."
    )
    parts = [html.paragraph(_changes(explorer)), html.paragraph(shown, quiet=True)]
    if len(answer.reasons):
        parts += [html.heading("Reasons"), _reasons(answer, explorer.at_start)]
    parts += [html.heading("Options"), _options(answer, explorer.at_start)]
    most = _scale(answer)
    scale = f"By expected utility over one year (QALY × 1000). LDA: low disease activity at 24 weeks, bars from 0 to {share(most)}."
    parts += [html.paragraph(scale, quiet=True), _list("ol", _cautions(answer))]
    if answer.too_close_to_call:
        labels = dict(zip(answer.options["id"], answer.options["label"], strict=True))
        parts.append(html.paragraph(f"Too close to call beside the first: {', '.join(labels[name] for name in answer.too_close_to_call)}."))
    return [*parts, *([_list("ul", answer.warnings)] if answer.warnings else [])]


def _list(kind: str, items: Iterable[str]) -> html.Html:
    return html.element(kind, *(html.element("li", item) for item in items))


def _changes(explorer: Explorer) -> str:
    """Return what differs from the record at the start, in words."""
    found = []
    before, now = explorer.start.observed, explorer.patient.observed
    for control in explorer.controls.values():
        if control.name.startswith("earlier_"):
            continue
        value = now.get(control.name)
        if value != before.get(control.name):
            found.append(f"{control.label}: {control.words(control.start)} → {control.words(value)}")
    if before.get("earlier") != now.get("earlier"):
        found.append("earlier drugs")
    return f"Changed: {'; '.join(found)}." if found else "Nothing changed yet."


def _bounds(answer: ReasonsAndOptions, row: Any) -> tuple[float, float] | tuple[None, None]:
    """Return the ends of a row's interval; central numbers have none."""
    return (row.low, row.high) if answer.draws else (None, None)


def _reasons(answer: ReasonsAndOptions, start: ReasonsAndOptions) -> html.Html:
    before = dict(zip(start.reasons["id"], start.reasons["probability"], strict=True))
    rows = [
        (
            r.label,
            html.interval_bar(r.probability, *_bounds(answer, r), width=WIDTH),
            html.number(with_span(r.probability, r.low, r.high)),
            html.number(share(before.get(r.id, float("nan")))),
        )
        for r in lines(answer.reasons)
    ]
    return html.table(("Primary reason", "", html.number("Probability"), html.number("At the start")), rows)


def _scale(answer: ReasonsAndOptions) -> float:
    """Return what the right end of the options' bars stands for; it moves only where a bar would not fit."""
    return max(0.5, float(answer.options[["lda", "high"]].max().max()))


def _cautions(answer: ReasonsAndOptions) -> list[str]:
    """Return what to beware of with any option, each once."""
    return list(dict.fromkeys(caution for found in answer.options["cautions"] for caution in found))


def _options(answer: ReasonsAndOptions, start: ReasonsAndOptions) -> html.Html:
    ranks = {name: rank for rank, name in enumerate(start.options["id"], start=1)}
    before = dict(zip(start.options["id"], start.options["lda"], strict=True))
    most, notes = _scale(answer), _cautions(answer)
    rows = []
    for rank, r in enumerate(lines(answer.options), start=1):
        rows.append(
            (
                f"{rank} {r.label}",
                html.interval_bar(r.lda, *_bounds(answer, r), most=most, width=WIDTH),
                html.number(with_span(r.lda, r.low, r.high)),
                html.number(f"{share(before[r.id])}, rank {ranks[r.id]}" if r.id in before else "–"),
                html.number(share(r.acr50)),
                html.number(f"{1000 * r.utility:z.0f}"),
                *((html.number(share(r.p_best)),) if answer.draws else ()),
                ", ".join(str(notes.index(caution) + 1) for caution in r.cautions),
            )
        )
    heads = ["LDA", "At the start", "ACR50", "Utility", *(["P(best)"] if answer.draws else [])]
    return html.table(("Option", "", *map(html.number, heads), "Note"), rows)
