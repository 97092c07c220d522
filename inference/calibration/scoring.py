"""How good probabilities of exclusive classes are: log score, Brier score, areas under the curve, calibration, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

MEASURES = ("log_score", "brier", "auc", "slope", "intercept", "accuracy")
CERTAIN = 1e-9
"""Probabilities nearer to 0 or 1 than this have no part in the calibration line: the classes that a definition rules out."""

REPLICATES = 300
STEPS = 50
CONVERGED = 1e-9


def log_score(probability: Array, truth: Codes, weights: Array) -> float:
    """Return the mean of -log P(the true class); lower is better (Good 1952, doi 10.1111/j.2517-6161.1952.tb00104.x)."""
    with np.errstate(divide="ignore"):
        return float(np.average(-np.log(probability[np.arange(len(truth)), truth]), weights=weights))


def brier_score(probability: Array, truth: Codes, weights: Array) -> float:
    """Return the mean squared distance from the true class, summed over the classes; lower is better.

    Source: Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    return float(np.average(((probability - np.eye(probability.shape[1])[truth]) ** 2).sum(axis=1), weights=weights))


def area_under_curve(score: Array, case: NDArray[np.bool_], weights: Array) -> float:
    """Return P(a case scores higher than another) + P(as high) / 2; NaN without cases or without others.

    Source: Hanley & McNeil 1982, doi 10.1148/radiology.143.1.7063747.
    """
    cases, others = weights * case, weights * ~case
    total = cases.sum() * others.sum()
    if total == 0:
        return float("nan")
    _, place = np.unique(score, return_inverse=True)
    found, rest = np.bincount(place, cases), np.bincount(place, others)
    return float((found * (rest.cumsum() - rest / 2)).sum() / total)


def areas(probability: Array, truth: Codes, weights: Array) -> Array:
    """Return the area under the curve of each class against the others, shape (classes,)."""
    return np.array([area_under_curve(column, truth == place, weights) for place, column in enumerate(probability.T)])


def mean_area(each: Array, truth: Codes, weights: Array) -> float:
    """Return the mean of the classes' areas, weighted by how frequent the classes are."""
    shares = np.bincount(truth, weights, minlength=len(each))
    there = ~np.isnan(each) & (shares > 0)
    return float(np.average(each[there], weights=shares[there])) if there.any() else float("nan")


def calibration_line(probability: Array, truth: Codes, weights: Array) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of outcomes on the log odds predicted, pooled over the classes.

    They are 1 and 0 where predictions are right on average; a slope below 1 means predictions that are too sure. NaN where the predictions
    are all alike or the regression has no finite solution. Source: Cox 1958, doi 10.1093/biomet/45.3-4.562.
    """
    outcome = np.eye(probability.shape[1])[truth]
    inside = (probability > CERTAIN) & (probability < 1 - CERTAIN) & (weights[:, None] > 0)
    p, y = probability[inside], outcome[inside]
    w = np.broadcast_to(weights[:, None], probability.shape)[inside]
    if not len(p):
        return float("nan"), float("nan")
    x = np.log(p) - np.log1p(-p)
    design = np.stack([np.ones_like(x), x])
    at = np.array([0.0, 1.0])
    reached = _log_likelihood(at, design, y, w)
    for _ in range(STEPS):
        told = 1 / (1 + np.exp(-np.clip(at @ design, -500, 500)))
        information = (design * (w * told * (1 - told))) @ design.T
        if np.linalg.cond(information) > 1e12:
            return float("nan"), float("nan")
        step = np.linalg.solve(information, design @ (w * (y - told)))
        # Far from the top a whole step can overshoot it; the likelihood is concave, so a part of the step always gains.
        while (gained := _log_likelihood(at + step, design, y, w)) < reached and np.abs(step).max() > CONVERGED:
            step = step / 2
        at, reached = at + step, max(reached, gained)
        if np.abs(step).max() < CONVERGED:
            return float(at[1]), float(at[0])
    return float("nan"), float("nan")


def _log_likelihood(at: Array, design: Array, outcome: Array, weights: Array) -> float:
    margin = at @ design
    return float(weights @ (outcome * margin - np.logaddexp(0.0, margin)))


@dataclass(frozen=True, eq=False)
class Scores:
    """The measures of one set of predictions: a value for each name of `MEASURES`, and the area under the curve of each class."""

    values: Mapping[str, float]
    areas: Array


def score(probability: Array, truth: Codes, weights: Array | None = None) -> Scores:
    """Score probabilities, shape (patients, classes), against the true classes, shape (patients,).

    `accuracy` is the share in which the most probable class is the true one; `weights`, shape (patients,), count a patient several times.
    """
    w = np.ones(len(truth)) if weights is None else weights
    each = areas(probability, truth, w)
    slope, intercept = calibration_line(probability, truth, w)
    right = float(np.average(probability.argmax(axis=1) == truth, weights=w))
    values = (log_score(probability, truth, w), brier_score(probability, truth, w), mean_area(each, truth, w), slope, intercept, right)
    return Scores(dict(zip(MEASURES, values, strict=True)), each)


def resampled(
    predictions: Mapping[str, Array], truth: Codes, random: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, dict[str, Array]]:
    """Return every measure of every method in bootstrap samples of the patients, the same ones for all methods, shape (replicates,).

    Source: Efron 1979, doi 10.1214/aos/1176344552.
    """
    count = len(truth)
    found: dict[str, dict[str, list[float]]] = {method: {measure: [] for measure in MEASURES} for method in predictions}
    for _ in range(replicates):
        weights = random.multinomial(count, np.full(count, 1 / count)).astype(np.float64)
        for method, probability in predictions.items():
            for measure, value in score(probability, truth, weights).values.items():
                found[method][measure].append(value)
    return {method: {measure: np.array(values) for measure, values in own.items()} for method, own in found.items()}


def bounds(values: Array, level: float) -> tuple[float, float]:
    """Return the central interval of bootstrap values; NaN where one of them has no value."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
