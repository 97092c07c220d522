"""Credible intervals and shares of draws: arithmetic, and the centre's place among the draws of random questions."""

from __future__ import annotations

import numpy as np
import pytest

from refra.data.loading import variables
from refra.inference.asking import Known, ask
from refra.inference.intervals import interval, share_above, share_first
from refra.model.assembly import shipped_model

NAN = float("nan")


def test_bounds_are_quantiles_of_the_draws_without_the_centre() -> None:
    values = np.array([100.0, *range(101)])
    assert interval(values, 0.9) == pytest.approx((5.0, 95.0))
    assert interval(values, 0.5) == pytest.approx((25.0, 75.0))
    table = np.stack([values, 2 * values], axis=1)
    low, high = interval(table, 0.9)
    assert low.tolist() == pytest.approx([5.0, 10.0])
    assert high.tolist() == pytest.approx([95.0, 190.0])


def test_without_draws_the_bounds_are_the_centre() -> None:
    assert interval(np.array([0.3]), 0.95) == pytest.approx((0.3, 0.3))


def test_impossible_draws_do_not_count() -> None:
    assert interval(np.array([9.0, NAN, 1.0, 2.0, 3.0]), 0.5) == pytest.approx((1.5, 2.5))
    low, high = interval(np.array([9.0, NAN, NAN]), 0.5)
    assert np.isnan(low)
    assert np.isnan(high)


def test_share_first_by_hand() -> None:
    scores = np.array([[0.0, 9.0, 0.0], [1.0, 0.0, 0.0], [3.0, 2.0, 1.0], [0.0, 0.0, 1.0], [NAN, 5.0, 1.0]])
    # The centre is no draw, and a draw that is impossible does not count.
    assert share_first(scores).tolist() == pytest.approx([2 / 3, 0.0, 1 / 3])
    assert share_first(scores[:1]).tolist() == [0.0, 1.0, 0.0]
    assert np.isnan(share_first(np.array([[1.0, 2.0], [NAN, 1.0]]))).all()


def test_share_above_by_hand() -> None:
    others = np.array([[9.0, 9.0], [1.0, 0.0], [2.0, 5.0], [0.5, 0.0], [1.0, 2.0]])
    first = np.array([0.0, 1.0, 1.0, 1.0, 1.0])
    assert share_above(first, others).tolist() == [0.25, 0.5]
    assert share_above(first[:1], others[:1]).tolist() == [1.0, 1.0]


def test_the_centre_lies_within_the_interval_nearly_always() -> None:
    rng = np.random.default_rng(11)
    model = shipped_model(200, 20261122)
    findings = [name for name, variable in variables().items() if variable.role == "finding"]
    asked = [name for name, variable in variables().items() if variable.role in ("latent", "summary", "outcome")]
    inside = total = 0
    for _ in range(30):
        hard = {"current_drug": int(rng.integers(1, model.card("current_drug")))}
        for name in rng.choice(findings, int(rng.integers(1, 6)), replace=False):
            # The likeliest state or the one before it: findings as they are met.
            row = ask(model.central(), Known(hard), [str(name)])[str(name)][0]
            hard[str(name)] = int(rng.choice(len(row), p=row / row.sum()))
        targets = tuple(str(name) for name in rng.choice(asked, 2, replace=False))
        answer = ask(model, Known(hard), targets)
        for name in targets:
            values = np.broadcast_to(answer[name], (201, model.card(name)))
            low, high = interval(values, 0.95)
            assert (low <= high).all()
            counted = values[0] > 0.001
            inside += int(((low - 1e-12 <= values[0]) & (values[0] <= high + 1e-12))[counted].sum())
            total += int(counted.sum())
    print(f"{inside} of {total} central probabilities lie within their interval")
    assert inside >= 0.95 * total
