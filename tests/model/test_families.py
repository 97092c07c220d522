"""The builders of tables against arithmetic and enumeration."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from refra.model import families
from refra.model.families import (
    LOGISTIC_SD,
    along,
    binary,
    deterministic,
    differences,
    lift,
    log_odds,
    multiplexer,
    noisy_max,
    on_scale,
    ordered_logit,
    response_mixture,
    shared,
    spread_out,
    weights,
)

Array = NDArray[np.float64]

probability = st.floats(1e-6, 1 - 1e-6)
score = st.floats(-30, 30)
offline = settings(max_examples=100, deadline=None, derandomize=True)


def values(*numbers: float) -> Array:
    return np.array(numbers, dtype=float)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def is_a_table(table: Array) -> bool:
    return bool((table >= 0).all() and np.allclose(table.sum(axis=-1), 1, atol=1e-12))


# --- laying out -----------------------------------------------------------------------------------------------------


def test_along_lays_states_on_their_axis() -> None:
    laid = along(1, 3, [values(1, 2), values(3), 4.0])
    assert laid.shape == (2, 1, 3, 1)
    assert laid[:, 0, :, 0].tolist() == [[1, 3, 4], [2, 3, 4]]


def test_lift_keeps_the_sets() -> None:
    assert lift(values(1, 2, 3), 2).shape == (3, 1, 1)


def test_spread_out_repeats_where_a_parent_does_not_matter() -> None:
    table = spread_out(along(0, 2, [values(0.1), values(0.7)]), (2, 3))
    assert table.tolist() == [[[0.1] * 3, [0.7] * 3]]
    assert table.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("x", [-800.0, -3.0, 0.0, 2.5, 800.0])
def test_expit_has_no_overflow(x: float) -> None:
    exact = 0.0 if x < -700 else 1.0 if x > 700 else logistic(x)
    assert families.expit(values(x))[0] == pytest.approx(exact, abs=1e-15)


@offline
@given(probability)
def test_logit_undoes_expit(p: float) -> None:
    assert families.logit(values(p))[0] == pytest.approx(math.log(p / (1 - p)), abs=1e-9)
    assert families.expit(families.logit(values(p)))[0] == pytest.approx(p)


# --- two states -----------------------------------------------------------------------------------------------------


def test_binary_puts_yes_last() -> None:
    assert binary(values(0.2, 0.9)).tolist() == [[0.8, 0.2], [pytest.approx(0.1), 0.9]]


def test_log_odds_multiplies_odds() -> None:
    # odds 1 to 3, times 2 and times 6: 2 to 3 and 4 to 1 (with both)
    shifts = [along(0, 2, [0.0, math.log(2)]), along(1, 2, [0.0, math.log(6)])]
    table = log_odds(lift(values(0.25), 2), *shifts)
    assert table.shape == (1, 2, 2, 2)
    assert table[0, :, :, 1] == pytest.approx(np.array([[1 / 4, 6 / 9], [2 / 5, 12 / 15]]))


def test_response_mixture_is_drug_or_context() -> None:
    # no response needs both to fail
    table = response_mixture(values(0.1), values(0.3))
    assert table[0] == pytest.approx([0.9 * 0.7, 1 - 0.9 * 0.7])
    assert response_mixture(values(0.1), values(0.0))[0, 1] == pytest.approx(0.1)
    assert response_mixture(values(0.0), values(0.3))[0, 1] == pytest.approx(0.3)


@offline
@given(probability, probability, probability)
def test_response_mixture_rises_with_both(context: float, gain: float, more: float) -> None:
    table = response_mixture(values(context), values(gain))
    assert is_a_table(table)
    assert max(context, gain) - 1e-12 <= table[0, 1] <= context + gain
    larger = response_mixture(values(context), values(gain + (1 - gain) * more))
    assert larger[0, 1] >= table[0, 1]


# --- several states -------------------------------------------------------------------------------------------------


def test_weights_are_shares() -> None:
    table = weights(values(1, 2), values(3), values(4, 5))
    assert table == pytest.approx(np.array([[1, 3, 4], [2, 3, 5]]) / np.array([[8], [10]]))


@offline
@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=6), st.floats(1e-3, 1e3))
def test_weights_do_not_depend_on_their_scale(given_weights: list[float], scale: float) -> None:
    table = weights(*(values(w) for w in given_weights))
    assert is_a_table(table)
    assert weights(*(values(w * scale) for w in given_weights)) == pytest.approx(table)


def test_differences_of_cumulative_probabilities() -> None:
    assert differences([values(0.2), values(0.7)])[0] == pytest.approx([0.2, 0.5, 0.3])


def test_ordered_logit_at_score_zero_is_the_base() -> None:
    table = ordered_logit(along(0, 1, [0.0]), [lift(values(0.2), 1), lift(values(0.7), 1)])
    assert table[0, 0] == pytest.approx([0.2, 0.5, 0.3])


def test_ordered_logit_adds_the_score_to_every_cumulative_logit() -> None:
    table = ordered_logit(along(0, 1, [0.0, 1.5]), [lift(values(0.2), 1), lift(values(0.7), 1)])
    first = logistic(math.log(0.25) + 1.5)
    second = logistic(math.log(7 / 3) + 1.5)
    assert table[0, 1] == pytest.approx([first, second - first, 1 - second])


def test_ordered_logit_sorts_draws_that_cross() -> None:
    crossed = ordered_logit(np.zeros((2, 1)), [lift(values(0.2, 0.8), 1), lift(values(0.7, 0.7), 1)])
    assert crossed[:, 0] == pytest.approx(np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]))


@offline
@given(st.lists(probability, min_size=1, max_size=5), score, st.floats(0, 5))
def test_ordered_logit_is_a_table_and_moves_mass_down(cumulative: list[float], at: float, more: float) -> None:
    base = [lift(values(p), 1) for p in cumulative]
    table = ordered_logit(along(0, 1, [at, at + more]), base)
    assert is_a_table(table)
    lower, higher = np.cumsum(table[0], axis=-1)
    assert (higher >= lower - 1e-12).all()


def test_on_scale_is_a_logistic_curve_cut_at_the_limits() -> None:
    table = on_scale(values(2.0), values(1.5), [1.0, 4.0])
    width = 1.5 * math.sqrt(3) / math.pi
    low, high = logistic((1 - 2) / width), logistic((4 - 2) / width)
    assert table[0] == pytest.approx([low, high - low, 1 - high])


def test_on_scale_has_its_median_at_the_location() -> None:
    assert on_scale(values(3.0), values(0.7), [3.0])[0] == pytest.approx([0.5, 0.5])


def test_the_scatter_is_a_standard_deviation() -> None:
    # the second moment of the cut-up distribution, on a fine grid
    cuts = np.arange(-40, 40, 0.01)
    table = on_scale(values(1.0), values(2.0), [float(cut) for cut in cuts])[0]
    middles = np.concatenate([[cuts[0]], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1]]])
    assert table @ middles == pytest.approx(1.0, abs=1e-3)
    assert math.sqrt(table @ (middles - 1.0) ** 2) == pytest.approx(2.0, abs=1e-3)
    assert math.pi / math.sqrt(3) == LOGISTIC_SD


def test_cuts_may_differ_by_parent() -> None:
    table = on_scale(np.zeros((1, 2)), lift(values(1.0), 1), [along(0, 1, [-1.0, 0.0]), np.ones(1)])
    assert table[0, 1, 0] == pytest.approx(0.5)
    assert table[0, 0, 0] == pytest.approx(logistic(-math.pi / math.sqrt(3)))
    assert table[0, 0, 2] == pytest.approx(table[0, 1, 2])


@offline
@given(st.floats(-50, 50), st.floats(0.05, 10), st.lists(st.floats(-50, 50), min_size=1, max_size=5), st.floats(0, 5))
def test_on_scale_is_a_table_and_follows_the_location(location: float, scatter: float, cuts: list[float], more: float) -> None:
    both = on_scale(along(0, 1, [location, location + more]), lift(values(scatter), 1), sorted(cuts))
    assert is_a_table(both)
    lower, higher = np.cumsum(both[0], axis=-1)
    assert (higher <= lower + 1e-12).all()


# --- independent causes ---------------------------------------------------------------------------------------------


def maximum_by_enumeration(leak: Array, effects: list[Array], parents: tuple[int, ...]) -> Array:
    """P(max of the contributions = k), by summing over all of them."""
    states = len(leak)
    rows = [leak, *(effect[state] for effect, state in zip(effects, parents, strict=True))]
    found = np.zeros(states)
    for contributions in product(range(states), repeat=len(rows)):
        found[max(contributions)] += math.prod(row[k] for row, k in zip(rows, contributions, strict=True))
    return found


def test_noisy_max_equals_enumeration() -> None:
    random = np.random.default_rng(20261122)
    leak = random.dirichlet(np.ones(3), size=2)
    effects = [random.dirichlet(np.ones(3), size=(2, cards)) for cards in (2, 3, 2)]
    table = noisy_max(leak, effects)
    assert table.shape == (2, 2, 3, 2, 3)
    assert is_a_table(table)
    for draw in range(2):
        for parents in np.ndindex(2, 3, 2):
            exact = maximum_by_enumeration(leak[draw], [effect[draw] for effect in effects], parents)
            assert table[(draw, *parents)] == pytest.approx(exact)


def test_noisy_max_of_two_states_is_noisy_or() -> None:
    absent = [1.0, 0.0]
    effects = [np.array([[absent, [0.4, 0.6]]]), np.array([[absent, [0.7, 0.3]]])]
    table = noisy_max(np.array([[0.9, 0.1]]), effects)
    assert table[0, 0, 0, 0] == pytest.approx(0.9)
    assert table[0, 1, 0, 0] == pytest.approx(0.9 * 0.4)
    assert table[0, 1, 1, 0] == pytest.approx(0.9 * 0.4 * 0.7)


# --- definitions ----------------------------------------------------------------------------------------------------


def test_multiplexer_copies_the_selected_input() -> None:
    selectors = ("a", "b", "none")
    table = multiplexer(selectors, {"a": 0, "b": 1}, 2)
    assert table.shape == (1, 3, 2, 2, 2)
    for position, selector in enumerate(selectors):
        for inputs in product((0, 1), repeat=2):
            wanted = {"a": inputs[0], "b": inputs[1], "none": 0}[selector]
            assert table[(0, position, *inputs)].tolist() == [1.0 - wanted, float(wanted)]


def test_multiplexer_may_default_to_yes() -> None:
    assert multiplexer(("none",), {}, 1, default=1)[0, 0].tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_deterministic_tables_hold_the_rule() -> None:
    table = deterministic((2, 3), 4, lambda a, b: a + b)
    assert is_a_table(table)
    assert set(np.unique(table)) == {0.0, 1.0}
    assert all(table[0, a, b].argmax() == a + b for a, b in np.ndindex(2, 3))


def test_shared_tables_hold_the_shares() -> None:
    table = shared((2,), 3, lambda a: (1.0, 0.0, 0.0) if a == 0 else (0.0, 0.5, 0.5))
    assert table.tolist() == [[[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]]


@pytest.mark.parametrize(
    "build",
    [
        lambda p: log_odds(p, values(1.0)),
        lambda p: response_mixture(p, values(0.3)),
        lambda p: weights(p, 1 - p),
        lambda p: ordered_logit(values(0.5), [p]),
        lambda p: on_scale(p, values(1.0), [0.2, 0.4]),
    ],
)
def test_every_set_of_parameters_gets_its_own_row(build: Callable[[Array], Array]) -> None:
    several = values(0.1, 0.5, 0.9)
    together = build(several)
    assert together.shape[0] == 3
    for position, p in enumerate(several):
        assert build(values(p))[0] == pytest.approx(together[position])
