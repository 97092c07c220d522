"""Sensitivity to findings: what an answer would be had a finding been another, had it not been made, or were one more made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ...data.loading import variables
from ...model.draws import FITTED
from ..figures import COLOURS, QUIET, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .quantities import Quantity
from .quantities import quantity as read_quantity
from .result import Result
from .versions import chances, reason_ids, subjects, versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAYS_NOTHING = 1e-9
"""A finding none of whose states moves the quantity or any first place by more than this is left out."""

SHOWN = 18
"""Findings in the picture."""

COLUMNS = (
    "finding", "label", "observed", "kind", "state", "state_label", "probability", "value", "change", "first_reason", "first_option",
    "reason_changes", "option_changes",
)  # fmt: skip


@dataclass(frozen=True)
class FindingsTornado(Result):
    """What each finding does to one quantity, `quantity`, whose value now is `base`.

    `table` has a row for each finding and state it could have: `kind` is `drop` (the finding as if not made), `change` (an observed
    finding in another state) or `add` (one that was not made), `probability` that of the state given the rest of the record (not for
    `drop`), `value` the quantity then and `change` the difference from now, with the first reason and option then. The finding with the
    widest swing comes first.
    """

    name: ClassVar[str] = "findings_tornado"
    title: ClassVar[str] = "Sensitivity to the patient's findings (not to the parameters)"
    how_to_read: ClassVar[str] = (
        "Each bar is a FINDING of this patient, not a parameter: it reaches from the lowest to the highest value that the quantity would "
        "have were this one finding in another state, all others as recorded. A dot is a state, larger where it is more probable given "
        "the rest; a cross is the value with the finding left out; the line is the value now. Bars of findings not made yet show what "
        "their results would bring."
    )

    quantity: Quantity
    base: float
    first_reason: str | None
    first_option: str
    table: pd.DataFrame

    @property
    def data(self) -> pd.DataFrame:
        """The numbers, a row for each finding and state."""
        return self.table

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Where the first reason or the first option changes."""
        changes = self.table["reason_changes"] | self.table["option_changes"]
        return {"changes": self.table[changes].reset_index(drop=True)}

    def _swings(self) -> pd.DataFrame:
        groups = self.table.groupby(["label", "observed"], sort=False)["value"]
        return pd.DataFrame({"low": groups.min(), "high": groups.max()}).reset_index()

    def summary(self) -> str:
        """Return which findings move the quantity most and which change the first place."""
        words = self.quantity.label()
        if self.table.empty:
            return f"{words} is {self.base:.4g}; no finding moves it."
        swings = self._swings()
        made, open_ = swings[swings["observed"]], swings[~swings["observed"]]
        parts = [f"{words} is {self.base:.4g} with the findings as recorded."]
        for table, text in ((made, "Of the findings made"), (open_, "Of those not made")):
            if len(table):
                top = table.iloc[0]
                parts.append(f"{text}, {top['label']} matters most: {top['low']:.4g} to {top['high']:.4g}.")
        for column, what in (("reason_changes", "first reason"), ("option_changes", "first option")):
            names = list(dict.fromkeys(self.table.loc[self.table[column], "label"]))
            parts.append(
                f"The {what} changes with a single finding: {', '.join(names)}." if names else f"No single finding changes the {what}."
            )
        return " ".join(parts)

    def plot(self) -> Figure:
        """Return the tornado of the findings that matter most."""
        swings = self._swings().head(SHOWN).iloc[::-1]
        figure = new_figure(1.9 + 0.27 * max(len(swings), 3))
        axes = figure.add_subplot()
        for place, (_, row) in enumerate(swings.iterrows()):
            colour = COLOURS[0] if row["observed"] else COLOURS[4]
            low, high = min(row["low"], self.base), max(row["high"], self.base)
            axes.barh(place, high - low, left=low, height=0.62, color=colour, alpha=0.35)
            mine = self.table[self.table["label"] == row["label"]]
            states, without = mine[mine["kind"] != "drop"], mine[mine["kind"] == "drop"]
            axes.scatter(states["value"], [place] * len(states), s=8 + 60 * states["probability"], color=colour, zorder=3, linewidths=0)
            axes.scatter(without["value"], [place] * len(without), marker="x", s=28, color="black", zorder=4)
        axes.margins(x=0.04)
        axes.use_sticky_edges = False
        axes.axvline(self.base, color=QUIET, linewidth=1)
        axes.set_yticks(range(len(swings)), list(swings["label"]))
        axes.set_xlabel(self.quantity.label(), fontsize=9, loc="right")
        figure.suptitle(self.title, fontsize=11)
        handles = [axes.barh(0, 0, color=COLOURS[place], alpha=0.35) for place in (0, 4)]
        axes.legend(handles, ["made", "not made yet"], fontsize=8, loc="lower right", frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        caption(figure, self.how_to_read)
        return figure


def findings_tornado(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    *,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> FindingsTornado:
    """Return what one quantity would be with each finding in each other state, left out, or added; exact, in the central network.

    One finding is changed at a time, to a whole state (a CRP of 22 mg/L becomes "5 to 10"), and the changed record is answered as the
    assessment would: what it says of the treatment target is read anew. Arguments: `patient` is a record or a prepared `Case`;
    `quantity` is written (`cause:non_adherence`, `utility:jak_inhibitor - utility:tnf_inhibitor`).

    Raises the errors of `Patient`, of `Preferences` and of the reading of a quantity.
    """
    case = case_of(patient, preferences, basis)
    wanted = read_quantity(case, quantity)
    every = subjects(case)
    sets = [(change,) for subject in every for change in subject.changes()]
    found = versions(case, [(), *sets], [wanted])
    probabilities = chances(case, sets)
    base = float(found.wanted[0, 0])
    reasons, options = [*reason_ids(), None], [*case.options, None]
    first_reason, first_option = found.first_reason, found.first_option
    rows = []
    for place, (change,) in enumerate(sets):
        row = place + 1
        value = float(found.wanted[row, 0])
        state = change.state
        rows.append(
            (
                change.subject.node,
                change.subject.label,
                change.subject.observed,
                change.kind,
                None if state is None else variables()[change.subject.variable].state_ids[state],
                None if state is None else change.subject.state_label(state),
                np.nan if state is None else float(probabilities[place]),
                value,
                value - base,
                reasons[first_reason[row]],
                options[first_option[row]],
                bool(first_reason[row] not in (-1, first_reason[0])),
                bool(first_option[row] not in (-1, first_option[0])),
            )
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    swing = table.groupby("finding")["change"].agg(lambda values: max(values.max(), 0.0) - min(values.min(), 0.0)).fillna(0.0)
    moves = table.groupby("finding")[["reason_changes", "option_changes"]].any().any(axis=1)
    kept = swing[(swing > SAYS_NOTHING) | moves]
    table["swing"] = table["finding"].map(swing)
    table = table[table["finding"].isin(kept.index)].sort_values("swing", ascending=False, kind="stable")
    table = table.drop(columns="swing").reset_index(drop=True)
    reason = reasons[first_reason[0]]
    return FindingsTornado(wanted, base, reason, str(options[first_option[0]]), table)
