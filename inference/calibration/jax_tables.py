"""From standard normal deviates to parameter values and the network's tables, differentiable with JAX.

Importing this module switches JAX to double precision, without which posteriors of rare findings lose their digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array
from numpy.typing import NDArray

from ...data.errors import RefraError, unknown_name
from ...data.records import Parameter
from ...model.assembly import SPECS
from ...model.draws import Draws
from .settings import in_setting

numpyro.enable_x64()

TableName = tuple[str, str]
"""A setting and a variable."""


@dataclass(frozen=True, eq=False)
class Prior:
    """Parameter records as one vector of independent standard normal deviates z.

    A parameter is `location + spread * z` on the scale of its distribution: the log odds for a logit-normal one, the logarithm for a
    lognormal one, its own scale for a normal one; z = 0 is its centre. This is the distribution of `model.draws.natural`.

    Attributes:
        ids: the records' ids in the order of z.
        location: of each parameter, shape (parameters,).
        spread: of each parameter, shape (parameters,).
        on_logit: which parameters are on the log odds, shape (parameters,).
        on_log: which are on the logarithm, shape (parameters,).
    """

    ids: tuple[str, ...]
    location: NDArray[np.float64]
    spread: NDArray[np.float64]
    on_logit: NDArray[np.bool_]
    on_log: NDArray[np.bool_]

    @classmethod
    def of(cls, records: Mapping[str, Parameter]) -> Prior:
        """Read the records; an unknown distribution raises `RefraError`."""
        kinds = np.array([record.distribution for record in records.values()])
        if unknown := set(kinds) - {"logit_normal", "lognormal", "normal"}:
            raise RefraError(f"distribution {sorted(unknown)[0]!r}; logit_normal, lognormal and normal are accepted")
        centre = np.array([record.centre for record in records.values()])
        on_logit, on_log = kinds == "logit_normal", kinds == "lognormal"
        location = centre.copy()
        location[on_logit] = np.log(centre[on_logit]) - np.log1p(-centre[on_logit])
        location[on_log] = np.log(centre[on_log])
        return cls(tuple(records), location, np.array([record.spread for record in records.values()]), on_logit, on_log)

    def vector(self, z: Array) -> Array:
        """Return every parameter on its natural scale, shape (parameters,), from z of the same shape."""
        scaled = self.location + self.spread * z
        # Each branch gets a harmless number where another one is taken: an overflow there would spoil the derivatives.
        positive = jnp.exp(jnp.where(self.on_log, scaled, 0.0))
        return jnp.where(self.on_logit, jax.nn.sigmoid(jnp.where(self.on_logit, scaled, 0.0)), jnp.where(self.on_log, positive, scaled))

    def values(self, z: Array) -> dict[str, Array]:
        """Return the value of every parameter by id, each of shape (1,), a single parameter set."""
        return dict(zip(self.ids, jnp.split(self.vector(z), len(self.ids)), strict=True))


def build_tables(values: Mapping[str, Any], names: Iterable[TableName]) -> dict[TableName, Any]:
    """Return the tables of (setting, variable) pairs, each of shape (states of the parents, states of the variable).

    Tables without parameters come back as numpy arrays, so that what follows from them alone is worked out once.
    """
    draws: dict[str, Draws] = {}
    tables: dict[TableName, Any] = {}
    for setting, variable in names:
        if variable not in SPECS:
            raise unknown_name("variable", variable, SPECS)
        if setting not in draws:
            draws[setting] = Draws(in_setting(values, setting), 1)
        tables[setting, variable] = SPECS[variable].build(variable, draws[setting]).table[0]
    return tables
