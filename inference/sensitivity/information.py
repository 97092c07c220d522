"""Expected value of perfect information, on everything and on groups of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...data.labels import label
from ..figures import COLOURS, QUIET, caption, new_figure
from .groups import groups_of
from .probabilistic import Psa
from .regression import Gain, gain, standard_error
from .result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SHOWN = 20
PER_PATIENT = "QALYs per patient like this one"
ROUNDING = 1e-12
"""Values up to this are rounding errors; there is nothing to take a share of."""


NOTHING = "The same option is the best in every parameter set: nothing that could be learned about the parameters would change the choice."


def share(value: float, whole: float) -> float:
    """Return value / whole, NaN where the whole is nothing."""
    return value / whole if whole > ROUNDING else np.nan


@dataclass(frozen=True, eq=False)
class Evpi(Result):
    """The expected value of perfect information: what knowing every parameter before the choice would be worth."""

    psa: Psa
    value: float
    error: float

    name: ClassVar[str] = "evpi"
    title: ClassVar[str] = "Expected value of perfect information"
    how_to_read: ClassVar[str] = (
        "The estimate after the first 20, 21, ... parameter sets, with 95 % of its Monte Carlo error. Where the line has settled there are "
        "enough sets. No study of the parameters can be worth more per patient than this."
    )

    @property
    def data(self) -> pd.DataFrame:
        """One row: the value with its standard error in QALYs per patient, the option chosen now, how often another one is best.

        `effective_sets`: as how many independent sets they count in the errors.
        """
        choices = self.psa.choices
        first = self.psa.allowed.index(self.psa.first)
        other = float(np.mean(np.argmax(choices, axis=1) != first))
        columns = ["evpi", "standard_error", "chosen", "p_another_best", "sets", "effective_sets"]
        return pd.DataFrame([(self.value, self.error, self.psa.first, other, len(choices), self.psa.effective)], columns=columns)

    def summary(self) -> str:
        """Return the value in words."""
        if self.value <= ROUNDING:
            return NOTHING
        row = self.data.iloc[0]
        return (
            f"Knowing every parameter before the choice would be worth {self.value:.5f} {PER_PATIENT} (standard error {self.error:.5f}): "
            f"in {row['p_another_best']:.0%} of the sets another option than {label('options', self.psa.first, 'en')} is the best."
        )

    def plot(self) -> Figure:
        """Draw the estimate as parameter sets are added."""
        choices = self.psa.choices
        counts = np.arange(20, len(choices) + 1)
        best = np.cumsum(choices.max(axis=1))[19:] / counts
        value = best - np.cumsum(choices, axis=0)[19:].max(axis=1) / counts
        won = choices.max(axis=1) - choices[:, self.psa.allowed.index(self.psa.first)]
        mean = np.cumsum(won)[19:] / counts
        error = 1.96 * np.sqrt(np.maximum(np.cumsum(won**2)[19:] / counts - mean**2, 0) * self.psa.inflation / counts)
        figure = new_figure(3.2)
        axes = figure.subplots()
        axes.fill_between(counts, np.maximum(value - error, 0), value + error, color=COLOURS[0], alpha=0.2, lw=0)
        axes.plot(counts, value, color=COLOURS[0])
        axes.set_xlabel("parameter sets")
        axes.set_ylabel("EVPI, QALYs per patient")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        caption(figure, self.how_to_read)
        return figure


def evpi(psa: Psa) -> Evpi:
    """Return the expected value of perfect information: the mean of the best utility less the best mean utility.

    Among the options allowed (`Psa.allowed`). The same sets serve both means (Raiffa and Schlaifer 1961; for its estimate from draws
    see Claxton 1999, doi 10.1016/S0167-6296(98)00039-3).
    """
    return Evpi(psa, float(gain(psa.choices)), standard_error(psa.choices, psa.choices, psa.inflation))


@dataclass(frozen=True, eq=False)
class Evppi(Result):
    """The expected value of perfect information on groups of parameters."""

    groups: Mapping[str, tuple[str, ...]]
    gains: Mapping[str, Gain]
    whole: float

    name: ClassVar[str] = "evppi"
    title: ClassVar[str] = "Expected value of partial perfect information"
    how_to_read: ClassVar[str] = (
        "What knowing a group of parameters exactly would be worth before the choice (bar; line: 95 % of its Monte Carlo error). The black "
        "mark is the most that the same regression finds when the parameters are shuffled; grey bars do not exceed it, or not their error, "
        "and are not distinguishable from 0. Groups do not add up: parameters can be worth more, or less, together than one by one."
    )

    @property
    def data(self) -> pd.DataFrame:
        """One row a group, the most valuable first: value and standard error in QALYs per patient, share of EVPI, floor of the noise."""
        rows = [
            (
                name, len(self.groups[name]), found.value, found.error, share(found.value, self.whole),
                found.floor, found.distinguishable,
            )
            for name, found in self.gains.items()
        ]  # fmt: skip
        columns = ["group", "parameters", "evppi", "standard_error", "share_of_evpi", "noise_floor", "distinguishable"]
        table = pd.DataFrame(rows, columns=columns)
        return table.sort_values("evppi", ascending=False, kind="stable").reset_index(drop=True)

    def summary(self) -> str:
        """Return the groups that are worth knowing."""
        if self.whole <= ROUNDING:
            return NOTHING
        table = self.data
        sure = table[table["distinguishable"]]
        if not len(sure):
            return f"No group of parameters is worth more than noise would show; all parameters together {self.whole:.5f} {PER_PATIENT}."
        said = "; ".join(f"{row.group} {row.evppi:.5f} ({row.share_of_evpi:.0%} of EVPI)" for row in sure.head(5).itertuples())
        rest = len(table) - len(sure)
        return f"In {PER_PATIENT}: {said}." + (f" {rest} of {len(table)} groups are not distinguishable from 0." if rest else "")

    def plot(self) -> Figure:
        """Draw the groups as bars."""
        table = self.data.head(MOST_SHOWN)
        figure = new_figure(1.2 + 0.28 * len(table))
        bars(figure.subplots(), table, [f"{row.group} ({row.parameters})" for row in table.itertuples()])
        caption(figure, self.how_to_read)
        return figure


def bars(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw values of information with their errors and the floor of the noise, the largest on top."""
    table = table.iloc[::-1]
    places = np.arange(len(table))
    colours = [COLOURS[0] if sure else QUIET for sure in table["distinguishable"]]
    axes.barh(places, table["evppi"], color=colours, height=0.6)
    ends = (np.maximum(table["evppi"] - 1.96 * table["standard_error"], 0), table["evppi"] + 1.96 * table["standard_error"])
    axes.hlines(places, *ends, color="#444444", lw=1)
    axes.scatter(table["noise_floor"], places, marker="|", s=90, color="black", zorder=3)
    axes.set_yticks(places, list(names)[::-1], fontsize=8)
    axes.set_xlabel("EVPPI, QALYs per patient")
    axes.set_xlim(left=0)
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.locator_params(axis="x", nbins=6)
    axes.spines[["top", "right"]].set_visible(False)


def evppi(psa: Psa, groups: str | Sequence[str] | Mapping[str, Sequence[str]] = "stage") -> Evppi:
    """Return what knowing groups of parameters exactly would be worth, by regression over the parameter sets.

    The expected utility of every option given the group is estimated from the sets by regression (Strong, Oakley and Brennan 2014, doi
    10.1177/0272989X13505910): on the deviate of a single parameter, on each option's index of exact slopes for several
    (`regression.means_given`).

    Args:
        psa: the probabilistic analysis.
        groups: `stage`, `node` or `status`; the ids of parameters, taken as one group; or a mapping of name to ids.

    Raises:
        UnknownNameError: a grouping or parameter that does not exist.
        FindingError: a group without parameters.
    """
    chosen = groups_of(groups)
    return Evppi(chosen, {name: psa.gain(members) for name, members in chosen.items()}, float(gain(psa.choices)))
