"""One-way sensitivity: an answer along one number of the network, exactly, and where the first place changes hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name
from ...model.draws import FITTED
from ..figures import COLOURS, QUIET, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .along import along, change_table, ratio_along, record_distances
from .case import Case, case_of
from .contest import closed_form_changes
from .covariation import PROPORTIONAL, check_scheme, pieces
from .distance import EXACT, possible_rows, rows_distance
from .quantities import Quantity
from .records import check_record, derivatives, per_deviate
from .result import Result
from .setting import Setting, setting
from .spans import spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Cell = tuple[str, Mapping[str, str], str]
"""A cell of a table: the variable, the states of its parents (those that are observed may be left out) and its own state."""

POINTS = 61

SMALLEST = 1e-12
"""Where P(findings) falls to this part of its present value they count as impossible."""

CURVE_COLUMNS = ("value", "answer", "first_place", "distance", "distance_is", "odds_factor")
FORM_COLUMNS = ("low", "high", "a", "b", "c", "d", "derivative", "asymptote_value", "asymptote_answer")


@dataclass(frozen=True, eq=False)
class OneWay(Result):
    """An answer along one number.

    Attributes:
        quantity: what is answered.
        number: the parameter record's id, or the cell as P(variable = state | parents).
        present: its present value; `answer` the answer there and `first_place` who then comes first.
        derivative: of the answer with respect to the number, at the present value (order-preserving: above it, where it can rise).
        interval: the central 95 % of the record under the basis; None for a cell.
        curve: columns value, answer, first_place, distance (of Chan and Darwiche), distance_is (exact or upper bound), odds_factor (the
            most by which any odds in the network change).
        form: where the answer is (a + b x) / (c + d x): the range of x, a, b, c, d, the derivative at the present value (NaN outside of the
            range) and the two asymptotes of the hyperbola (infinite where it is a straight line). Empty where it is no such ratio.
        changes: where the first place changes as the number rises: value, before, after, how it was found, distance, distance_is.
        scheme: co-variation of the other cells of the row; empty for a record.
    """

    name: ClassVar[str] = "one_way"
    title: ClassVar[str] = "One-way sensitivity"
    how_to_read: ClassVar[str] = (
        "The line is the answer at each value of the number, all others held; the dotted line marks the present value, and the colour "
        "behind tells which choice would come first. The bar at the foot, where there is one, is the number's 95 % interval."
    )

    quantity: Quantity
    number: str
    present: float
    answer: float
    first_place: str
    derivative: float
    interval: tuple[float, float] | None
    curve: pd.DataFrame
    form: pd.DataFrame
    changes: pd.DataFrame
    scheme: str
    names: Mapping[str, str]

    @property
    def data(self) -> pd.DataFrame:
        """The curve."""
        return self.curve

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Where the first place changes."""
        return {"changes": self.changes}

    def summary(self) -> str:
        """Return the present answer, its derivative and where the first place changes."""
        low, high = self.curve["value"].iloc[[0, -1]]
        text = (
            f"{self.quantity.label()} is {self.answer:.4g} at the present {self.number} = {self.present:.4g}; its derivative there is "
            f"{self.derivative:.4g}. Between {low:.4g} and {high:.4g} it goes from {self.curve['answer'].min():.4g} to "
            f"{self.curve['answer'].max():.4g}. "
        )
        if self.changes.empty:
            return text + f"{self.names[self.first_place]} comes first throughout."
        said = [
            f"at {row['value']:.4g} from {self.names[row['before']]} to {self.names[row['after']]}" for _, row in self.changes.iterrows()
        ]
        return text + f"The first place goes {', and '.join(said)} as it rises."

    def plot(self) -> Figure:
        """Return the curve, with who comes first behind it."""
        figure = new_figure(3.6)
        axes = figure.add_subplot()
        values, limits = self.curve["value"].to_numpy(), self.changes["value"].tolist()
        ends = [values[0], *limits, values[-1]]
        order = [self.changes["before"].iloc[0], *self.changes["after"]] if limits else [self.curve["first_place"].iloc[0]]
        colour = {one: COLOURS[i % len(COLOURS)] for i, one in enumerate(dict.fromkeys(order))}
        for place, (one, start, stop) in enumerate(zip(order, ends[:-1], ends[1:], strict=True)):
            text = self.names[one] if order.index(one) == place else None
            axes.axvspan(start, stop, color=colour[one], alpha=0.15, linewidth=0, label=text)
        axes.plot(values, self.curve["answer"], color="black")
        axes.axvline(self.present, color=QUIET, linestyle=":")
        if self.interval is not None:
            axes.plot(self.interval, [0.01, 0.01], color=QUIET, linewidth=5, solid_capstyle="butt", transform=axes.get_xaxis_transform())
        axes.set_xlim(values[0], values[-1])
        axes.set_xlabel(self.number)
        axes.set_ylabel("answer")
        axes.set_title(self.quantity.label(), fontsize=9)
        figure.legend(title="first place", loc="outside upper right", ncols=3, frameon=False, fontsize=8, title_fontsize=8)
        caption(figure, self.how_to_read)
        return figure


def one_way(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    *,
    parameter: str | None = None,
    cell: Cell | None = None,
    scheme: str = PROPORTIONAL,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> OneWay:
    """Return how an answer moves along one number of the network, all others held, exactly.

    Args:
        patient: a patient, a record or a `Case`.
        quantity: what is answered, as in `quantities.quantity`.
        parameter: a parameter record; it is varied over its own 95 % range and that under the basis, in all tables that it builds.
        cell: or one cell of one table, (variable, {parent: state}, state); it is varied over all values that the scheme allows.
        scheme: how the other cells of its row make room: `proportional`, `uniform` or `order_preserving`.
        preferences: what the user weighs.
        basis: where the parameters come from, `fitted` or `prior`.

    Raises:
        UnknownNameError: a name that does not exist.
        FindingError: not one of parameter and cell is given, or it has no bearing on the answer, or the scheme cannot vary the cell.
    """
    if (parameter is None) == (cell is None):
        raise FindingError("one_way: one of parameter and cell is wanted")
    check_scheme(scheme)
    question = setting(case_of(patient, preferences, basis), quantity)
    if parameter is not None:
        return _along_record(question, check_record(question, parameter))
    assert cell is not None
    return _along_cell(question, cell, scheme)


def _names(question: Setting) -> dict[str, str]:
    return {one: question.name_of(one) for one in question.contest.ids}


def _curve(question: Setting, values: Array, rows: Array, distances: Array, kind: str) -> pd.DataFrame:
    leaders = [question.contest.ids[place] for place in question.first(rows)]
    with np.errstate(over="ignore"):
        columns = (values, rows[0], leaders, distances, kind, np.exp(distances))
    return pd.DataFrame(dict(zip(CURVE_COLUMNS, columns, strict=True)))


def _form(low: float, high: float, a: float, b: float, c: float, d: float, present: float) -> tuple[float, ...]:
    inside = low <= present <= high
    slope = (b * c - a * d) / (c + d * present) ** 2 if inside else np.nan
    return (low, high, a, b, c, d, slope, -c / d if d else -np.inf, b / d if d else np.inf)


def _along_record(question: Setting, record: str) -> OneWay:
    span = spans(question.case.basis)[record]
    deviates = np.unique([*np.linspace(span.least, span.most, POINTS), span.centre])
    values = span.natural(deviates)
    rows, found = along(question, [span], deviates[None, :])
    present = float(question.centre[record][0])
    distances, kind = record_distances(question, record, [*values.tolist(), *(one.value for one in found[0])])
    ratio = ratio_along(question, record, values)
    forms = []
    if ratio is not None:
        forms.append(_form(float(values[0]), float(values[-1]), ratio.a[0], ratio.b[0], ratio.c, ratio.d, present))
    base = question.base
    low, high = span.natural(np.array([span.low, span.high])).tolist()
    return OneWay(
        quantity=question.wanted,
        number=record,
        present=present,
        answer=float(base[0]),
        first_place=question.contest.ids[int(question.first(base))],
        derivative=float(derivatives(question, [record])[0, 0]) / per_deviate(record, present),
        interval=(low, high),
        curve=_curve(question, values, rows[:, 0], distances[: len(values)], kind),
        form=pd.DataFrame(forms, columns=list(FORM_COLUMNS), dtype=float),
        changes=change_table(found[0], distances[len(values) :], kind),
        scheme="",
        names=_names(question),
    )


def located(question: Setting, cell: Cell) -> tuple[int, ...]:
    """Return the place of a cell in its table.

    Raises `UnknownNameError` for a name that does not exist, `FindingError` for a cell that has no bearing or a parent left open.
    """
    variable, given, state = cell
    model, fixed = question.model, {**question.known.hard, **question.known.do}
    own = model.position(variable, state)
    for parent in given:
        if parent not in model.parents[variable]:
            raise unknown_name("parent", parent, model.parents[variable], where=f"cell of {variable}")
    if variable not in question.linear.cells:
        raise FindingError(f"cell of {variable}: the table has no bearing on {question.wanted.text} in this patient")
    index = []
    for parent in model.parents[variable]:
        if parent not in given and parent not in fixed:
            raise FindingError(f"cell of {variable}: the state of {parent} is wanted; accepted: {', '.join(model.states[parent])}")
        position = model.position(parent, given[parent]) if parent in given else fixed[parent]
        if parent in fixed and position != fixed[parent]:
            known = model.states[parent][fixed[parent]]
            raise FindingError(f"cell of {variable}: {parent} is {known} in this patient; with {given[parent]!r} the cell has no bearing")
        index.append(position)
    return (*index, own)


def words_of(question: Setting, variable: str, index: tuple[int, ...]) -> tuple[str, str]:
    """Return the states of a cell's parents, as `parent=state, ..`, and its own state."""
    model = question.model
    given = [f"{p}={model.states[p][s]}" for p, s in zip(model.parents[variable], index[:-1], strict=True)]
    return ", ".join(given), model.states[variable][index[-1]]


def _along_cell(question: Setting, cell: Cell, scheme: str) -> OneWay:
    variable, index = cell[0], located(question, cell)
    row_index, state = index[:-1], index[-1]
    curves, contest = question.curves, question.contest
    row = question.model.tables[variable][(0, *row_index)]
    of_row: tuple[Any, ...] = (slice(None), *row_index)
    above = curves.cells[variable][of_row]
    below = curves.evidence[variable][row_index]
    present = float(row[state])
    forms, changes, lines = [], [], []
    before: int | None = None
    for part in pieces(row, state, scheme):
        a, b = curves.means + above @ (part.start - row), above @ part.slope
        c, d = float(1.0 + below @ (part.start - row)), float(below @ part.slope)
        forms.append(_form(part.low, part.high, float(a[0]), float(b[0]), c, d, present))
        found = closed_form_changes(contest, a[1:], b[1:], c, d, part.low, part.high, before)
        changes += [(one, part.row(one.value)) for one in found]
        values = np.unique([*np.linspace(part.low, part.high, POINTS), *([present] if part.low <= present <= part.high else [])])
        # At the ends of the range the findings may be impossible.
        values = values[c + d * values > SMALLEST]
        rows = (a[:, None] + b[:, None] * values) / (c + d * values)
        before = int(question.first(rows[:, -1]))
        lines.append((values, rows, part.start + values[:, None] * part.slope))
    met = bool(possible_rows(question.model, variable)[row_index])
    values, rows = np.concatenate([one for one, _, _ in lines]), np.concatenate([one for _, one, _ in lines], axis=1)
    far = rows_distance(row, np.concatenate([one for _, _, one in lines])) if met else np.zeros(len(values))
    single = np.unique(values, return_index=True)[1]
    far_changes = np.array([float(rows_distance(row, new)) for _, new in changes])
    given, own = words_of(question, variable, index)
    form = pd.DataFrame(forms, columns=list(FORM_COLUMNS), dtype=float)
    return OneWay(
        quantity=question.wanted,
        number=f"P({variable}={own}{' | ' + given if given else ''})",
        present=present,
        answer=float(question.base[0]),
        first_place=contest.ids[int(question.first(question.base))],
        derivative=float(form["derivative"].dropna().iloc[-1]),
        interval=None,
        curve=_curve(question, values[single], rows[:, single], far[single], EXACT),
        form=form,
        changes=change_table([one for one, _ in changes], far_changes, EXACT),
        scheme=scheme,
        names=_names(question),
    )
