"""Pareto-smoothed importance weights, and the diagnostics that tell whether they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST_IN_TAIL = 5


@dataclass(frozen=True, eq=False)
class Weights:
    """Importance weights of draws, shape (S,), that sum to 1.

    `k` is the shape of the Pareto distribution of the largest raw weights: the larger, the fewer draws carry everything. Infinite where
    the tail is too short to tell.
    """

    values: Array
    k: float

    @property
    def effective(self) -> float:
        """The number of equally weighted draws that are worth as much."""
        return float(1 / (self.values**2).sum())

    @property
    def most(self) -> float:
        """The largest `k` up to which the weights can be trusted with so many draws."""
        return float(min(1 - 1 / np.log10(len(self.values)), 0.7))


def smoothed(log_weights: Array) -> Weights:
    """Return weights whose largest ones are replaced by the expected order statistics of a Pareto distribution fitted to them.

    After Vehtari, Simpson, Gelman, Yao and Gabry 2024 (JMLR 25(72), arXiv 1507.02646). `log_weights` (S,) need no normalisation.
    """
    raw = np.exp(log_weights - log_weights.max())
    count = len(raw)
    tail = int(np.ceil(min(0.2 * count, 3 * np.sqrt(count))))
    if np.ptp(raw) <= 1e-12:
        return Weights(np.full(count, 1 / count), -np.inf)
    order = np.argsort(raw, kind="stable")
    cut = raw[order[-tail - 1]]
    largest = order[-tail:][raw[order[-tail:]] > cut]
    excess = raw[largest] - cut
    if len(largest) < FEWEST_IN_TAIL:
        return Weights(raw / raw.sum(), np.inf)
    k, scale = pareto_fit(excess)
    places = (np.arange(1, len(largest) + 1) - 0.5) / len(largest)
    quantiles = -scale * np.log1p(-places) if abs(k) < 1e-12 else scale * np.expm1(-k * np.log1p(-places)) / k
    values = raw.copy()
    # No weight may exceed the largest raw one, which is 1.
    values[largest] = np.minimum(cut + quantiles, 1.0)
    return Weights(values / values.sum(), k)


def pareto_fit(excess: Array) -> tuple[float, float]:
    """Return shape and scale of the generalised Pareto distribution of rising values above 0.

    The quasi-Bayesian estimate of Zhang and Stephens 2009 (doi 10.1198/tech.2009.08017), the shape drawn to 0.5 with the weight of ten
    values as Vehtari et al. advise.
    """
    count = len(excess)
    points = 30 + int(np.sqrt(count))
    quarter = excess[int(count / 4 + 0.5) - 1]
    rate = 1 / excess[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quarter)
    shape = np.log1p(-rate[:, None] * excess).mean(axis=1)
    profile = count * (np.log(-rate / shape) - shape - 1)
    weight = np.exp(profile - profile.max())
    mean = float((rate * weight).sum() / weight.sum())
    k = float(np.log1p(-mean * excess).mean())
    return (count * k + 10 * 0.5) / (count + 10), -k / mean
