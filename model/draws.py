"""Where parameter values come from: the seam between the records and everything that uses them.

A `Draws` holds, for every parameter, its value in a number of parameter sets. Set 0 is always the centre. There are two bases: `fitted`,
the joint posterior given all published numbers together, and `prior`, every record by itself.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..data.errors import unknown_name
from ..data.fitted import Fitted, fitted
from ..data.loading import parameters
from ..data.records import Parameter
from .arrays import Array, xp
from .on_demand import OnDemand

DEFAULT_DRAWS = 400
DEFAULT_SEED = 20261122

FITTED, PRIOR = "fitted", "prior"
BASES = (FITTED, PRIOR)


@dataclass(frozen=True)
class Draws:
    """Values of every parameter in `count` parameter sets, on each parameter's natural scale; set 0 is the centre."""

    values: Mapping[str, Array]
    count: int

    def __getitem__(self, parameter: str) -> Array:
        return self.values[parameter]


def natural(parameter: Parameter, standard: Array) -> Array:
    """Turn standard normal deviates into values of a parameter on its natural scale."""
    if parameter.distribution == "logit_normal":
        centre = math.log(parameter.centre / (1 - parameter.centre))
        return xp.asarray(1 / (1 + xp.exp(-(centre + parameter.spread * standard))))
    if parameter.distribution == "lognormal":
        return xp.asarray(parameter.centre * xp.exp(parameter.spread * standard))
    return xp.asarray(parameter.centre + parameter.spread * standard)


def standard(parameter: Parameter, values: Array) -> Array:
    """Turn values of a parameter on its natural scale into standard normal deviates; the inverse of `natural`."""
    if parameter.distribution == "logit_normal":
        moved = xp.log(values / (1 - values)) - math.log(parameter.centre / (1 - parameter.centre))
    elif parameter.distribution == "lognormal":
        moved = xp.log(values / parameter.centre)
    else:
        moved = values - parameter.centre
    return xp.asarray(moved / parameter.spread)


def independent_draws(records: Mapping[str, Parameter], draws: int, seed: int) -> Draws:
    """Draw every parameter independently from its record's distribution.

    Each parameter has a random stream of its own, named by its id, so that a new record leaves the draws of the others as they were; a
    parameter is drawn when its values are first read.
    """

    def drawn(identifier: str) -> Array:
        standard = np.zeros(draws + 1)
        if draws:
            standard[1:] = np.random.default_rng([seed, zlib.crc32(identifier.encode())]).standard_normal(draws)
        return natural(records[identifier], standard)

    return Draws(OnDemand(records, drawn), draws + 1)


def rows_picked(available: int, draws: int, seed: int) -> NDArray[np.intp]:
    """Return which of the posterior's draws are taken, shape (draws,): in an order set by `seed`, each once until all have been taken."""
    random = np.random.default_rng(seed)
    rounds = [random.permutation(available) for _ in range(-(-draws // available))]
    return np.concatenate([np.empty(0, dtype=np.intp), *rounds])[:draws]


def fitted_draws(records: Mapping[str, Parameter], posterior: Fitted, draws: int, seed: int) -> Draws:
    """Take parameter sets from the joint posterior; the centre is its mean, on the scale of each record's distribution.

    `draws` of the posterior's draws are picked by `seed` (`rows_picked`). A record that was no part of the fit is
    drawn independently.
    """
    picked = rows_picked(len(posterior.deviates), draws, seed)
    alone = independent_draws(records, draws, seed)

    def drawn(identifier: str) -> Array:
        column = posterior.column(identifier)
        if column is None:
            return alone[identifier]
        return natural(records[identifier], np.concatenate([[posterior.centre(identifier)], column[picked]]))

    return Draws(OnDemand(records, drawn), draws + 1)


def shifts_of(records: Mapping[str, Parameter], posterior: Fitted | None) -> Draws:
    """Shift one parameter at a time by one standard deviation, the posterior's if given: set i + 1 shifts the i-th record."""
    count = len(records) + 1
    values: dict[str, Array] = {}
    for position, (identifier, record) in enumerate(records.items()):
        column = None if posterior is None else posterior.column(identifier)
        centre, spread = 0.0, 1.0
        if posterior is not None and column is not None:
            centre, spread = posterior.centre(identifier), float(column.std())
        standard = np.full(count, centre)
        standard[position + 1] += spread
        values[identifier] = natural(record, standard)
    return Draws(MappingProxyType(values), count)


def check_basis(basis: str) -> str:
    """Return the basis, or raise `UnknownNameError`."""
    if basis not in BASES:
        raise unknown_name("basis", basis, BASES)
    return basis


@cache
def shipped_draws(draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED, basis: str = FITTED) -> Draws:
    """Return the draws that refra answers with: `draws` sets beside the centre."""
    if check_basis(basis) == FITTED:
        return fitted_draws(parameters(), fitted(), draws, seed)
    return independent_draws(parameters(), draws, seed)
