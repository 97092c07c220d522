"""Scores by arithmetic, against scipy, and where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from refra.inference.calibration.scoring import (
    MEASURES,
    area_under_curve,
    areas,
    bounds,
    brier_score,
    calibration_line,
    log_score,
    mean_area,
    resampled,
    score,
)

PROBABILITY = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
TRUTH = np.array([0, 1, 0])
ONES = np.ones(3)


def drawn(count: int, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four classes, and classes drawn from exactly those."""
    random = np.random.default_rng(seed)
    logits = sharpness * random.standard_normal((count, 4)) + np.array([0.0, 0.5, -0.5, -1.0])
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probability, (random.random((count, 1)) > probability.cumsum(axis=1)).sum(axis=1)


def test_log_score_brier_and_accuracy_by_arithmetic() -> None:
    assert log_score(PROBABILITY, TRUTH, ONES) == pytest.approx(-(math.log(0.5) + math.log(0.8) + math.log(0.25)) / 3)
    first, second, third = 0.25 + 0.09 + 0.04, 0.01 + 0.04 + 0.01, 0.5625 + 0.0625 + 0.25
    assert brier_score(PROBABILITY, TRUTH, ONES) == pytest.approx((first + second + third) / 3)
    assert brier_score(PROBABILITY, TRUTH, np.array([2.0, 0.0, 1.0])) == pytest.approx((2 * first + third) / 3)
    assert score(PROBABILITY, TRUTH).values["accuracy"] == pytest.approx(2 / 3)


def test_what_was_ruled_out_and_happened_scores_infinitely_badly() -> None:
    assert log_score(np.array([[0.0, 1.0]]), np.array([0]), np.ones(1)) == math.inf


def test_the_area_is_that_of_mann_and_whitney_with_ties() -> None:
    random = np.random.default_rng(4)
    values = random.integers(0, 6, 60) / 5
    case = random.random(60) < 0.3
    wanted = stats.mannwhitneyu(values[case], values[~case]).statistic / (case.sum() * (~case).sum())
    assert area_under_curve(values, case, np.ones(60)) == pytest.approx(wanted)
    times = random.integers(0, 4, 60)
    often, cases = np.repeat(values, times), np.repeat(case, times)
    wanted = stats.mannwhitneyu(often[cases], often[~cases]).statistic / (cases.sum() * (~cases).sum())
    assert area_under_curve(values, case, times.astype(float)) == pytest.approx(wanted)


def test_areas_without_cases_have_no_say_in_the_mean() -> None:
    probability = np.array([[0.6, 0.4, 0.0], [0.7, 0.3, 0.0], [0.2, 0.8, 0.0], [0.65, 0.35, 0.0]])
    truth = np.array([0, 0, 1, 1])
    each = areas(probability, truth, np.ones(4))
    # Of the four pairs only (0.6, 0.65) stands the wrong way round.
    assert each[:2].tolist() == [0.75, 0.75]
    assert math.isnan(each[2])
    assert mean_area(each, truth, np.ones(4)) == 0.75
    assert mean_area(np.array([0.9, 0.5, math.nan]), np.array([0, 0, 0, 1]), np.ones(4)) == pytest.approx(0.8)


def test_the_same_prediction_for_all_has_an_area_of_one_half_and_no_line() -> None:
    _, truth = drawn(200, 1.0, 1)
    found = score(np.tile([0.4, 0.3, 0.2, 0.1], (200, 1)), truth)
    assert found.areas.tolist() == [0.5] * 4
    assert found.values["auc"] == 0.5
    alike = np.full((200, 4), 0.25)
    assert math.isnan(score(alike, truth).values["slope"])


def test_the_line_is_the_maximum_of_the_likelihood() -> None:
    probability, truth = drawn(80, 1.0, 2)
    weights = np.random.default_rng(3).integers(0, 3, 80).astype(float)
    x = np.log(probability / (1 - probability))
    y = np.eye(4)[truth]

    def loss(at: np.ndarray) -> float:
        margin = at[0] + at[1] * x
        return float((weights[:, None] * (np.logaddexp(0, margin) - y * margin)).sum())

    best = optimize.minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-8}).x
    assert calibration_line(probability, truth, weights) == pytest.approx((best[1], best[0]), abs=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_true_probabilities_lie_on_the_line_of_calibration(seed: int) -> None:
    probability, truth = drawn(4000, 1.5, seed)
    slope, intercept = calibration_line(probability, truth, np.ones(4000))
    spread = resampled({"truth": probability}, truth, np.random.default_rng(seed), 60)["truth"]
    assert slope == pytest.approx(1.0, abs=4 * spread["slope"].std())
    assert intercept == pytest.approx(0.0, abs=4 * spread["intercept"].std())
    assert spread["slope"].std() < 0.05


def test_too_sure_predictions_halve_the_slope() -> None:
    probability, truth = drawn(500, 1.5, 5)
    odds = probability[:, :1] / (1 - probability[:, :1])
    two = np.hstack([odds, np.ones_like(odds)]) / (1 + odds)
    sure = np.hstack([odds**2, np.ones_like(odds)]) / (1 + odds**2)
    outcome = (truth > 0).astype(int)
    assert calibration_line(sure, outcome, np.ones(500))[0] == pytest.approx(calibration_line(two, outcome, np.ones(500))[0] / 2)


def test_bootstrap_samples_are_the_same_for_all_methods() -> None:
    probability, truth = drawn(60, 1.0, 6)
    found = resampled({"one": probability, "other": probability.copy()}, truth, np.random.default_rng(0), 5)
    assert tuple(found["one"]) == MEASURES
    for measure in MEASURES:
        np.testing.assert_array_equal(found["one"][measure], found["other"][measure])
    assert found["one"]["brier"].std() > 0
    assert bounds(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))
