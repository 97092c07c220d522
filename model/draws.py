"""Where parameter values come from: the seam between the records and everything that uses them.

A `Draws` holds, for every parameter, its value in a number of parameter sets. Set 0 is always the centre. Today the other sets are
independent draws from each record's distribution; a joint fit replaces `independent_draws` and nothing else.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from ..data.loading import parameters
from ..data.records import Parameter
from .arrays import Array, xp
from .on_demand import OnDemand

DEFAULT_DRAWS = 400
DEFAULT_SEED = 20261122


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


def one_at_a_time(records: Mapping[str, Parameter]) -> Draws:
    """Shift one parameter at a time by one standard deviation: set i + 1 shifts the i-th record, set 0 none."""
    count = len(records) + 1
    values: dict[str, Array] = {}
    for position, (identifier, record) in enumerate(records.items()):
        standard = np.zeros(count)
        standard[position + 1] = 1.0
        values[identifier] = natural(record, standard)
    return Draws(MappingProxyType(values), count)


@cache
def shipped_draws(draws: int = DEFAULT_DRAWS, seed: int = DEFAULT_SEED) -> Draws:
    """Return the draws that refra answers with: `draws` sets beside the centre."""
    return independent_draws(parameters(), draws, seed)
