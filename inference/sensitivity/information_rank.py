"""Which number in the literature should be measured next: every parameter by what knowing it would be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...data.loading import parameters
from ..figures import caption, new_figure
from .information import MOST_SHOWN, NOTHING, PER_PATIENT, ROUNDING, bars, share
from .probabilistic import Psa
from .regression import Gain, gain
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class InfoRank(Result):
    """Every parameter's value of perfect information, alone, as a share of that on everything."""

    gains: Mapping[str, Gain]
    whole: float

    name: ClassVar[str] = "info_rank"
    title: ClassVar[str] = "Information rank"
    how_to_read: ClassVar[str] = (
        "What knowing one number exactly, and nothing else, would be worth before the choice (bar; line: 95 % of its Monte Carlo error). "
        "Black marks: the most that any of all the parameters shows when shuffled. Grey bars do not exceed it, or not their own error, and "
        "are not distinguishable from 0."
    )

    @property
    def floor(self) -> float:
        """The largest value that any parameter reaches when the sets are shuffled."""
        return max(found.floor for found in self.gains.values())

    @property
    def data(self) -> pd.DataFrame:
        """One row a parameter, the most valuable first, with its status and the rows of evidence behind it.

        `evppi`, `standard_error`, `noise_floor` in QALYs per patient; `share_of_evpi` is what BCEA's `info.rank` shows.
        """
        floor = self.floor
        rows = [
            (
                record.id, record.node, record.status, found.value, found.error, share(found.value, self.whole),
                floor, found.above(floor), " ".join(record.evidence_for), " ".join(record.evidence_against),
            )
            for record, found in ((parameters()[name], found) for name, found in self.gains.items())
        ]  # fmt: skip
        columns = [
            "parameter", "node", "status", "evppi", "standard_error", "share_of_evpi", "noise_floor", "distinguishable", "evidence_for",
            "evidence_against",
        ]  # fmt: skip
        table = pd.DataFrame(rows, columns=columns).sort_values("evppi", ascending=False, kind="stable").reset_index(drop=True)
        table.insert(0, "rank", np.arange(1, len(table) + 1))
        return table

    def summary(self) -> str:
        """Return the numbers to measure next, measured outcomes of patients apart from weights that only the user can set."""
        if self.whole <= ROUNDING:
            return NOTHING
        table = self.data
        sure = table[table["distinguishable"]]
        if not len(sure):
            return (
                f"No single number is worth more than noise would show (floor {self.floor:.5f} {PER_PATIENT}): on its own none of "
                f"{len(table)} would change the choice enough to be seen."
            )
        said = [f"Of {len(table)} numbers {len(sure)} are worth more than noise would show (floor {self.floor:.5f} {PER_PATIENT})."]
        to_measure = sure[sure["node"] != "utility"].head(3)
        if len(to_measure):
            names = "; ".join(f"{row.parameter} ({row.status}, {row.share_of_evpi:.0%} of EVPI)" for row in to_measure.itertuples())
            said.append(f"To measure next: {names}.")
        weights = sure[sure["node"] == "utility"].head(3)
        if len(weights):
            names = "; ".join(f"{row.parameter} ({row.share_of_evpi:.0%} of EVPI)" for row in weights.itertuples())
            said.append(f"Weights that asking the patient would settle: {names}.")
        return " ".join(said)

    def plot(self) -> Figure:
        """Draw the first twenty."""
        table = self.data.head(MOST_SHOWN)
        figure = new_figure(1.2 + 0.28 * len(table))
        bars(figure.subplots(), table, [f"{row.parameter} ({row.status})" for row in table.itertuples()])
        caption(figure, self.how_to_read)
        return figure


def info_rank(psa: Psa) -> InfoRank:
    """Return the value of perfect information on every parameter alone, as BCEA's `info.rank` does.

    By regression on a curve of each parameter's deviate, as `evppi` does for one. The floor is the largest value that any parameter reaches
    in 20 shuffles of the sets, so that about one analysis in 21 shows a number above it by chance.
    """
    return InfoRank({name: psa.gain([name]) for name in parameters()}, float(gain(psa.choices)))
