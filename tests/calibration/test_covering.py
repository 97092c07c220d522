"""Coverage where it is known: exchangeable draws, shifted truths, answers that nothing can change."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data.loading import variables
from refra.inference.calibration.covering import ALL, cover, covered
from refra.inference.calibration.covering import _lines as lines
from refra.model.draws import PRIOR

REASONS = variables()["primary_reason"].state_ids


def test_exchangeable_draws_are_covered_as_often_as_promised() -> None:
    # Every patient is told the draws themselves: the i-th draw lies inside the others' interval unless it is among the outer ones.
    draws = np.random.default_rng(0).permutation(201).astype(float)
    answers = np.tile(draws, (201, 1))
    for level in (0.5, 0.9):
        inside, width = covered(answers, draws, level)
        assert inside.mean() == pytest.approx(level, abs=2 / 201)
        assert width.mean() == pytest.approx(200 * level, abs=2)


def test_a_shifted_truth_is_not_covered_and_the_own_draw_has_no_say() -> None:
    answers = np.random.default_rng(1).standard_normal((50, 50, 3))
    assert not covered(answers, np.full((50, 3), 9.0), 0.9)[0].any()
    changed = answers.copy()
    changed[np.arange(50), np.arange(50)] = 1e6
    for first, second in zip(covered(answers, np.zeros((50, 3)), 0.5), covered(changed, np.zeros((50, 3)), 0.5), strict=True):
        np.testing.assert_array_equal(first, second)


def test_answers_that_nothing_changes_do_not_count() -> None:
    inside = np.ones((4, len(REASONS)), dtype=np.bool_)
    inside[:2, 0] = False
    width = np.full((4, len(REASONS)), 0.2)
    width[2:, 0] = 0.0
    width[:, 1] = 0.0
    told = {line["reason"]: line for line in lines(inside, width)}
    assert (told[REASONS[0]]["covered"], told[REASONS[0]]["patients"]) == (0.0, 2)
    assert told[REASONS[1]]["patients"] == 0
    assert np.isnan(told[REASONS[1]]["covered"])
    # Five open reasons of four patients, one more of two.
    assert told[ALL]["covered"] == pytest.approx(20 / 22)
    # Residuals: the first two patients have 5 of 6, the others 5 of 5.
    residual = np.array([5 - 6 * 20 / 22] * 2 + [5 - 5 * 20 / 22] * 2)
    assert told[ALL]["error"] == pytest.approx(np.sqrt((residual**2).sum()) / 22)
    assert told[ALL]["width"] == pytest.approx(0.2)


def test_simulated_patients_are_covered() -> None:
    table = cover(80, PRIOR, seed=5, findings=(3,), levels=(0.5, 0.9)).table
    assert list(table["reason"]) == [*REASONS, ALL] * 2
    whole = table[table["reason"] == ALL].set_index("level")
    for level in (0.5, 0.9):
        assert whole.loc[level, "covered"] == pytest.approx(level, abs=5 * whole.loc[level, "error"] + 2 / 80)
    assert whole.loc[0.5, "width"] < whole.loc[0.9, "width"]
