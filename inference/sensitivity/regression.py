"""The expected utility of every option given some parameters, by regression over the parameter sets, and what noise alone would show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEGREE = 3
"""Highest power of a single deviate; utilities are smooth and close to straight over a parameter's uncertainty."""

SHUFFLES = 20
"""An estimate above those of 20 shuffles is due to chance in about one case of 21."""

PENALTIES = np.logspace(-2, 5, 15)


def gain(means: Array) -> Array:
    """Return the expected gain of choosing in every set the best option instead of the one that is best on average.

    `means` has shape (..., S, options); 0 where one option is best throughout.
    """
    return np.asarray(means.max(axis=-1).mean(axis=-1) - means.mean(axis=-2).max(axis=-1))


def standard_error(means: Array, utility: Array) -> float:
    """Return the Monte Carlo standard error of a gain: that of the mean of what the choice by `means` brings in each set.

    Both have shape (S, options). The utilities themselves, not their smooth means, carry the noise of the sets.
    """
    best, first = np.argmax(means, axis=-1), int(np.argmax(means.mean(axis=0)))
    rows = np.arange(len(utility))
    won = utility[rows, best] - utility[:, first]
    return float(won.std(ddof=1) / np.sqrt(len(won)))


def powers(columns: Array) -> Array:
    """Return orthonormal polynomials of each column of (S, n) without the constant, shape (n, S, DEGREE)."""
    raw = np.stack([np.ones_like(columns), *(columns**degree for degree in range(1, DEGREE + 1))], axis=-1)
    orthonormal, _ = np.linalg.qr(np.moveaxis(raw, 1, 0))
    return np.asarray(orthonormal[:, :, 1:])


def along(basis: Array, utility: Array) -> Array:
    """Return the regression of each utility on each basis, the degree chosen by generalised cross-validation.

    Args:
        basis: orthonormal polynomials, shape (n, S, DEGREE).
        utility: shape (..., S, options).

    Returns:
        Fitted means, shape (n, ..., S, options). Degree 0 (no dependence) is among the choices.
    """
    count = basis.shape[1]
    centre = utility.mean(axis=-2, keepdims=True)
    rest = utility - centre
    weights = np.einsum("nsk,...so->n...ko", basis, rest, optimize=True)
    left = (rest**2).sum(axis=-2)[None, ..., None, :] - np.cumsum(weights**2, axis=-2)
    whole = np.broadcast_to((rest**2).sum(axis=-2)[None, ..., None, :], (*left.shape[:-2], 1, left.shape[-1]))
    degrees = np.arange(DEGREE + 1)
    scores = np.concatenate([whole, left], axis=-2) / (count - 1.0 - degrees[:, None]) ** 2
    degree = np.argmin(scores, axis=-2)
    kept = np.where(degrees[1:, None] <= degree[..., None, :], weights, 0.0)
    return np.asarray(centre + np.einsum("nsk,n...ko->n...so", basis, kept, optimize=True))


def means_given(deviates: Array, slopes: Array, utility: Array) -> Array:
    """Return every option's expected utility given several parameters, shape of `utility`.

    First along each option's index, the sum of the deviates weighed by their exact slopes; then what is left by ridge regression on the
    deviates themselves, each weighed by how much it moves any option, the penalty chosen by leave-one-out cross-validation. The index
    needs a handful of coefficients where a regression on a hundred parameters would need a hundred.

    Args:
        deviates: the parameters, shape (S, p).
        slopes: change of every option's utility by deviate, (p, options).
        utility: (..., S, options).
    """
    from sklearn.linear_model import RidgeCV

    index = deviates @ slopes
    fitted = np.broadcast_to(utility.mean(axis=-2, keepdims=True), utility.shape).copy()
    spread = index.std(axis=0)
    for option in np.flatnonzero(spread > 1e-12 * max(1e-12, float(np.abs(slopes).max()))):
        basis = powers(index[:, [option]] / spread[option])
        fitted[..., option] = along(basis, utility[..., [option]])[0][..., 0]
    weight = np.abs(slopes).max(axis=1)
    used = weight > 1e-6 * weight.max()
    if used.sum() < 2:
        return fitted
    features = deviates[:, used] * (weight[used] / weight.max())
    rest = np.moveaxis(utility - fitted, -2, 0)
    flat = rest.reshape(len(rest), -1)
    moving = flat.std(axis=0) > 1e-15
    found = np.zeros_like(flat)
    if moving.any():
        found[:, moving] = RidgeCV(PENALTIES, alpha_per_target=True).fit(features, flat[:, moving]).predict(features).reshape(len(rest), -1)
    return np.asarray(fitted + np.moveaxis(found.reshape(rest.shape), 0, -2))


def shuffled(utility: Array, seed: int, shuffles: int = SHUFFLES) -> Array:
    """Return the utilities with the sets in random orders, shape (shuffles, S, options): any dependence on a parameter is chance."""
    random = np.random.default_rng(seed)
    return np.stack([utility[random.permutation(len(utility))] for _ in range(shuffles)])


@dataclass(frozen=True, eq=False)
class Gain:
    """An expected value of information with its Monte Carlo error and the largest value that shuffled parameters gave."""

    value: float
    error: float
    floor: float
    means: Array

    @property
    def distinguishable(self) -> bool:
        """Whether it is above everything that shuffled parameters gave."""
        return self.value > self.floor


def gain_of(deviates: Array, slopes: Array, utility: Array, seed: int) -> Gain:
    """Return the expected gain of learning parameters (S, p), their values and the floor from the same regression.

    `utility` has shape (S, options), `slopes` (p, options).
    """
    relative = utility - utility[:, [int(np.argmax(utility.mean(axis=0)))]]
    slopes = slopes - slopes[:, [int(np.argmax(utility.mean(axis=0)))]]
    both = np.concatenate([relative[None], shuffled(relative, seed)])
    means = along(powers(deviates), both)[0] if deviates.shape[1] == 1 else means_given(deviates, slopes, both)
    values = np.maximum(gain(means), 0.0)
    return Gain(float(values[0]), standard_error(means[0], relative), float(values[1:].max()), means[0])
