"""How the choice changes with what the user weighs: acceptability curves and expected loss curves, without a new inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...data.errors import FindingError, unknown_name
from ...data.labels import label
from ...data.loading import parameters
from ...model.harms import HARMS
from ...model.outcomes import OPTIONS
from ..figures import COLOURS, caption, new_figure
from ..options import utilities
from ..preferences import PREFIX, Preferences, weight_names
from .probabilistic import Array, Psa
from .result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL_HARMS = "harms"
"""The multiplier on the losses of all harms, beside the weights of `Preferences`."""

MOST_HARMS = 3.0
POINTS = 31


@dataclass(frozen=True, eq=False)
class Weighed:
    """The utilities of the options allowed as one weight takes several values.

    Attributes:
        weight: a weight's name, or `harms`.
        values: what it was set to, rising, shape (V,).
        options: ids of the options.
        utility: shape (V, S, options).
    """

    weight: str
    values: Array
    options: tuple[str, ...]
    utility: Array

    @property
    def means(self) -> Array:
        """Expected utility, shape (V, options)."""
        return np.asarray(self.utility.mean(axis=1))

    @property
    def best(self) -> Array:
        """Share of sets in which each option is the best, shape (V, options); its columns are the acceptability curves."""
        winner = self.utility.argmax(axis=2)
        return np.stack([(winner == place).mean(axis=1) for place in range(len(self.options))], axis=1)

    @property
    def loss(self) -> Array:
        """Expected loss of each option against the best in each set, shape (V, options)."""
        return np.asarray((self.utility.max(axis=2, keepdims=True) - self.utility).mean(axis=1))

    @property
    def chosen(self) -> Array:
        """Place of the option with the highest expected utility, shape (V,)."""
        return np.asarray(self.means.argmax(axis=1))

    def turns(self) -> list[tuple[float, str, str]]:
        """Return where the choice changes: the weight's value, the option before and the one after; exact, since utilities are linear."""
        found = []
        means, chosen = self.means, self.chosen
        # The expected utility of an option is a straight line, so that two points of it say everything.
        slope = (means[-1] - means[0]) / (self.values[-1] - self.values[0])
        start, now = self.values[0], int(chosen[0])
        while now != int(chosen[-1]):
            steeper = np.flatnonzero(slope > slope[now])
            crossings = self.values[0] + (means[0, now] - means[0, steeper]) / (slope[steeper] - slope[now])
            start = max(start, float(crossings.min()))
            # Of several that cross at one place the steepest goes on.
            ties = steeper[np.isclose(crossings, crossings.min(), rtol=1e-12, atol=0)]
            after = int(ties[np.argmax(slope[ties])])
            found.append((float(start), self.options[now], self.options[after]))
            now = after
        return found


def weighed(psa: Psa, weight: str, values: Sequence[float] | None) -> Weighed:
    """Return the utilities as one weight takes several values, the others as they were in the analysis.

    Raises `UnknownNameError` for a weight that does not exist, `FindingError` for values outside 0 to 10 or fewer than two.
    """
    names = (*weight_names(), ALL_HARMS)
    if weight not in names:
        raise unknown_name("weight", weight, names)
    if values is None:
        record = None if weight == ALL_HARMS else parameters()[PREFIX + weight]
        values = list(np.linspace(*((0.0, MOST_HARMS) if record is None else (record.range_low, record.range_high)), POINTS))
    points = np.unique(np.asarray(values, dtype=np.float64))
    if len(points) < 2 or not (points[0] >= 0 and points[-1] <= 10):
        raise FindingError(f"values of {weight}: {[float(value) for value in points]}; at least two between 0 and 10 are accepted")
    if weight == ALL_HARMS:
        base = _utility(psa, dict.fromkeys(HARMS, 0.0))
        slope = psa.choices - base
    else:
        base = _utility(psa, {weight: 0.0})
        slope = _utility(psa, {weight: 1.0}) - base
    return Weighed(weight, points, psa.allowed, base + points[:, None, None] * slope)


def _utility(psa: Psa, weights: dict[str, float]) -> Array:
    """Return the utilities of the options allowed with some weights set, shape (S, options)."""
    given = psa.case.preferences
    found = utilities(psa.look, psa.values, Preferences(weights={**given.weights, **weights}, unavailable=given.unavailable))
    columns = np.broadcast_arrays(*(found[option] for option in psa.allowed))
    return np.stack(columns, axis=-1)[psa.sets]


def _frame(found: Weighed) -> pd.DataFrame:
    means, best, loss, chosen = found.means, found.best, found.loss, found.chosen
    rows = [
        (found.weight, float(value), option, means[i, j], best[i, j], loss[i, j], bool(chosen[i] == j))
        for i, value in enumerate(found.values)
        for j, option in enumerate(found.options)
    ]
    return pd.DataFrame(rows, columns=["weight", "value", "option", "mean_utility", "p_best", "expected_loss", "chosen"])


def _turning(found: Weighed) -> str:
    turns = found.turns()
    first = label("options", found.options[int(found.chosen[0])], "en")
    scale = "times the losses given" if found.weight == ALL_HARMS else "QALYs"
    between = f"{found.values[0]:.3g} and {found.values[-1]:.3g} {scale}"
    name = "all harms" if found.weight == ALL_HARMS else found.weight
    if not turns:
        return f"{first} is the choice at every weight of {name} between {between}."
    said = "; ".join(f"{label('options', after, 'en')} from {value:.3g}" for value, _, after in turns)
    return f"With the weight of {name} rising between {between}, the choice is {first} at first; {said}."


def _draw(axes: Axes, found: Weighed, curves: Array, shown: Sequence[int]) -> None:
    for place in shown:
        colour = COLOURS[OPTIONS.index(found.options[place])]
        axes.plot(found.values, curves[:, place], color=colour, label=label("options", found.options[place], "en"))
    bold = np.where(found.chosen[:, None] == np.arange(len(found.options)), curves, np.nan)
    axes.plot(
        found.values, np.nanmax(bold, axis=1), color="black", lw=4, alpha=0.25, label="the choice (highest expected utility)", zorder=1
    )
    axes.set_xlabel("multiplier on the losses of all harms" if found.weight == ALL_HARMS else f"weight of {found.weight}, QALYs")
    axes.grid(alpha=0.3)
    axes.set_ylim(bottom=0)
    for value, _, _ in found.turns():
        axes.axvline(value, ls=":", color="black", lw=1)


def _finish(figure: Figure, text: str) -> Figure:
    figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    caption(figure, text)
    return figure


@dataclass(frozen=True, eq=False)
class Acceptability(Result):
    """P(best) of every option as one weight changes (acceptability curves, CEAC), with the option chosen (frontier, CEAF)."""

    found: Weighed

    name: ClassVar[str] = "acceptability"
    title: ClassVar[str] = "Acceptability"
    how_to_read: ClassVar[str] = (
        "The share of parameter sets in which each option is the best, as one weight changes and the others keep their uncertainty. The "
        "broad band marks the option with the highest expected utility (the frontier); it need not be the one that is best most often. "
        "Dotted: where the choice changes."
    )

    @property
    def data(self) -> pd.DataFrame:
        """One row for each value of the weight and option: `p_best` is the acceptability curve, its rows with `chosen` the frontier."""
        return _frame(self.found).drop(columns="expected_loss")

    def summary(self) -> str:
        """Return the choice and where it changes."""
        return _turning(self.found)

    def plot(self) -> Figure:
        """Draw the curves of the options that are best in at least 1 % of the sets somewhere."""
        figure = new_figure(3.6)
        axes = figure.subplots()
        best = self.found.best
        _draw(axes, self.found, best, [place for place in range(best.shape[1]) if best[:, place].max() >= 0.01])
        axes.set_ylabel("share of sets in which it is best")
        axes.set_ylim(0, 1)
        return _finish(figure, self.how_to_read)


@dataclass(frozen=True, eq=False)
class ExpectedLoss(Result):
    """The expected loss of every option as one weight changes; its lower envelope is the EVPI."""

    found: Weighed

    name: ClassVar[str] = "expected_loss"
    title: ClassVar[str] = "Expected loss"
    how_to_read: ClassVar[str] = (
        "The QALYs per patient lost on average by choosing an option instead of the best one in each parameter set. The lowest curve is "
        "the option to choose, and its height is the expected value of perfect information. Dotted: where the choice changes."
    )

    @property
    def data(self) -> pd.DataFrame:
        """One row for each value of the weight and option; `expected_loss` of the rows with `chosen` is the EVPI."""
        return _frame(self.found).drop(columns="p_best")

    def summary(self) -> str:
        """Return the choice, where it changes, and where it costs most."""
        loss = self.found.loss.min(axis=1)
        most = int(loss.argmax())
        return f"{_turning(self.found)} The EVPI is largest, {loss[most]:.5f} QALYs per patient, at {self.found.values[most]:.3g}."

    def plot(self) -> Figure:
        """Draw the curves of all options."""
        figure = new_figure(3.6)
        axes = figure.subplots()
        _draw(axes, self.found, self.found.loss, range(len(self.found.options)))
        axes.set_ylabel("expected loss, QALYs per patient")
        return _finish(figure, self.how_to_read)


def acceptability(psa: Psa, weight: str = "low_disease_activity", values: Sequence[float] | None = None) -> Acceptability:
    """Return P(best) of every option as one weight of the user changes (CEAC), and the option chosen (CEAF).

    Utilities are linear in the weights, so nothing is inferred anew. At each value the weight is taken as known. After Fenwick, Claxton
    and Sculpher 2001 (doi 10.1002/hec.635); what the willingness to pay is there, the weight is here.

    Args:
        psa: the probabilistic analysis.
        weight: a weight's name (`low_disease_activity`, `mace` ...), or `harms`, one multiplier on the losses of all harms.
        values: in QALYs, or multiples for `harms`; by default the range of the weight's record, or 0 to 3.

    Raises:
        UnknownNameError: no such weight.
        FindingError: fewer than two values, or outside 0 to 10.
    """
    return Acceptability(weighed(psa, weight, values))


def expected_loss(psa: Psa, weight: str = "low_disease_activity", values: Sequence[float] | None = None) -> ExpectedLoss:
    """Return the expected loss of every option as one weight of the user changes (Alarid-Escudero 2019, doi 10.1016/j.jval.2019.02.008).

    Arguments and errors as for `acceptability`.
    """
    return ExpectedLoss(weighed(psa, weight, values))
