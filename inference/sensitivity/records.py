"""The parameter records that an answer depends on: their ranges, and the answer's derivative with respect to each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name
from ...data.fitted import fitted
from ...data.loading import parameters
from ...model.derivations import Z95
from ...model.draws import FITTED, natural
from ..preferences import PREFIX
from .setting import Setting

Array = NDArray[np.float64]

STEP = 1e-3
"""Step, in a record's standard deviations, of the differences of tables; their error is of its fourth power."""

OFFSETS = (-2.0, -1.0, 1.0, 2.0)
STENCIL = (1.0, -8.0, 8.0, -1.0)
"""Weights of the steps in the first derivative of fourth order, over 12 steps."""


@dataclass(frozen=True)
class Span:
    """How far a record reaches, in standard deviations of its own distribution from its own centre.

    `centre`, `low` and `high` are the mean and the central 95 % under the basis (the posterior's, or the record's own), `spread` is the
    standard deviation under it; `least` and `most` hold also the record's own range.
    """

    record: str
    centre: float
    spread: float
    low: float
    high: float

    @property
    def least(self) -> float:
        """The lower end of the record's own range and that under the basis."""
        return min(self.low, -Z95)

    @property
    def most(self) -> float:
        """The upper end of the record's own range and that under the basis."""
        return max(self.high, Z95)

    def natural(self, deviates: Array | float) -> Array:
        """Return values on the record's natural scale."""
        return natural(parameters()[self.record], np.asarray(deviates, dtype=np.float64))


@cache
def spans(basis: str) -> Mapping[str, Span]:
    """Return how far every record reaches under a basis."""
    found = {}
    for name in parameters():
        column = fitted().column(name) if basis == FITTED else None
        if column is None:
            found[name] = Span(name, 0.0, 1.0, -Z95, Z95)
        else:
            low, high = np.quantile(column, [0.025, 0.975])
            found[name] = Span(name, fitted().centre(name), float(column.std()), float(low), float(high))
    return MappingProxyType(found)


def bearing(setting: Setting) -> tuple[str, ...]:
    """Return every record that the quantity or a contender depends on, in the order of the records."""
    found = {*setting.readers, *setting.weighing}
    return tuple(name for name in parameters() if name in found)


def check_record(setting: Setting, name: str) -> str:
    """Return a record's id; raises `UnknownNameError`, or `FindingError` where it has no bearing."""
    if name not in parameters():
        raise unknown_name("parameter", name, parameters())
    if name.startswith(PREFIX) and name.removeprefix(PREFIX) in setting.case.preferences.weights:
        given = setting.case.preferences.weights[name.removeprefix(PREFIX)]
        raise FindingError(
            f"parameter: {name!r} has no effect, the preferences set this weight to {given:g}; leave it out of them to vary it"
        )
    if name not in bearing(setting):
        raise FindingError(
            f"parameter: {name!r} has no bearing on {setting.wanted.text} in this patient; `all_parameters` lists those that have"
        )
    return name


def deviate_of(name: str, value: Array) -> Array:
    """Return values on a record's natural scale as deviates, the inverse of `natural`."""
    record = parameters()[name]
    if record.distribution == "logit_normal":
        centre = np.log(record.centre / (1 - record.centre))
        return np.asarray((np.log(value) - np.log1p(-value) - centre) / record.spread)
    if record.distribution == "lognormal":
        return np.asarray(np.log(value / record.centre) / record.spread)
    return np.asarray((value - record.centre) / record.spread)


def per_deviate(name: str, value: float) -> float:
    """Return how much a record's natural value rises for each of its standard deviations, at a value."""
    record = parameters()[name]
    factor = {"logit_normal": value * (1 - value), "lognormal": value}.get(record.distribution, 1.0)
    return factor * record.spread


def derivatives(setting: Setting, records: Sequence[str]) -> Array:
    """Return the derivative of every row with respect to each record's deviate, shape (rows, records).

    The chain rule: derivatives with respect to all table cells come from the one pass back behind `setting.linear`; those of the tables
    with respect to the record come from differences of fourth order; weights on the means are exact.
    """
    reach = spans(setting.case.basis)
    place_of = {name: place for place, name in enumerate(records)}
    change = np.zeros((len(setting.questions), len(records)))
    means = setting.linear.means[:, None]
    for name, cells in setting.linear.cells.items():
        mine = [record for record in setting.model.parameters[name] if record in place_of]
        if not mine:
            continue
        steps = [{r: float(reach[r].natural(reach[r].centre + STEP * offset))} for r in mine for offset in OFFSETS]
        tables = setting.tables(name, steps).reshape(len(mine), len(OFFSETS), -1)
        slope = np.einsum("rsc,s->cr", tables, np.array(STENCIL)) / (12 * STEP)
        moved = cells.reshape(len(cells), -1) @ slope - means * (setting.linear.evidence[name].ravel() @ slope)
        change[:, [place_of[record] for record in mine]] += moved
    matrix, _ = setting.weights({}, 1)
    result = matrix[:, :, 0] @ change
    for record in setting.weighing:
        if record in place_of:
            # Every row is linear in a weight, so the difference between 1 and 0 is the derivative.
            at_ends = setting.rows(np.repeat(means, 2, axis=1), {record: np.array([0.0, 1.0])})
            value = float(setting.centre[record][0])
            result[:, place_of[record]] += (at_ends[:, 1] - at_ends[:, 0]) * per_deviate(record, value)
    return np.asarray(result)
