"""Co-variation of a row: laws, worked examples, refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refra.data.errors import FindingError, UnknownNameError
from refra.inference.sensitivity.covariation import SCHEMES, covaried, pieces

ROWS = st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(any).map(lambda found: np.array(found) / sum(found))


def order(row: np.ndarray) -> list[int]:
    return np.argsort(row, kind="stable").tolist()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ROWS, st.sampled_from(SCHEMES), st.integers(0, 5), st.floats(0, 1))
def test_rows_stay_distributions_and_hold_the_value(row: np.ndarray, scheme: str, state: int, part: float) -> None:
    state %= len(row)
    try:
        found = pieces(row, state, scheme)
    except FindingError:
        assert (scheme == "proportional" and row[state] == 1) or (scheme == "order_preserving" and not (row > row[state]).any())
        return
    low, high = found[0].low, found[-1].high
    value = min(max(low + part * (high - low), low), high)
    new = covaried(row, state, value, scheme)
    assert new[state] == pytest.approx(value, abs=1e-12)
    assert new.sum() == pytest.approx(1, abs=1e-12)
    assert new.min() >= -1e-12
    for before, after in pairwise(found):
        assert before.high == after.low
        np.testing.assert_allclose(before.row(before.high), after.row(after.low), atol=1e-12)
    if scheme != "uniform" and low <= row[state] <= high:
        np.testing.assert_allclose(covaried(row, state, row[state], scheme), row, atol=1e-12)
    others = np.arange(len(row)) != state
    if scheme == "uniform":
        assert np.ptp(new[others]) < 1e-12
    elif scheme == "proportional":
        # Cross products are the same where proportions are.
        np.testing.assert_allclose(np.outer(new[others], row[others]), np.outer(row[others], new[others]), atol=1e-12)
    else:
        ranked = order(row)
        assert (np.diff(new[ranked]) >= -1e-12).all()


def test_worked_example_of_a_travel_survey() -> None:
    """P(car, train, other | employed, big city) of Scutari & Denis 2014; train goes to 0.3, worked out by hand from Renooij 2014."""
    row = np.array([0.70, 0.21, 0.09])
    left = 0.7 / 0.79
    np.testing.assert_allclose(covaried(row, 1, 0.3, "proportional"), [0.7 * left, 0.3, 0.09 * left])
    np.testing.assert_allclose(covaried(row, 1, 0.3, "uniform"), [0.35, 0.3, 0.35])
    # Train may rise to 1/2, where car has come down to it and other has gone to 0; 0.3 is 9/29 of the way from 0.21.
    way = 9 / 29
    np.testing.assert_allclose(covaried(row, 1, 0.3, "order_preserving"), [0.7 - way * 0.2, 0.3, 0.09 - way * 0.09])
    # Down to 0.07, a third: what is less goes down in proportion, and car takes the rest.
    np.testing.assert_allclose(covaried(row, 1, 0.07, "order_preserving"), [0.9, 0.07, 0.03])


def test_uniform_does_not_pass_through_the_present_row() -> None:
    assert covaried(np.array([0.5, 0.3, 0.2]), 0, 0.5, "uniform").tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("row", "state", "value", "scheme", "said"),
    [
        ([1.0, 0.0], 0, 0.5, "proportional", "uniform"),
        ([0.7, 0.3], 0, 0.5, "order_preserving", "greatest"),
        ([0.0, 0.5, 0.5], 2, 0.5, "order_preserving", "greatest"),
        ([0.7, 0.21, 0.09], 1, 0.65, "order_preserving", "0 to 0.5"),
        ([0.7, 0.3], 0, 1.1, "proportional", "0 to 1"),
    ],
)
def test_what_cannot_be_varied_is_refused(row: list[float], state: int, value: float, scheme: str, said: str) -> None:
    with pytest.raises(FindingError, match=said):
        covaried(np.array(row), state, value, scheme)


def test_the_nearest_scheme_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'proportional'"):
        pieces(np.array([0.5, 0.5]), 0, "proportionl")
