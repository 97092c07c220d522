"""Every parameter record at once: derivatives by the chain rule, and the tornado over their 95 % ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ...data.loading import parameters
from ...model.draws import FITTED
from ..figures import COLOURS, QUIET, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .along import along, record_distances
from .case import Case, case_of
from .contest import Change
from .quantities import Quantity
from .records import bearing, derivatives, deviate_of, per_deviate
from .result import Result
from .setting import setting
from .spans import Span, spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 5
"""Values of a record looked at from its centre to either end, both included."""

SHOWN = 15

PARAMETER_COLUMNS = ("parameter", "node", "status", "value", "derivative", "spread", "per_sd", "share")
TORNADO_COLUMNS = (
    "parameter", "node", "status", "value", "low", "high", "answer_low", "answer", "answer_high", "swing", "first_low", "first_place",
    "first_high", "distance_low", "distance_high", "distance_is",
)  # fmt: skip
CHANGE_COLUMNS = ("parameter", "value", "present", "before", "after", "sd_away", "how", "distance", "distance_is")


@dataclass(frozen=True, eq=False)
class AllParameters(Result):
    """What each parameter record does to an answer, to first order.

    Attributes:
        records: a row for each record that bears on the answer, the strongest first: `value`; `derivative` of the answer for each unit of
            the record; `spread`, its standard deviation under the basis in those of its own distribution; `per_sd`, the derivative for each
            standard deviation under the basis; `share`, that squared over the sum of all (the part of the answer's variance to first order,
            were all records independent).
        without: how many records have no bearing.
    """

    name: ClassVar[str] = "all_parameters"
    title: ClassVar[str] = "Sensitivity to every parameter record"
    how_to_read: ClassVar[str] = (
        "Each bar is one record: the slope of the answer at the present value, for each standard deviation of the record. Longest first."
    )

    quantity: Quantity
    answer: float
    records: pd.DataFrame
    without: int

    @property
    def data(self) -> pd.DataFrame:
        """The records."""
        return self.records

    def summary(self) -> str:
        """Return the strongest records."""
        top = [f"{row.parameter} ({row.per_sd:+.3g})" for row in self.records.head(3).itertuples()]
        return (
            f"{self.quantity.label()} is {self.answer:.4g}. Of the {len(self.records)} records that bear on it or on who comes first, "
            f"these move it most for each standard deviation: {', '.join(top)}. The other {self.without} have no bearing."
        )

    def plot(self) -> Figure:
        """Return the strongest records as bars."""
        top = self.records.head(SHOWN).iloc[::-1]
        figure = new_figure(0.24 * max(len(top), 4) + 1.2)
        axes = figure.add_subplot()
        axes.barh(top["parameter"], top["per_sd"], color=[COLOURS[0] if value > 0 else COLOURS[1] for value in top["per_sd"]])
        axes.tick_params(axis="y", labelsize=7)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.locator_params(axis="x", nbins=6)
        axes.set_xlabel("change for each standard deviation of the record", fontsize=8)
        figure.suptitle(self.quantity.label(), fontsize=9)
        caption(figure, self.how_to_read)
        return figure


@dataclass(frozen=True, eq=False)
class ParameterTornado(Result):
    """An answer at both ends of every parameter record's 95 % range, all others held at their centres.

    Attributes:
        records: a row for each record that bears on the answer or on who comes first, the longest bar first.
        changes: where the first place changes inside the range: `value`, the `present` value, who comes first `before` and `after` it as
            the record rises, `sd_away` from the present value, `how` it was found, and the distance of Chan and Darwiche to that network.
    """

    name: ClassVar[str] = "parameter_tornado"
    title: ClassVar[str] = "Tornado of the parameter records"
    how_to_read: ClassVar[str] = (
        "Each bar is the range of the answer when one record goes through its 95 % range, all others held: orange where the record is low, "
        "blue where it is high. The line is the present answer; a diamond marks records that change the first place inside that range."
    )

    quantity: Quantity
    answer: float
    first_place: str
    records: pd.DataFrame
    changes: pd.DataFrame
    names: Mapping[str, str]

    @property
    def data(self) -> pd.DataFrame:
        """The records."""
        return self.records

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Where the first place changes."""
        return {"changes": self.changes}

    def summary(self) -> str:
        """Return the longest bars and which records change the first place."""
        top = [f"{row.parameter} ({row.answer_low:.4g} to {row.answer_high:.4g})" for row in self.records.head(3).itertuples()]
        text = f"{self.quantity.label()} is {self.answer:.4g}. The longest bars: {', '.join(top)}. "
        changing = self.changes.drop_duplicates("parameter")
        if changing.empty:
            return text + f"No record changes the first place of {self.names[self.first_place]} inside its 95 % range."
        one = changing.iloc[0]
        return text + (
            f"{len(changing)} records change the first place inside their 95 % range; the nearest is {one['parameter']} at "
            f"{one['value']:.4g} (now {one['present']:.4g}), between {self.names[one['before']]} below and "
            f"{self.names[one['after']]} above."
        )

    def plot(self) -> Figure:
        """Return the tornado."""
        top = self.records.head(SHOWN).iloc[::-1].reset_index(drop=True)
        figure = new_figure(0.26 * max(len(top), 4) + 1.4)
        axes = figure.add_subplot()
        for ends, colour, text in (("answer_low", COLOURS[1], "record low"), ("answer_high", COLOURS[0], "record high")):
            axes.barh(top.index, top[ends] - self.answer, left=self.answer, color=colour, label=text)
        marked = top["parameter"].isin(self.changes["parameter"])
        if marked.any():
            axes.scatter(
                [self.answer] * int(marked.sum()),
                top.index[marked],
                marker="D",
                s=18,
                color="black",
                zorder=3,
                label="changes the first place",
            )
        axes.axvline(self.answer, color=QUIET, linewidth=0.8)
        axes.set_yticks(top.index, top["parameter"], fontsize=7)
        axes.locator_params(axis="x", nbins=6)
        figure.suptitle(self.quantity.label(), fontsize=9)
        axes.legend(loc="lower right", frameon=False, fontsize=8)
        caption(figure, self.how_to_read)
        return figure


def all_parameters(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    *,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> AllParameters:
    """Return how every parameter record moves an answer, from one pass back for each target and the chain rule.

    Arguments and errors are those of `one_way`.
    """
    question = setting(case_of(patient, preferences, basis), quantity)
    names = bearing(question)
    slopes = derivatives(question, names)[0]
    rows = []
    for name, slope in zip(names, slopes, strict=True):
        record, value, spread = parameters()[name], float(question.centre[name][0]), spans(question.case.basis)[name].spread
        rows.append((name, record.node, record.status, value, slope / per_deviate(name, value), spread, slope * spread))
    frame = pd.DataFrame(rows, columns=list(PARAMETER_COLUMNS[:-1]))
    squares = frame["per_sd"] ** 2
    frame["share"] = squares / squares.sum() if squares.sum() > 0 else 0.0
    order = np.argsort(-np.abs(frame["per_sd"].to_numpy(dtype=float)), kind="stable")
    return AllParameters(question.wanted, float(question.base[0]), frame.iloc[order].reset_index(drop=True), len(parameters()) - len(names))


def parameter_tornado(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    *,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> ParameterTornado:
    """Return an answer at both ends of every record's 95 % range under the basis, and where the first place changes inside of it.

    Exact at every value looked at. Two changes of the first place between neighbouring ones of the nine values that give it back go unseen.
    Arguments and errors are those of `one_way`.
    """
    question = setting(case_of(patient, preferences, basis), quantity)
    reach = [spans(question.case.basis)[name] for name in bearing(question)]
    sides = [(np.linspace(one.low, one.centre, SIDE)[:-1], np.linspace(one.centre, one.high, SIDE)) for one in reach]
    found, changes = along(question, reach, np.stack([np.concatenate(both) for both in sides]))
    base, ids = question.base, question.contest.ids
    leader = ids[int(question.first(base))]
    places = question.first(found)
    rows, changed = [], []
    for k, span in enumerate(reach):
        record = parameters()[span.record]
        low, high = span.natural(np.array([span.low, span.high])).tolist()
        present = float(question.centre[span.record][0])
        far, kind = record_distances(question, span.record, [low, high, *(one.value for one in changes[k])])
        ends = found[0, k, [0, -1]]
        rows.append(
            (
                *(span.record, record.node, record.status, present, low, high, ends[0], base[0], ends[1], float(np.ptp(found[0, k]))),
                *(ids[places[k, 0]], leader, ids[places[k, -1]], far[0], far[1], kind),
            )
        )
        changed += _changes(span, present, changes[k], far[2:].tolist(), kind)
    frame = pd.DataFrame(rows, columns=list(TORNADO_COLUMNS))
    frame = frame.sort_values(["swing", "parameter"], ascending=[False, True], kind="stable").reset_index(drop=True)
    nearest = pd.DataFrame(changed, columns=list(CHANGE_COLUMNS)).sort_values("sd_away", kind="stable").reset_index(drop=True)
    return ParameterTornado(question.wanted, float(base[0]), leader, frame, nearest, {one: question.name_of(one) for one in ids})


def _changes(span: Span, present: float, changes: Sequence[Change], distances: Sequence[float], kind: str) -> list[tuple[Any, ...]]:
    away = [abs(float(deviate_of(span.record, np.array(one.value))) - span.centre) / span.spread for one in changes]
    return [
        (span.record, one.value, present, one.before, one.after, far, one.how, distance, kind)
        for one, far, distance in zip(changes, away, distances, strict=True)
    ]
