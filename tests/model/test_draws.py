"""Draws of the parameters: the centre first, a stream of its own for each, shifts one at a time."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from refra.data.errors import UnknownNameError
from refra.data.fitted import Fitted
from refra.data.loading import parameters
from refra.data.records import Parameter
from refra.model.draws import (
    DEFAULT_DRAWS,
    Draws,
    fitted_draws,
    independent_draws,
    natural,
    rows_picked,
    shifts_of,
    shipped_draws,
    standard,
)

BASE = next(iter(parameters().values()))
SEED = 11


def record(name: str, distribution: str, centre: float, spread: float) -> Parameter:
    return replace(BASE, id=name, distribution=distribution, centre=centre, spread=spread)


RECORDS = {
    found.id: found
    for found in (
        record("share", "logit_normal", 0.2, 0.5),
        record("ratio", "lognormal", 3.0, 0.4),
        record("effect", "normal", -0.7, 0.3),
    )
}


def standardised(found: Parameter, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo the transformation, written out here."""
    if found.distribution == "logit_normal":
        centre = math.log(found.centre / (1 - found.centre))
        return np.asarray((np.log(values) - np.log(1 - values) - centre) / found.spread)
    if found.distribution == "lognormal":
        return np.asarray((np.log(values) - math.log(found.centre)) / found.spread)
    return np.asarray((values - found.centre) / found.spread)


def test_one_standard_deviation_on_each_scale() -> None:
    up = np.array([1.0])
    # odds 1 to 4, times e^0.5
    odds = 0.25 * math.exp(0.5)
    assert natural(RECORDS["share"], up)[0] == pytest.approx(odds / (1 + odds))
    assert natural(RECORDS["ratio"], up)[0] == pytest.approx(3 * math.exp(0.4))
    assert natural(RECORDS["effect"], up)[0] == pytest.approx(-0.4)


def test_deviates_and_values_are_each_others_inverse() -> None:
    deviates = np.linspace(-3, 3, 7)
    for record in parameters().values():
        np.testing.assert_allclose(standard(record, natural(record, deviates)), deviates, atol=1e-8)


def test_every_draw_is_picked_once_before_any_comes_again() -> None:
    picked = rows_picked(7, 17, 3)
    assert [sorted(picked[:7]), sorted(picked[7:14])] == [list(range(7))] * 2
    assert len(set(picked[14:])) == 3
    np.testing.assert_array_equal(picked[:5], rows_picked(7, 5, 3))


def test_set_zero_is_the_centre() -> None:
    for draws in (independent_draws(parameters(), 3, SEED), shifts_of(parameters(), None), shipped_draws(0, SEED, "prior")):
        for identifier, found in parameters().items():
            assert draws[identifier][0] == pytest.approx(found.centre, rel=1e-12), identifier


def test_the_number_of_sets_counts_the_centre() -> None:
    draws = independent_draws(RECORDS, 7, SEED)
    assert draws.count == 8
    assert all(len(values) == 8 for values in draws.values.values())
    assert shipped_draws().count == DEFAULT_DRAWS + 1
    assert shipped_draws() is shipped_draws()


def same(one: Draws, other: Draws, names: tuple[str, ...]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in names)


def test_the_same_seed_gives_the_same_draws() -> None:
    one, other = independent_draws(RECORDS, 50, SEED), independent_draws(RECORDS, 50, SEED)
    assert same(one, other, tuple(RECORDS))
    another = independent_draws(RECORDS, 50, SEED + 1)
    assert all(not np.array_equal(one[name][1:], another[name][1:]) for name in RECORDS)


def test_a_new_record_leaves_the_others_as_they_were() -> None:
    more = {"new": record("new", "normal", 0.0, 1.0), **dict(reversed(RECORDS.items()))}
    assert same(independent_draws(RECORDS, 50, SEED), independent_draws(more, 50, SEED), tuple(RECORDS))


def test_more_sets_begin_with_the_same_ones() -> None:
    few, many = independent_draws(RECORDS, 10, SEED), independent_draws(RECORDS, 40, SEED)
    assert all(np.array_equal(few[name], many[name][:11]) for name in RECORDS)


def test_every_shipped_parameter_has_a_stream_of_its_own() -> None:
    assert len({zlib.crc32(identifier.encode()) for identifier in parameters()}) == len(parameters())


def test_one_at_a_time_shifts_exactly_one() -> None:
    draws = shifts_of(RECORDS, None)
    assert draws.count == len(RECORDS) + 1
    for position, (name, found) in enumerate(RECORDS.items()):
        expected = np.zeros(draws.count)
        expected[position + 1] = 1.0
        assert standardised(found, draws[name]) == pytest.approx(expected, abs=1e-12)


def test_draws_have_the_mean_and_spread_of_their_records() -> None:
    count = 4000
    draws = independent_draws(parameters(), count, SEED)
    table = np.stack([standardised(found, draws[name][1:]) for name, found in parameters().items()])
    # five standard errors of a mean and of a standard deviation of `count` normal deviates
    assert np.abs(table.mean(axis=1)).max() < 5 / math.sqrt(count)
    assert np.abs(table.std(axis=1) - 1).max() < 5 / math.sqrt(2 * count)
    assert abs(table.mean()) < 5 / math.sqrt(table.size)
    assert abs(table.std() - 1) < 5 / math.sqrt(2 * table.size)


def test_draws_of_different_parameters_are_independent() -> None:
    count = 2000
    draws = independent_draws(parameters(), count, SEED)
    table = np.stack([standardised(found, draws[name][1:]) for name, found in parameters().items()])
    apart = np.corrcoef(table) - np.eye(len(table))
    # the largest of some 190 000 correlations of independent deviates stays below six standard errors
    assert np.abs(apart).max() < 6 / math.sqrt(count)


def test_draws_stay_in_their_domain() -> None:
    draws = shipped_draws()
    for identifier, found in parameters().items():
        values = draws[identifier]
        assert np.isfinite(values).all(), identifier
        if found.distribution == "logit_normal":
            assert ((values > 0) & (values < 1)).all(), identifier
        elif found.distribution == "lognormal":
            assert (values > 0).all(), identifier


POSTERIOR = Fitted(("share", "effect"), np.array([[0.5, -1.0], [1.5, -2.0], [1.0, -1.5], [-1.0, 0.5]]), np.array([True, True]), ())


def test_fitted_sets_keep_what_belongs_together() -> None:
    draws = fitted_draws(RECORDS, POSTERIOR, 4, SEED)
    pairs = np.stack([standardised(RECORDS[name], draws[name]) for name in ("share", "effect")], axis=1)
    np.testing.assert_allclose(pairs[0], [0.5, -1.0], atol=1e-12)
    assert {tuple(np.round(pair, 9)) for pair in pairs[1:]} == {tuple(row) for row in POSTERIOR.deviates}


def test_fitted_sets_come_round_again_and_others_are_drawn_alone() -> None:
    draws = fitted_draws(RECORDS, POSTERIOR, 10, SEED)
    found = standardised(RECORDS["effect"], draws["effect"][1:])
    counts = [int(np.isclose(found, value).sum()) for value in POSTERIOR.deviates[:, 1]]
    assert sorted(counts) == [2, 2, 3, 3]
    assert same(draws, independent_draws(RECORDS, 10, SEED), ("ratio",))


def test_an_edited_record_moves_the_fitted_values_with_it() -> None:
    edited = {**RECORDS, "effect": record("effect", "normal", 2.0, 0.1)}
    draws = fitted_draws(edited, POSTERIOR, 4, SEED)
    assert draws["effect"][0] == pytest.approx(2.0 - 1.0 * 0.1)


def test_shifts_of_a_posterior_start_at_its_mean_and_go_as_far_as_its_spread() -> None:
    draws = shifts_of(RECORDS, POSTERIOR)
    place = 1 + list(RECORDS).index("effect")
    found = standardised(RECORDS["effect"], draws["effect"])
    assert found[0] == pytest.approx(-1.0)
    assert found[place] == pytest.approx(-1.0 + np.std([-1.0, -2.0, -1.5, 0.5]))
    assert np.delete(found, place) == pytest.approx(-1.0)


def test_the_centre_of_what_no_row_asks_about_is_that_of_its_record() -> None:
    noisy = Fitted(("share",), np.array([[0.1], [0.3]]), np.array([False]), ())
    assert fitted_draws(RECORDS, noisy, 2, SEED)["share"][0] == pytest.approx(RECORDS["share"].centre)
    assert standardised(RECORDS["share"], shifts_of(RECORDS, noisy)["share"])[0] == pytest.approx(0.0, abs=1e-12)


def test_the_basis_is_checked() -> None:
    with pytest.raises(UnknownNameError, match="'fitted'"):
        shipped_draws(0, SEED, "fited")
    assert not np.array_equal(shipped_draws(5, SEED, "prior")["depression.prevalence"], shipped_draws(5, SEED)["depression.prevalence"])
