"""The explorer's widgets: each change makes a new record and shows its answer."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets

from ..data.errors import RefraError
from ..model.draws import DEFAULT_DRAWS
from .explorer import Explorer
from .explorer_fields import GROUPS, Control
from .explorer_page import refusal
from .explorer_words import EXPLORER_WORDS

WORDS_WIDTH = "188px"
CONTROL_WIDTH = "428px"
LIVE = "refra-live"
"""The class of the box, by which a page tells that the widgets have come up."""


class Panel:
    """Sliders and menus beside the answer.

    `explorer` is the last state that has an answer; `fields` are the widgets by patient field or `earlier_<class>`; `page` shows the
    answer, or why there is none, `box` holds all.
    """

    def __init__(self, explorer: Explorer) -> None:
        """Make the widgets for an explorer."""
        words = EXPLORER_WORDS[explorer.language]
        self.explorer = explorer
        self.fields = {name: _widget(control) for name, control in explorer.controls.items()}
        self.page = ipywidgets.HTML(explorer.to_html())
        self.intervals = ipywidgets.Button(description=words["work_out"], tooltip=words["work_out_tip"].format(draws=DEFAULT_DRAWS))
        self.reset = ipywidgets.Button(description=words["back"])
        self._held = False
        for widget in self.fields.values():
            widget.observe(self._changed, names="value")
        self.intervals.on_click(self._with_intervals)
        self.reset.on_click(self._to_start)
        self.box = self._laid_out()

    def _laid_out(self) -> Any:
        groups = ipywidgets.Accordion([ipywidgets.VBox([self.fields[name] for name in names]) for names in GROUPS.values()])
        for place, title in enumerate(GROUPS):
            groups.set_title(place, EXPLORER_WORDS[self.explorer.language][title])
        groups.selected_index = 0
        left = ipywidgets.VBox(
            [ipywidgets.HBox([self.intervals, self.reset]), groups], layout=ipywidgets.Layout(width="476px", flex="0 0 auto")
        )
        right = ipywidgets.VBox([self.page], layout=ipywidgets.Layout(flex="1 1 480px", min_width="0", margin="0 0 0 16px"))
        box = ipywidgets.HBox([left, right], layout=ipywidgets.Layout(flex_flow="row wrap"))
        return box.add_class(LIVE)

    def _changed(self, _change: Any) -> None:
        if self._held:
            return
        with _undisturbed():
            try:
                self.explorer = self.explorer.chosen({name: widget.value for name, widget in self.fields.items()})
            except RefraError as error:
                self.page.value = refusal(error, self.explorer.language)
            else:
                self.page.value = self.explorer.to_html()

    def _with_intervals(self, _button: Any) -> None:
        self.intervals.disabled = True
        try:
            self.page.value = self.explorer.to_html(DEFAULT_DRAWS)
        finally:
            self.intervals.disabled = False

    def _to_start(self, _button: Any) -> None:
        self._held = True
        try:
            for name, control in self.explorer.controls.items():
                self.fields[name].value = control.words(control.start)
        finally:
            self._held = False
        self._changed(None)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put the collection of garbage off until an update is shown; a full one may take longer than the update itself."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _widget(control: Control) -> Any:
    kind = ipywidgets.SelectionSlider if control.slider else ipywidgets.Dropdown
    return kind(
        options=list(control.choices),
        value=control.words(control.start),
        description=control.label,
        style={"description_width": WORDS_WIDTH},
        layout=ipywidgets.Layout(width=CONTROL_WIDTH),
    )
