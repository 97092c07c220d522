"""Two-way sensitivity: a map over two records, with who comes first in each region and where that changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.errors import FindingError
from ...model.draws import FITTED
from ..figures import COLOURS, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .contest import Bracket, narrowed
from .distance import EXACT, distance
from .quantities import Quantity
from .records import check_record
from .result import Result
from .setting import Change, Setting, setting
from .spans import Span, spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""Width to which a change of the first place is narrowed down, as a part of the varied record's range."""

LEAST_GRID, MOST_GRID = 3, 101


@dataclass(frozen=True, eq=False)
class TwoWay(Result):
    """An answer over two records.

    Attributes:
        quantity: what is answered.
        records: the two records, and `present` their present values.
        grid: a row for each pair of values: the two records by their ids, the answer and first_place.
        changes: for each value of one record on the grid the values of the other, named in `rising`, at which the first place changes as it
            rises, with who comes first before and after, and the distance of Chan and Darwiche from the present network.
    """

    name: ClassVar[str] = "two_way"
    title: ClassVar[str] = "Two-way sensitivity"
    how_to_read: ClassVar[str] = (
        "Colours tell who comes first at each pair of values, all other numbers held; the dots mark where that changes, the grey lines "
        "join pairs with the same answer, and the cross is the present pair."
    )

    quantity: Quantity
    records: tuple[str, str]
    present: tuple[float, float]
    first_place: str
    grid: pd.DataFrame
    changes: pd.DataFrame
    names: Mapping[str, str]

    @property
    def data(self) -> pd.DataFrame:
        """The grid."""
        return self.grid

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Where the first place changes."""
        return {"changes": self.changes}

    def summary(self) -> str:
        """Return the range of the answer and who comes first where."""
        shares = self.grid["first_place"].value_counts(normalize=True, sort=True)
        parts = [f"{self.names[str(name)]} in {100 * share:.0f} %" for name, share in shares.items()]
        return (
            f"Over {self.records[0]} and {self.records[1]}, {self.quantity.label()} goes from "
            f"{self.grid['answer'].min():.4g} to {self.grid['answer'].max():.4g}. First place at the points of the map: "
            f"{', '.join(parts)}; now {self.names[self.first_place]}."
        )

    def plot(self) -> Figure:
        """Return the map."""
        from matplotlib.colors import ListedColormap
        from matplotlib.patches import Patch

        figure = new_figure(4.4)
        axes = figure.add_subplot()
        one, two = self.records
        table = self.grid.pivot(index=two, columns=one, values="answer")
        x, y = table.columns.to_numpy(dtype=float), table.index.to_numpy(dtype=float)
        shown = list(dict.fromkeys(self.grid["first_place"]))
        number = self.grid.assign(number=self.grid["first_place"].map(shown.index)).pivot(index=two, columns=one, values="number")
        colours = [COLOURS[i % len(COLOURS)] for i in range(len(shown))]
        axes.pcolormesh(
            x, y, number.to_numpy(), cmap=ListedColormap(colours), vmin=-0.5, vmax=len(shown) - 0.5, alpha=0.25, shading="nearest"
        )
        lines = axes.contour(x, y, table.to_numpy(dtype=float), levels=6, colors="#777777", linewidths=0.7)
        axes.clabel(lines, fontsize=6)
        if len(self.changes):
            axes.plot(self.changes[one], self.changes[two], ".", color="black", markersize=3)
        axes.plot(*self.present, marker="+", color="black", markersize=11, markeredgewidth=2, linestyle="none")
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(y[0], y[-1])
        axes.set_xlabel(one)
        axes.set_ylabel(two)
        axes.set_title(self.quantity.label(), fontsize=9)
        patches = [Patch(color=colour, alpha=0.25, label=self.names[name]) for name, colour in zip(shown, colours, strict=True)]
        figure.legend(handles=patches, title="first place", loc="outside upper right", ncols=3, frameon=False, fontsize=8, title_fontsize=8)
        caption(figure, self.how_to_read)
        return figure


def two_way(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    first: str,
    second: str,
    *,
    grid: int = 25,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> TwoWay:
    """Return a map of an answer over the 95 % ranges of two records, exact at every point.

    Args:
        patient: as in `one_way`.
        quantity: as in `one_way`.
        first: a parameter record, which is varied in all tables that it builds.
        second: another one.
        grid: number of values of each record, evenly spaced on the scale of its distribution, 3 to 101.
        preferences: as in `one_way`.
        basis: as in `one_way`.

    Raises:
        UnknownNameError: a name that does not exist.
        FindingError: twice the same record, one without bearing, or a grid out of range.
    """
    if first == second:
        raise FindingError(f"two_way: {first!r} is given twice; two different records are wanted")
    if not LEAST_GRID <= grid <= MOST_GRID:
        raise FindingError(f"two_way, grid: {grid}; {LEAST_GRID} to {MOST_GRID} values are accepted")
    question = setting(case_of(patient, preferences, basis), quantity)
    one, two = (spans(question.case.basis)[check_record(question, name)] for name in (first, second))
    x = one.natural(np.linspace(one.least, one.most, grid))
    y = two.natural(np.linspace(two.least, two.most, grid))
    pairs: list[Change] = [{first: float(left), second: float(right)} for left in x for right in y]
    rows = question.answers(pairs)
    places = question.first(rows).reshape(grid, grid)
    ids = question.contest.ids
    frame = pd.DataFrame(
        {
            first: np.repeat(x, grid),
            second: np.tile(y, grid),
            "answer": rows[0],
            "first_place": [ids[place] for place in places.ravel()],
        }
    )
    changes = pd.concat([_changes(question, (one, two), places), _changes(question, (two, one), places.T)], ignore_index=True)
    present = (float(question.centre[first][0]), float(question.centre[second][0]))
    names = {name: question.name_of(name) for name in ids}
    return TwoWay(question.wanted, (first, second), present, ids[int(question.first(question.base))], frame, changes, names)


def _changes(question: Setting, reach: tuple[Span, Span], places: NDArray[np.intp]) -> pd.DataFrame:
    """Return where the first place changes as the second of two records rises, at each value of the first; `places` is who leads there."""
    held, varied = reach
    ids, records = question.contest.ids, sorted((held.record, varied.record))
    grid = len(places)
    fixed = held.natural(np.linspace(held.least, held.most, grid))
    deviates = np.linspace(varied.least, varied.most, grid)
    brackets = [
        Bracket(k, *deviates[step : step + 2].tolist(), *places[k, step : step + 2].tolist())
        for k in range(grid)
        for step in np.flatnonzero(np.diff(places[k]))
    ]

    def pairs(keys: Iterable[int], at: Array) -> list[Change]:
        return [{held.record: float(fixed[key]), varied.record: float(value)} for key, value in zip(keys, varied.natural(at), strict=True)]

    def leader(keys: NDArray[np.intp], at: Array) -> NDArray[np.intp]:
        return question.first(question.answers(pairs(keys, at)))

    found = [one for part in narrowed(leader, brackets, float(np.ptp(deviates)), TOLERANCE) for one in part]
    where = pairs([one.key for one in found], np.array([(one.low + one.high) / 2 for one in found]))
    tables = [name for name in question.model.states if not set(records).isdisjoint(question.model.parameters[name])]
    far, kind = np.zeros(len(found)), EXACT
    if tables and found:
        far, kind = distance(question.model, {name: question.tables(name, where) for name in tables})
    rows = [
        (pair[records[0]], pair[records[1]], varied.record, ids[one.before], ids[one.after], d, kind)
        for pair, one, d in zip(where, found, far, strict=True)
    ]
    return pd.DataFrame(rows, columns=[*records, "rising", "before", "after", "distance", "distance_is"])
