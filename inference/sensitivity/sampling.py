"""Expected value of sample information: what a study of a given size on one parameter would be worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...data.errors import FindingError, unknown_name
from ...data.loading import parameters
from ..figures import COLOURS, QUIET, caption, new_figure
from .designs import Design, study
from .information import PER_PATIENT, share
from .probabilistic import Psa
from .regression import Array, Gain, gain, standard_error
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (25, 50, 100, 200, 400, 800)


@dataclass(frozen=True, eq=False)
class Evsi(Result):
    """The expected value of sample information by the size of the study."""

    parameter: str
    sizes: tuple[int, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    perfect: Gain

    name: ClassVar[str] = "evsi"
    title: ClassVar[str] = "Expected value of sample information"
    how_to_read: ClassVar[str] = (
        "What a study of this size on one parameter would be worth per patient before the choice (dots; lines: 95 % of the Monte Carlo "
        "error). It rises towards the value of knowing the parameter exactly (dashed), which no study exceeds. Where the curve flattens, "
        "more patients add little."
    )

    @property
    def data(self) -> pd.DataFrame:
        """One row a size, values in QALYs per patient; `evppi` and `noise_floor` are those of knowing the parameter exactly."""
        shares = [share(value, self.perfect.value) for value in self.values]
        return pd.DataFrame(
            {
                "parameter": self.parameter, "n": self.sizes, "evsi": self.values, "standard_error": self.errors, "share_of_evppi": shares,
                "evppi": self.perfect.value, "noise_floor": self.perfect.floor, "distinguishable": self.perfect.distinguishable,
            }
        )  # fmt: skip

    def summary(self) -> str:
        """Return what the largest study would be worth, and how small a study reaches half of what there is to gain."""
        if not self.perfect.distinguishable:
            return (
                f"{self.parameter}: not even its exact value is worth more than noise would show (EVPPI {self.perfect.value:.5f}, floor "
                f"{self.perfect.floor:.5f} {PER_PATIENT}); the curve is not to be read."
            )
        half = next((n for n, value in zip(self.sizes, self.values, strict=True) if value >= self.perfect.value / 2), None)
        few = " or fewer" if half == self.sizes[0] else ""
        reached = (
            f"half of that is reached with {half}{few} patients"
            if half
            else f"none of the sizes up to {self.sizes[-1]} reaches half of that"
        )
        return (
            f"{self.parameter}: a study of {self.sizes[-1]} would be worth {self.values[-1]:.5f} {PER_PATIENT}; its exact value "
            f"{self.perfect.value:.5f}; {reached}."
        )

    def plot(self) -> Figure:
        """Draw the curve with the value of perfect information."""
        figure = new_figure(3.2)
        axes = figure.subplots()
        value, error = np.array(self.values), 1.96 * np.array(self.errors)
        colour = COLOURS[0] if self.perfect.distinguishable else QUIET
        axes.axhline(self.perfect.value, ls="--", color="black", lw=1, label="EVPPI")
        axes.axhline(self.perfect.floor, ls=":", color=QUIET, lw=1, label="noise floor of the EVPPI")
        axes.errorbar(self.sizes, value, yerr=(np.minimum(error, value), error), color=colour, marker="o", ms=4, capsize=2, label="EVSI")
        axes.set_xscale("log")
        axes.set_xticks(self.sizes, [f"{n}" for n in self.sizes])
        axes.minorticks_off()
        axes.set_xlabel(f"size of a study on {self.parameter}")
        axes.set_ylabel("QALYs per patient")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right upper", fontsize=8, frameon=False)
        caption(figure, self.how_to_read)
        return figure


def means_after(means: Array, log_likelihood: Array) -> Array:
    """Return every option's expected utility after what was found in each set, shape (S, options).

    The sets themselves are the prior: those under which the finding is probable weigh more (Menzies 2016, doi
    10.1177/0272989X15583495). `means` (S, options) is the expected utility given the parameter alone, since a study tells of the utility
    through the parameter only; `log_likelihood` (S, S) has a row for each finding.
    """
    weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    return np.asarray(weights @ means / weights.sum(axis=1, keepdims=True))


def evsi(psa: Psa, parameter: str, n: int | Iterable[int] = SIZES, design: Design | None = None) -> Evsi:
    """Return what a study of each size on one parameter would be worth before the choice.

    In every parameter set a study is simulated; the expected utilities after it follow by importance weights on the sets. What is
    simulated is a study without bias of just this parameter, in just the patients that the record speaks of.

    Args:
        psa: the probabilistic analysis.
        parameter: the record's id. A probability is measured by events among n patients, a rate in n patient-years, a log odds ratio in
            two halves of n patients (`Design(base_rate=...)`), a difference, a median or a utility by a mean or median with the given
            standard deviation between patients (`Design(sd=...)`).
        n: the size, or several.
        design: what the study needs besides its size.

    Raises:
        UnknownNameError: no such parameter, or one of a kind that no study measures directly (weights of a mix, ratios).
        FindingError: the design lacks what the kind of parameter needs, or a size that is not a whole number of at least 2.
    """
    if parameter not in parameters():
        raise unknown_name("parameter", parameter, parameters())
    sizes = tuple(sorted({n} if isinstance(n, int) else set(n)))
    if not sizes:
        raise FindingError("n: no size; at least one is needed")
    record, found = parameters()[parameter], psa.gain([parameter])
    values = np.asarray(psa.values[parameter])[psa.sets]
    uniform = np.random.default_rng(psa.seed).permutation((np.arange(len(values)) + 0.5) / len(values))
    after = [means_after(found.means, study(record, values, size, design or Design(), uniform).log_likelihood) for size in sizes]
    gains = tuple(float(gain(means)) for means in after)
    errors = tuple(standard_error(means, found.utility, psa.inflation) for means in after)
    return Evsi(parameter, sizes, gains, errors, found)
