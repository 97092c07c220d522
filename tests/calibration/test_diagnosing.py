"""What the fit says of itself, beside refits by least squares in the test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from refra.inference.calibration.diagnosing import parameter_table, row_table

RANDOM = np.random.default_rng(8)


def test_leaving_a_row_out_equals_a_refit_without_it() -> None:
    rows, parameters = 9, 5
    slopes = RANDOM.standard_normal((rows, parameters))
    start, observed, error = RANDOM.standard_normal(rows), RANDOM.standard_normal(rows), RANDOM.uniform(0.2, 1.0, rows)

    def solve(kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = slopes[kept] / error[kept, None]
        covariance = np.linalg.inv(np.eye(parameters) + x.T @ x)
        return covariance @ x.T @ ((observed - start)[kept] / error[kept]), covariance

    z, _ = solve(np.arange(rows))
    targets: list[Any] = [SimpleNamespace(evidence=f"row{i}", observed=observed[i]) for i in range(rows)]
    table = row_table(targets, start + slopes @ z, slopes, z, error)
    for i in range(rows):
        without, covariance = solve(np.delete(np.arange(rows), i))
        told = start[i] + slopes[i] @ without
        assert table.loc[i, "left_out_prediction"] == pytest.approx(told)
        variance = error[i] ** 2 + slopes[i] @ covariance @ slopes[i]
        assert table.loc[i, "left_out_z"] == pytest.approx((observed[i] - told) / np.sqrt(variance))


def test_the_row_that_pulls_away_is_named() -> None:
    # Three rows on one parameter: two say 3, one says -3.
    slopes, error = np.ones((3, 1)), np.full(3, 0.3)
    observed = np.array([3.0, 3.0, -3.0])
    z = np.array([observed.sum() / 0.09 / (1 + 3 / 0.09)])
    targets: list[Any] = [SimpleNamespace(evidence=name, observed=value) for name, value in zip("abc", observed, strict=True)]
    table = row_table(targets, slopes @ z, slopes, z, error).set_index("evidence")
    assert table.loc["a", "opposed_by"] == "c"
    assert table.loc["c", "opposed_by"] in ("a", "b")
    calm = row_table(targets[:2], np.array([2.8, 2.8]), slopes[:2], np.array([2.8]), error[:2])
    assert list(calm["opposed_by"]) == ["", ""]


def test_contraction_and_conflict_by_arithmetic() -> None:
    standard = RANDOM.standard_normal(4000)
    standard = (standard - standard.mean()) / standard.std()
    table = parameter_table(["still", "sharp"], np.stack([standard, 1.6 + 0.6 * standard], axis=1), np.ones(2), np.full(2, 99.0))
    still, sharp = table.to_dict(orient="records")
    assert still["contraction"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(still["conflict"])
    assert sharp["contraction"] == pytest.approx(1 - 0.36)
    assert sharp["conflict"] == pytest.approx(1.6 / 0.8)
