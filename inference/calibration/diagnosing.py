"""What a joint fit says of itself: what the evidence moved, what it contradicts, which rows disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..influence import UNTOUCHED
from .targets import Target

Array = NDArray[np.float64]

PARAMETER_COLUMNS = ("parameter", "mean", "sd", "contraction", "conflict", "r_hat", "effective")
ROW_COLUMNS = ("evidence", "observed", "left_out_prediction", "left_out_z", "opposed_by")


def parameter_table(ids: Sequence[str], deviates: Array, r_hat: Array, effective: Array) -> pd.DataFrame:
    """Return for each parameter how far the joint fit moved it.

    `mean`, `sd`: of the posterior, in prior standard deviations from the prior's centre. `contraction` is 1 - sd^2, 0 where the evidence
    says nothing and 1 where it says all. `conflict` is mean / sqrt(contraction): about standard normal where prior and evidence agree (a
    posterior mean has the prior predictive variance 1 - sd^2), so that more than 2 or less than -2 is a conflict; NaN for parameters that
    the evidence does not touch.

    Args:
        ids: the parameters.
        deviates: shape (draws, parameters).
        r_hat: split R-hat of each parameter.
        effective: effective sample size of each parameter.
    """
    mean, sd = deviates.mean(axis=0), deviates.std(axis=0)
    contraction = 1 - sd**2
    touched = contraction > UNTOUCHED
    conflict = np.where(touched, mean / np.sqrt(np.where(touched, contraction, 1.0)), np.nan)
    return pd.DataFrame(dict(zip(PARAMETER_COLUMNS, (list(ids), mean, sd, contraction, conflict, r_hat, effective), strict=True)))


def row_table(targets: Sequence[Target], predictions: Array, slopes: Array, z: Array, error: Array) -> pd.DataFrame:
    """Return for each target how far it lies from what the other rows and the priors predict, to first order around the mode.

    `left_out_z` is the distance of the published value from the prediction without it, over the standard deviation of both;
    `opposed_by` names the row that pulls that prediction away from it most, where the distance is above 2.

    Args:
        targets: the rows.
        predictions: at the mode, shape (targets,).
        slopes: derivatives with respect to the deviates, shape (targets, parameters).
        z: the mode, shape (parameters,).
        error: standard deviation of every row around its prediction, shape (targets,).
    """
    observed = np.array([target.observed for target in targets])
    # With unit priors around 0 the mode solves a least squares problem; rows enter with the slopes at the mode.
    shifted = observed - predictions + slopes @ z
    scaled = slopes / error[:, None]
    covariance = np.linalg.inv(np.eye(slopes.shape[1]) + scaled.T @ scaled)
    common = slopes @ covariance @ slopes.T
    found = []
    for i in range(len(targets)):
        left = common[i] / error**2
        share = left[i]
        # Sherman and Morrison's formula takes the row out of the fit.
        pull = left / (1 - share)
        others = np.arange(len(targets)) != i
        centre = predictions[i] - slopes[i] @ z
        told = centre + (pull[others] * shifted[others]).sum()
        variance = common[i, i] / (1 - share)
        distance = (observed[i] - told) / np.sqrt(error[i] ** 2 + variance)
        effect = np.where(others, pull * (shifted - (slopes @ z)), 0.0) * np.sign(told - observed[i])
        worst = int(np.argmax(effect))
        found.append((targets[i].evidence, observed[i], told, distance, targets[worst].evidence if abs(distance) > 2 else ""))
    return pd.DataFrame(found, columns=list(ROW_COLUMNS))
