"""Whether true values rank evenly among posterior draws: simulation-based calibration (Talts et al. 2018, arXiv 1804.06788)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

BINS = 10
SIMULATED = 4_000
SEED = 20261122


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranks of true values among posterior draws.

    Attributes:
        table: a line for each quantity: `mean_rank` (0.5 where even), `chi_square` of the histogram with its p value, `p_ecdf` (whether the
            distribution function stays inside its simultaneous envelope), and the histogram's counts `bin_1` and so on.
        ranks: how many of the draws are below the true value, shape (replicates, quantities).
        draws: how many posterior draws each true value was ranked among.
        effective: least effective sample size of the posterior over replicates and quantities, out of `sampled` draws before thinning.
        sampled: draws of each posterior before thinning.
        divergences: divergent transitions in all replicates.
    """

    table: pd.DataFrame
    ranks: Codes
    draws: int
    effective: float
    sampled: int
    divergences: int

    @property
    def least_p(self) -> dict[str, float]:
        """The least p value of each test, times the number of quantities (Bonferroni), at most 1."""
        return {name: min(1.0, float(self.table[name].min()) * len(self.table)) for name in ("p_chi_square", "p_ecdf")}


def rank_of(truth: Array, draws: Array) -> Codes:
    """Return how many draws are below the true value, shape (quantities,), from draws of shape (draws, quantities)."""
    return np.asarray((draws < truth).sum(axis=0), dtype=np.intp)


def histogram(ranks: Codes, draws: int, bins: int) -> Codes:
    """Return how many ranks of 0 to `draws` fall into each of `bins` bins; bins are as even as `draws` + 1 values allow."""
    return np.bincount(ranks * bins // (draws + 1), minlength=bins)


def expected_shares(draws: int, bins: int) -> Array:
    """Return the share of even ranks that falls into each bin of `histogram`."""
    return np.asarray(histogram(np.arange(draws + 1), draws, bins) / (draws + 1))


def chi_square(counts: NDArray[np.integer], shares: Array) -> Array:
    """Return Pearson's statistic of counts (..., bins) against expected shares (bins,)."""
    wanted = counts.sum(axis=-1, keepdims=True) * shares
    return np.asarray(((counts - wanted) ** 2 / wanted).sum(axis=-1))


def ecdf_statistic(counts: NDArray[np.integer]) -> Array:
    """Return the least tail probability of the distribution function over its points.

    Where ranks are even, the number of ranks up to the j-th of n values is binomial with probability j / n; the smaller its tail, the
    farther the function is outside. Source: Säilynoja et al. 2022, doi 10.1007/s11222-022-10090-6.

    Args:
        counts: how often each rank is met, shape (..., draws + 1).
    """
    values, total = counts.shape[-1], int(counts.sum(axis=-1).flat[0])
    up_to = counts.cumsum(axis=-1)[..., :-1]
    below = np.stack([_binomial_cdf(total, (place + 1) / values) for place in range(values - 1)])
    place = np.arange(values - 1)
    at_most = below[place, up_to]
    at_least = 1 - np.where(up_to > 0, below[place, np.maximum(up_to - 1, 0)], 0.0)
    return np.asarray(np.minimum(at_most, at_least).min(axis=-1))


def _binomial_cdf(total: int, p: float) -> Array:
    """Return P(X <= k) for k from 0 to `total`."""
    k = np.arange(total + 1)
    log_factorial = np.array([math.lgamma(i + 1) for i in k])
    log_mass = log_factorial[total] - log_factorial - log_factorial[::-1] + k * math.log(p) + (total - k) * math.log1p(-p)
    return np.asarray(np.minimum(np.exp(log_mass).cumsum(), 1.0))


def rank_table(names: Sequence[str], ranks: Codes, draws: int, bins: int = BINS, seed: int = SEED) -> pd.DataFrame:
    """Test the ranks of every quantity for evenness; the p values come from simulated even ranks.

    Args:
        names: the quantities.
        ranks: from 0 to `draws`, shape (replicates, quantities).
        draws: how many draws each value was ranked among.
        bins: of the histogram.
        seed: of the simulated ranks.
    """
    replicates = len(ranks)
    even = np.random.default_rng(seed).multinomial(replicates, np.full(draws + 1, 1 / (draws + 1)), SIMULATED)
    place = np.arange(draws + 1) * bins // (draws + 1)
    merged = np.stack([even[:, place == one].sum(axis=1) for one in range(bins)], axis=1)
    shares = expected_shares(draws, bins)
    by_chance, tails_by_chance = chi_square(merged, shares), ecdf_statistic(even)
    lines = []
    for name, own in zip(names, ranks.T, strict=True):
        counts = histogram(own, draws, bins)
        statistic = float(chi_square(counts, shares))
        tail = float(ecdf_statistic(np.bincount(own, minlength=draws + 1)))
        lines.append(
            {
                "quantity": name,
                "mean_rank": float(own.mean() / draws),
                "chi_square": statistic,
                "p_chi_square": _share(by_chance >= statistic - 1e-9),
                "p_ecdf": _share(tails_by_chance <= tail + 1e-12),
                **{f"bin_{number}": int(count) for number, count in enumerate(counts, start=1)},
            }
        )
    return pd.DataFrame(lines)


def _share(as_far: NDArray[np.bool_]) -> float:
    """Return the p value of a simulation test, which counts the observed value among the simulated ones."""
    return float((as_far.sum() + 1) / (len(as_far) + 1))
