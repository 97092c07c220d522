"""`refra.explore`: change findings in a notebook and see reasons and options move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..data.errors import RefraError
from ..data.labels import check_language
from ..data.messages import Message
from ..model.draws import DEFAULT_DRAWS, DEFAULT_SEED, FITTED, check_basis, shipped_draws
from . import html
from .asking import ask
from .assessment import asked_for
from .causes import reason_table
from .explorer_fields import Control, controls, record_of
from .explorer_page import page, refusal
from .explorer_words import EXPLORER_WORDS
from .intervals import DEFAULT_LEVEL
from .knowledge import SHIPPED
from .options import option_table, outlook, too_close_to_call
from .patient import Patient
from .preferences import Preferences
from .querying import check_level
from .situation import situation

if TYPE_CHECKING:
    from .explorer_widgets import Panel

INSTALL = 'pip install "refra[notebook]"'
COPY_STYLE = ":root:has(.refra-live) .refra-copy{display:none}"
"""Hides the copy on a page where the widgets, whose box is of the class `refra-live`, have come up."""


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
    warnings: tuple[Message, ...]


def reasons_and_options(
    patient: Patient, preferences: Preferences, basis: str, draws: int = 0, level: float = DEFAULT_LEVEL, language: str = "en"
) -> ReasonsAndOptions:
    """Return the reasons and options of `assess`, without the parts of it that take most of its time."""
    place = situation(patient, basis)
    model = place.model(SHIPPED, draws, DEFAULT_SEED, asked_for())
    answer = ask(model, place.inside(model), ["primary_reason"])
    look = outlook(place, model, shipped_draws(draws, DEFAULT_SEED, basis), preferences)
    options = option_table(place, look, level, language)
    reasons = reason_table(place, answer, level, language)
    return ReasonsAndOptions(draws, place.target, reasons, options, too_close_to_call(options) if draws else (), place.warnings)


@dataclass(frozen=True)
class Explorer:
    """A record that is being changed, and the answer beside that of the record at the start; nothing in it needs a notebook.

    `start` is the record that it began with, `patient` the present one; the rest are those of `assess`.
    """

    start: Patient
    patient: Patient
    preferences: Preferences
    basis: str = FITTED
    level: float = DEFAULT_LEVEL
    language: str = "en"

    @cached_property
    def controls(self) -> dict[str, Control]:
        """What can be chosen, by patient field or `earlier_<class>`."""
        return controls(self.start, self.language)

    @cached_property
    def at_start(self) -> ReasonsAndOptions:
        """The central answer for the record at the start."""
        return reasons_and_options(self.start, self.preferences, self.basis, 0, self.level, self.language)

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
        return reasons_and_options(self.patient, self.preferences, self.basis, draws, self.level, self.language)

    def to_html(self, draws: int = 0) -> str:
        """Return the present answer beside that at the start; `draws` parameter sets give intervals."""
        try:
            answer = self.answer(draws)
        except RefraError as error:
            return refusal(error, self.language)
        return page(self, answer)


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

    @property
    def _note(self) -> str:
        words = EXPLORER_WORDS[self.explorer.language]
        return words["needs_kernel"] if self.panel else words["needs_widgets"].format(command=INSTALL)

    def to_html(self) -> str:
        """Return what is shown at present without controls: with intervals where no widget can show them later."""
        shown = self.panel.page.value if self.panel else self.explorer.to_html(DEFAULT_DRAWS)
        return html.element("div", html.Html(shown), html.fragment([html.paragraph(self._note, quiet=True)]))

    def _repr_mimebundle_(self, **_wanted: Any) -> dict[str, Any]:
        """Give the page to whatever shows one thing alone."""
        return {"text/plain": repr(self), "text/html": self.to_html()}

    def _ipython_display_(self) -> None:
        """Give a notebook the widgets and a copy, which is seen where the widgets do not come up: without a kernel, in a file, on paper."""
        display = import_module("IPython.display").display
        copy = self._repr_mimebundle_()
        if self.panel:
            # Without a page of its own the widget leaves nothing to be shown beside the copy.
            display({**self.panel.box._repr_mimebundle_(), "text/plain": ""}, raw=True)
            style = html.element("style", html.Html(COPY_STYLE))
            copy["text/html"] = html.element("div", style, html.Html(copy["text/html"]), class_="refra-copy")
        display(copy, raw=True)

    def __repr__(self) -> str:
        """Say what is explored and where it can be seen."""
        return f"<refra.explore of {self.patient!r}; {self._note}>"


def explore(
    patient: Patient | Mapping[str, Any] | None = None,
    preferences: Preferences | None = None,
    *,
    basis: str = FITTED,
    level: float = DEFAULT_LEVEL,
    language: str = "en",
) -> Exploration:
    """Return an explorer of one patient: in a notebook, change findings with sliders and menus and see reasons and options move.

    Each change shows central numbers at once, and a button works out the intervals of `assess`. Needs `pip install "refra[notebook]"`;
    without it, or without a kernel, the answer is shown as it stands. Arguments: `patient` is a `Patient`, a mapping of its fields, or
    None to begin with nothing observed; `preferences`, `basis`, `level` and `language` are those of `assess`.

    Raises the errors of `Patient`, and `ImpossibleFindingsError` for findings that cannot all hold.
    """
    check_basis(basis)
    check_level(level)
    check_language(language)
    record = patient if isinstance(patient, Patient) else Patient.from_dict(patient or {})
    explorer = Explorer(record, record, preferences or Preferences(), basis, level, language)
    explorer.at_start  # noqa: B018  # findings that cannot all hold are refused here, not when the answer is shown
    if find_spec("ipywidgets") is None:
        return Exploration(explorer, None)
    from .explorer_widgets import Panel

    return Exploration(explorer, Panel(explorer))
