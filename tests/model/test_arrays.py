"""The array functions of the builders: numpy's own for numpy arrays, JAX's where one argument is a JAX array."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from refra.model.arrays import FUNCTIONS, contiguous, xp


def test_numpy_arrays_stay_numpy_arrays() -> None:
    assert type(xp.exp(np.zeros(2))) is np.ndarray
    assert type(xp.stack([np.zeros(2), np.ones(2)])) is np.ndarray
    assert xp.zeros((2, 3)).shape == (2, 3)


@pytest.mark.parametrize("values", [[jnp.zeros(2), np.ones(2)], (np.ones(2), jnp.zeros(2)), [[np.ones(2)], [jnp.zeros(2)]]])
def test_one_jax_array_at_any_depth_makes_the_result_one(values: object) -> None:
    assert isinstance(xp.array(values), jax.Array)


def test_a_traced_value_can_be_differentiated() -> None:
    # d/dx log(exp(x) + 1) at 0 is one half.
    assert float(jax.grad(lambda x: xp.log(xp.exp(x) + 1))(0.0)) == pytest.approx(0.5)


def test_every_function_is_in_both_libraries() -> None:
    assert [name for name in FUNCTIONS if not hasattr(np, name) or not hasattr(jnp, name)] == []


def test_contiguous_lays_a_numpy_array_out_and_leaves_a_jax_array() -> None:
    assert contiguous(np.broadcast_to(np.zeros(2), (3, 2))).flags["C_CONTIGUOUS"]
    array = jnp.zeros(2)
    assert contiguous(array) is array


def test_building_the_network_does_not_import_jax() -> None:
    code = "import sys; from refra.model.assembly import central_model; central_model(); print('jax' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "False"
