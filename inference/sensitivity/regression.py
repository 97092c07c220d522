"""The expected utility of every option given some parameters, by regression over the parameter sets, and what noise alone would show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEGREE = 3
"""Highest power in a regression; utilities are smooth and close to straight over a parameter's uncertainty."""

SHUFFLES = 20
"""An estimate above those of 20 shuffles is due to chance in about one case of 21."""

ONE_SIDED = 1.645


def gain(means: Array) -> Array:
    """Return the expected gain of choosing in every set the best option instead of the one that is best on average.

    `means` has shape (..., S, options); 0 where one option is best throughout.
    """
    return np.asarray(np.maximum(means.max(axis=-1).mean(axis=-1) - means.mean(axis=-2).max(axis=-1), 0.0))


def standard_error(means: Array, utility: Array, inflation: float = 1.0) -> float:
    """Return the Monte Carlo standard error of a gain: that of the mean of what the choice by `means` brings in each set.

    Both have shape (S, options). The utilities themselves, not their smooth means, carry the noise of the sets; `inflation` is the number
    of sets that are worth as much as one independent set.
    """
    best, first = np.argmax(means, axis=-1), int(np.argmax(means.mean(axis=0)))
    rows = np.arange(len(utility))
    won = utility[rows, best] - utility[:, first]
    return float(won.std(ddof=1) * np.sqrt(inflation / len(won)))


def powers(columns: Array) -> Array:
    """Return orthonormal polynomials of each column of (S, n) without the constant, shape (n, S, DEGREE)."""
    raw = np.stack([np.ones_like(columns), *(columns**degree for degree in range(1, DEGREE + 1))], axis=-1)
    orthonormal, _ = np.linalg.qr(np.moveaxis(raw, 1, 0))
    return np.asarray(orthonormal[:, :, 1:])


def along(basis: Array, utility: Array, inflation: float = 1.0) -> Array:
    """Return the regression of each utility on each basis, its degree (0: no dependence) chosen by generalised cross-validation.

    Args:
        basis: orthonormal polynomials, shape (n, S, DEGREE).
        utility: shape (..., S, options).
        inflation: number of sets that are worth one independent set; a coefficient counts as so many in the cross-validation
            (Golub, Heath and Wahba 1979, doi 10.1080/00401706.1979.10489751).

    Returns:
        Fitted means, shape (n, ..., S, options).
    """
    count = basis.shape[1]
    centre = utility.mean(axis=-2, keepdims=True)
    rest = utility - centre
    weights = np.einsum("nsk,...so->n...ko", basis, rest, optimize=True)
    whole = np.broadcast_to((rest**2).sum(axis=-2), (len(basis), *rest.shape[:-2], rest.shape[-1]))[..., None, :]
    left = np.concatenate([whole, whole - np.cumsum(weights**2, axis=-2)], axis=-2)
    degrees = np.arange(DEGREE + 1)[:, None]
    degree = np.argmin(left / (count - 1 - inflation * degrees) ** 2, axis=-2)
    kept = np.where(degrees[1:] <= degree[..., None, :], weights, 0.0)
    return np.asarray(centre + np.einsum("nsk,n...ko->n...so", basis, kept, optimize=True))


def means_given(deviates: Array, slopes: Array, utility: Array, inflation: float = 1.0) -> Array:
    """Return every option's expected utility given parameters, shape of `utility`.

    Given one parameter: along its deviate. Given several: along each option's index, the sum of the deviates weighed by their exact
    slopes, so that a handful of coefficients serve where a regression on a hundred parameters would need a hundred.

    Args:
        deviates: the parameters, shape (S, p).
        slopes: change of every option's utility by deviate, (p, options).
        utility: (..., S, options).
        inflation: as for `along`.
    """
    if deviates.shape[1] == 1:
        return np.asarray(along(powers(deviates), utility, inflation)[0])
    index = deviates @ slopes
    fitted = np.broadcast_to(utility.mean(axis=-2, keepdims=True), utility.shape).copy()
    spread = index.std(axis=0)
    # An option that does not depend on the group, or only by rounding errors, keeps its mean.
    for option in np.flatnonzero(spread > 1e-9 * utility.std()):
        basis = powers(index[:, [option]] / spread[option])
        fitted[..., [option]] = along(basis, utility[..., [option]], inflation)[0]
    return np.asarray(fitted)


@dataclass(frozen=True, eq=False)
class Shuffle:
    """The sets with parameters and utilities put together at random, so that any dependence is chance.

    `rows` are as many sets as are worth independent ones, shape (E,); `utility` those put beside them, shape (SHUFFLES, E, options).
    """

    rows: NDArray[np.intp]
    utility: Array


def shuffled(utility: Array, inflation: float, seed: int) -> Shuffle:
    """Return `SHUFFLES` shuffles of utilities of shape (S, options)."""
    random = np.random.default_rng(seed)
    count = round(len(utility) / inflation)
    rows = random.permutation(len(utility))[:count]
    return Shuffle(rows, np.stack([utility[random.permutation(len(utility))[:count]] for _ in range(SHUFFLES)]))


@dataclass(frozen=True, eq=False)
class Gain:
    """An expected value of information with its Monte Carlo error and the largest value that shuffled parameters gave.

    `means` holds every option's expected utility given the parameters, `utility` what they were estimated from, both of shape (S, options)
    and relative to the option that is chosen without knowing the parameters.
    """

    value: float
    error: float
    floor: float
    means: Array
    utility: Array

    def above(self, floor: float) -> bool:
        """Return whether the value lies above a floor and, one-sided with 95 %, above 0."""
        return self.value > max(floor, ONE_SIDED * self.error)

    @property
    def distinguishable(self) -> bool:
        """Whether it is more than noise: above everything that shuffled parameters gave, and above 0."""
        return self.above(self.floor)


def relative_to_first(utility: Array, *others: Array) -> tuple[Array, ...]:
    """Return utilities (S, options), and whatever else has a column for each option, less those of the option best on average."""
    first = int(np.argmax(utility.mean(axis=0)))
    return tuple(one - one[:, [first]] for one in (utility, *others))


def gain_of(deviates: Array, slopes: Array, utility: Array, seed: int, inflation: float = 1.0) -> Gain:
    """Return the expected gain of learning parameters, and the floor that the same regression has with shuffled ones.

    Args:
        deviates: the parameters, shape (S, p), mean 0 and variance 1.
        slopes: change of every option's utility by deviate, (p, options).
        utility: (S, options).
        seed: of the shuffles.
        inflation: number of sets that are worth one independent set.
    """
    utility, slopes = relative_to_first(utility, slopes)
    means = means_given(deviates, slopes, utility, inflation)
    chance = shuffled(utility, inflation, seed)
    floor = gain(means_given(deviates[chance.rows], slopes, chance.utility)).max()
    return Gain(float(gain(means)), standard_error(means, utility, inflation), float(floor), means, utility)
