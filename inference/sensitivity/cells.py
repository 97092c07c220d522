"""Every table cell at once: how each moves the answer, and the smallest change of one cell that changes the first place."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...model.draws import FITTED
from ..figures import COLOURS, caption, new_figure
from ..patient import Patient
from ..preferences import Preferences
from .case import Case, case_of
from .contest import Contest
from .one_way_curve import words_of
from .quantities import Quantity
from .result import Result
from .setting import Setting, setting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

COLUMNS = (
    "variable", "given", "state", "value", "derivative", "per_log_odds", "change_below", "first_below", "change_above", "first_above",
    "smallest_change", "first_place_then", "log_odds_change", "a", "b", "c", "d",
)  # fmt: skip

NO_EFFECT = 1e-14
"""Derivatives up to this are rounding errors."""

AT_ONCE = 4000
SHOWN = 12


@dataclass(frozen=True, eq=False)
class AllCells(Result):
    """What each table cell does to an answer, the other states of its row keeping their proportions.

    Attributes:
        cells: a row for each cell that moves the answer or a contender, the strongest first, of a two-state variable the second state's
            alone: `variable`, `given` (states of its parents), `state`, `value`; `derivative` of the answer; `per_log_odds`, the derivative
            with respect to the cell's log odds; `change_below` and `change_above`, the nearest values at which the first place changes, and
            who then comes first (empty where it does not); `smallest_change`, the one of the two that is nearer in log odds, and
            `log_odds_change`, how far that is, which also is the distance of Chan and Darwiche; the answer as (a + b x) / (c + d x).
        certain: cells that bear on the answer but are 0 or 1; no finite change of odds moves them, and they are left out.
    """

    name: ClassVar[str] = "all_cells"
    title: ClassVar[str] = "Sensitivity to every table cell"
    how_to_read: ClassVar[str] = (
        "Each bar is one cell of one table: the slope of the answer at the present value for each unit of the cell's log odds, the rest of "
        "its row keeping its proportions (a hundredth of it is what 1 % higher odds do). Longest first."
    )

    quantity: Quantity
    first_place: str
    cells: pd.DataFrame
    certain: int
    names: Mapping[str, str]

    @property
    def data(self) -> pd.DataFrame:
        """The cells."""
        return self.cells

    @property
    def changes(self) -> pd.DataFrame:
        """The cells that can change the first place alone, the smallest change of log odds first."""
        found = self.cells[self.cells["first_place_then"] != ""]
        return found.sort_values("log_odds_change", kind="stable").reset_index(drop=True)

    @property
    def beside(self) -> Mapping[str, pd.DataFrame]:
        """Where the first place changes."""
        return {"changes": self.changes}

    def summary(self) -> str:
        """Return the strongest cell and the smallest change that changes the first place."""
        text = f"{len(self.cells)} cells move {self.quantity.label()} or who comes first, now {self.names[self.first_place]}. "
        if len(self.cells):
            top = self.cells.iloc[0]
            text += f"The strongest is {_words(top)} = {top['value']:.4g}: {top['per_log_odds']:.3g} for each unit of its log odds. "
        if self.changes.empty:
            return text + "None of them can change the first place alone."
        least = self.changes.iloc[0]
        return text + (
            f"{len(self.changes)} can change the first place alone; the smallest change of odds is that of {_words(least)} from "
            f"{least['value']:.4g} to {least['smallest_change']:.4g}, with which {self.names[least['first_place_then']]} comes first."
        )

    def plot(self) -> Figure:
        """Return the strongest cells as bars."""
        top = self.cells.head(SHOWN).iloc[::-1]
        figure = new_figure(0.42 * max(len(top), 3) + 1.2)
        axes = figure.add_subplot()
        colours = [COLOURS[0] if value > 0 else COLOURS[1] for value in top["per_log_odds"]]
        axes.barh(range(len(top)), top["per_log_odds"], color=colours)
        axes.set_yticks(range(len(top)), [_wrapped(row) for _, row in top.iterrows()], fontsize=6)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.locator_params(axis="x", nbins=6)
        axes.set_xlabel("change for each unit of the cell's log odds", fontsize=8)
        figure.suptitle(self.quantity.label(), fontsize=9)
        caption(figure, self.how_to_read)
        return figure


def _words(row: pd.Series[Any]) -> str:
    return f"P({row['variable']}={row['state']}{' | ' + row['given'] if row['given'] else ''})"


def _wrapped(row: pd.Series[Any]) -> str:
    return "\n".join(textwrap.wrap(f"{row['variable']}={row['state']}{' | ' + row['given'] if row['given'] else ''}", 64, max_lines=3))


def all_cells(
    patient: Patient | Mapping[str, Any] | Case,
    quantity: str | Quantity,
    *,
    preferences: Preferences | None = None,
    basis: str = FITTED,
) -> AllCells:
    """Return how every cell of every table moves an answer, from one pass back for each target.

    Co-variation is proportional. Arguments and errors are those of `one_way`.
    """
    question = setting(case_of(patient, preferences, basis), quantity)
    base = int(question.first(question.base))
    found, certain = _collect(question)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    if found:
        a, b, c, d, x = (np.concatenate([part[k] for part in found], axis=-1) for k in range(1, 6))
        for name, index in ((name, tuple(one)) for name, *_, places in found for one in places.tolist()):
            given, own = words_of(question, name, index)
            for column, value in zip(COLUMNS[:3], (name, given, own), strict=True):
                columns[column].append(value)
        slope = b[0] - question.base[0] * d
        below, first_below, above, first_above = nearest_changes(question.contest, a[1:], b[1:], c, d, x, base)
        steps = [np.abs(_log_odds(side) - _log_odds(x)) for side in (below, above)]
        nearer = np.where(np.nan_to_num(steps[0], nan=np.inf) <= np.nan_to_num(steps[1], nan=np.inf), 0, 1)
        ids = np.array([*question.contest.ids, ""])
        numbers: dict[str, Any] = {
            "value": x,
            "derivative": slope,
            "per_log_odds": slope * x * (1 - x),
            "change_below": below,
            "first_below": ids[first_below],
            "change_above": above,
            "first_above": ids[first_above],
            "smallest_change": np.where(nearer == 0, below, above),
            "first_place_then": ids[np.where(nearer == 0, first_below, first_above)],
            "log_odds_change": np.where(nearer == 0, *steps),
            "a": a[0],
            "b": b[0],
            "c": c,
            "d": d,
        }
        columns.update(numbers)
    frame = pd.DataFrame(columns)
    order = np.argsort(-np.abs(frame["per_log_odds"].to_numpy(dtype=float)), kind="stable")
    names = {one: question.name_of(one) for one in question.contest.ids}
    return AllCells(question.wanted, question.contest.ids[base], frame.iloc[order].reset_index(drop=True), certain, names)


def _collect(question: Setting) -> tuple[list[tuple[Any, ...]], int]:
    """Return for each table the cells that move a row (its name, a, b, c, d, the values, the cells' places), and how many are certain."""
    curves = question.curves
    means = curves.means[:, None, None]
    found: list[tuple[Any, ...]] = []
    certain = 0
    for name, table in curves.cells.items():
        shape = question.model.tables[name].shape[1:]
        row = question.model.tables[name].reshape(-1, shape[-1])
        above, below = table.reshape(len(means), *row.shape), curves.evidence[name].reshape(row.shape)
        b, d = proportional_slopes(row, above), proportional_slopes(row, below)
        inside = (row > 0) & (row < 1)
        if shape[-1] == 2:
            inside[:, 0] = False
        free = (np.abs(above - means * below) * row).max(axis=(0, 2))[:, None] > NO_EFFECT
        certain += int((free & ((row == 0) | (row == 1))).sum())
        moves = inside & (np.abs(b - means * d).max(axis=0) > NO_EFFECT)
        x, slope, lower = row[moves], b[:, moves], d[moves]
        start = curves.means[:, None] - slope * x
        places = np.argwhere(moves.reshape(shape))
        found.append((name, start, slope, 1.0 - lower * x, lower, x, places))
    return [part for part in found if part[5].size], certain


def proportional_slopes(rows: Array, cells: Array) -> Array:
    """Return the change of sum(cells * rows) for each unit of each cell, the others of its row keeping their proportions.

    `rows` has the shape (rows, states), `cells` (.., rows, states), as the result; NaN where the cell is 1.
    """
    part = cells * rows
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(cells - (part.sum(axis=-1, keepdims=True) - part) / np.where(rows < 1, 1 - rows, np.nan))


def _log_odds(value: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(value) - np.log1p(-value))


def nearest_changes(
    contest: Contest, a: Array, b: Array, c: Array, d: Array, x: Array, base: int
) -> tuple[Array, NDArray[np.intp], Array, NDArray[np.intp]]:
    """Return the nearest values below and above `x` at which the first place is lost, and to whom; NaN and -1 where it is kept.

    Arguments are those of `Contest.intervals`, the present values, shape (n,), and who comes first there. The range is 0 to 1.
    """
    found: list[tuple[Array, ...]] = []
    for start in range(0, len(x), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        here = x[part]
        limits, who = contest.intervals(a[:, part], b[:, part], c[part], d[part], np.zeros(len(here)), np.ones(len(here)))
        other = (who >= 0) & (who != base)
        up = other & (limits[1:] > here)
        down = other & (limits[:-1] < here)
        each = np.arange(len(here))
        above, below = up.argmax(axis=0), len(down) - 1 - down[::-1].argmax(axis=0)
        found.append(
            (
                np.where(down.any(axis=0), np.minimum(limits[below + 1, each], here), np.nan),
                np.where(down.any(axis=0), who[below, each], -1),
                np.where(up.any(axis=0), np.maximum(limits[above, each], here), np.nan),
                np.where(up.any(axis=0), who[above, each], -1),
            )
        )
    below, first_below, above, first_above = (np.concatenate([part[k] for part in found]) for k in range(4))
    return below, first_below, above, first_above
