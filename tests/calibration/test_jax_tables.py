"""Parameter values and tables from JAX beside the numpy builders that refra answers with."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from refra.data.errors import RefraError, UnknownNameError
from refra.data.loading import parameters
from refra.inference.calibration.jax_tables import Prior, build_tables
from refra.inference.calibration.settings import ROUTINE, TRIAL, in_setting
from refra.model.assembly import SPECS, assemble
from refra.model.draws import Draws, independent_draws, natural

RECORDS = parameters()
PRIOR = Prior.of(RECORDS)


def deviates(sets: int) -> np.ndarray:
    return np.random.default_rng(20).standard_normal((sets, len(RECORDS)))


def numpy_draws(z: np.ndarray) -> Draws:
    return Draws({name: natural(record, z[:, place]) for place, (name, record) in enumerate(RECORDS.items())}, len(z))


def test_values_are_those_of_the_records_distributions() -> None:
    z = deviates(5)
    wanted = numpy_draws(z)
    for row, deviate in enumerate(z):
        for name, value in PRIOR.values(jnp.asarray(deviate)).items():
            assert value.shape == (1,)
            np.testing.assert_allclose(value[0], wanted[name][row], rtol=1e-12)


def test_the_centre_is_zero() -> None:
    values = PRIOR.values(jnp.zeros(len(RECORDS)))
    for name, record in RECORDS.items():
        assert float(values[name][0]) == pytest.approx(record.centre, rel=1e-12)


@pytest.mark.parametrize("distribution", ["logit_normal", "lognormal", "normal"])
def test_quantiles_are_those_of_the_distribution(distribution: str) -> None:
    # The quantile function written with scipy's normal one, not with z.
    name, record = next((name, record) for name, record in RECORDS.items() if record.distribution == distribution)
    for share in (1e-6, 0.025, 0.5, 0.9, 1 - 1e-6):
        value = float(Prior.of({name: record}).vector(jnp.asarray([norm.ppf(share)]))[0])
        if distribution == "normal":
            on_scale, centre = value, record.centre
        elif distribution == "lognormal":
            on_scale, centre = math.log(value), math.log(record.centre)
        else:
            on_scale, centre = math.log(value / (1 - value)), math.log(record.centre / (1 - record.centre))
        assert norm.cdf(on_scale, loc=centre, scale=record.spread) == pytest.approx(share, rel=1e-6)


def test_independent_draws_are_the_same_parameters_at_their_own_deviates() -> None:
    draws = independent_draws(RECORDS, 3, 7)
    z = np.empty(len(RECORDS))
    for place, (name, record) in enumerate(RECORDS.items()):
        value, centre = draws[name][2], record.centre
        if record.distribution == "logit_normal":
            z[place] = (math.log(value / (1 - value)) - math.log(centre / (1 - centre))) / record.spread
        elif record.distribution == "lognormal":
            z[place] = math.log(value / centre) / record.spread
        else:
            z[place] = (value - centre) / record.spread
    values = PRIOR.values(jnp.asarray(z))
    for name in RECORDS:
        np.testing.assert_allclose(values[name][0], draws[name][2], rtol=1e-9)


def test_every_nodes_table_equals_the_numpy_builders() -> None:
    z = np.concatenate([np.zeros((1, len(RECORDS))), deviates(3), 2.5 * deviates(5)[3:]])
    model = assemble(numpy_draws(z))
    build = jax.jit(lambda z: build_tables(PRIOR.values(z), [(TRIAL, name) for name in SPECS]))
    for row, deviate in enumerate(z):
        tables = build(jnp.asarray(deviate))
        assert len(tables) == len(SPECS)
        for (_, name), table in tables.items():
            own = model.tables[name]
            np.testing.assert_allclose(table, own[row if len(own) > 1 else 0], rtol=0, atol=1e-9, err_msg=name)
            assert np.asarray(table).dtype == np.float64


def test_routine_care_moves_the_contextual_response_alone() -> None:
    values = {**PRIOR.values(jnp.zeros(len(RECORDS))), "setting.routine_contextual": jnp.asarray([-0.5])}
    moved = in_setting(values, ROUTINE)
    centre = RECORDS["response.contextual"].centre
    assert float(moved["response.contextual"][0]) == pytest.approx(1 / (1 + (1 - centre) / centre * math.exp(0.5)))
    assert {name for name in values if moved[name] is not values[name]} == {"response.contextual"}
    assert in_setting(values, TRIAL) == values


def test_what_is_refused() -> None:
    values = PRIOR.values(jnp.zeros(len(RECORDS)))
    with pytest.raises(RefraError, match=r"setting\.routine_contextual"):
        in_setting(values, ROUTINE)
    with pytest.raises(RefraError, match="trial and routine"):
        in_setting(values, "hospital")
    with pytest.raises(UnknownNameError, match="exposure"):
        build_tables(values, [(TRIAL, "exposur")])
    record = dataclasses.replace(RECORDS["acr50.fibromyalgia"], distribution="gamma")
    with pytest.raises(RefraError, match="gamma"):
        Prior.of({"x": record})
