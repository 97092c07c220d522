"""How probable every draw of the posterior would be had a study not been published, by importance weights on the draws.

A draw's weight is the inverse of how probable the study's rows make it (Gelfand, Dey and Chang 1992). The standard deviation between
studies of a design, which the fit estimated along with the parameters, is integrated out at every draw, so that the weights are those of
the parameters alone: exact up to the grid, and steadier than weights at one drawn value of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.tables import read_text
from .targets import Target

Array = NDArray[np.float64]

GRID = np.linspace(0.0, 5.0, 41)
"""Standard deviations between studies, in scales of their half-normal prior, over which is integrated."""


def shipped_freedom() -> float:
    """Return the degrees of freedom of the published values around the predictions in the shipped fit."""
    return float(json.loads(read_text("posterior", "fit.json"))["freedom"])


def log_weights(predictions: Array, targets: Sequence[Target], left_out: Mapping[str, Sequence[str]], freedom: float) -> Array:
    """Return the logarithm of every draw's weight in the posterior without some rows, up to a constant, shape (left out, draws).

    Args:
        predictions: for every target on its likelihood's scale, shape (draws, targets).
        targets: all rows of the fit.
        left_out: for each wanted posterior the ids of the rows that it is to be without.
        freedom: degrees of freedom of the errors; infinite for normal ones.
    """
    place_of = {target.evidence: place for place, target in enumerate(targets)}
    rows = [np.array([place_of[row] for row in ids], dtype=np.intp) for ids in left_out.values()]
    found = np.zeros((len(rows), len(predictions)))
    for design in dict.fromkeys(target.design for target in targets):
        inside = np.array([place for place, target in enumerate(targets) if target.design == design])
        each = _densities(predictions[:, inside], [targets[place] for place in inside], freedom)
        # The trapezoidal rule: the ends of the grid count half.
        prior = -0.5 * GRID**2 + np.log(np.where((GRID[0] == GRID) | (GRID[-1] == GRID), 0.5, 1.0))
        joint = prior + each.sum(axis=0)
        whole = _log_sum(joint)
        for place, ids in enumerate(rows):
            gone = np.flatnonzero(np.isin(inside, ids))
            if len(gone):
                found[place] += _log_sum(joint - each[gone].sum(axis=0)) - whole
    return found


def _densities(predictions: Array, targets: Sequence[Target], freedom: float) -> Array:
    """Return the log density of rows of one design on the grid, up to a constant, shape (rows, draws, grid)."""
    observed = np.array([target.observed for target in targets])
    error = np.array([np.hypot(target.sd, target.gap_sd) for target in targets])
    variance = error[:, None] ** 2 + (targets[0].tau * GRID) ** 2
    squared = ((observed - predictions).T ** 2)[:, :, None] / variance[:, None]
    body = 0.5 * squared if np.isinf(freedom) else 0.5 * (freedom + 1) * np.log1p(squared / freedom)
    return np.asarray(-body - 0.5 * np.log(variance)[:, None])


def _log_sum(values: Array) -> Array:
    """Return the logarithm of the sum of exponentials along the last axis."""
    top = values.max(axis=-1)
    return np.asarray(top + np.log(np.exp(values - top[..., None]).sum(axis=-1)))
