"""Credible intervals and ranks over parameter sets (set 0 is the centre and is never counted among the draws)."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEFAULT_LEVEL = 0.95


def interval(values: Array, level: float) -> tuple[Array, Array]:
    """Return the bounds of the central interval of the draws; `values` has shape (S, ...), the result (...).

    Draws in which the findings are impossible (NaN) do not count. With no draws beside the centre the bounds are the centre itself.
    """
    draws = values[1:] if len(values) > 1 else values
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanquantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def share_first(scores: Array) -> Array:
    """Return for each column of `scores` (S, n) the share of draws in which it is the largest."""
    draws = scores[1:] if len(scores) > 1 else scores
    usable = draws[~np.isnan(draws).any(axis=1)]
    if not len(usable):
        return np.full(scores.shape[1], np.nan)
    return np.bincount(np.argmax(usable, axis=1), minlength=scores.shape[1]) / len(usable)


def share_above(first: Array, others: Array) -> Array:
    """Return for each column of `others` (S, n) the share of draws in which it exceeds `first` (S,)."""
    drawn = slice(1, None) if len(first) > 1 else slice(None)
    return np.asarray(np.mean(others[drawn] > first[drawn, None], axis=0))
