"""The parameter records that an answer depends on, and its derivative with respect to each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name
from ...data.loading import parameters
from ..preferences import PREFIX
from .setting import Setting
from .spans import spans

Array = NDArray[np.float64]

STEP = 1e-3
"""Step, in a record's standard deviations, of the differences of tables; their error is of its fourth power."""

OFFSETS = (-2.0, -1.0, 1.0, 2.0)
STENCIL = (1.0, -8.0, 8.0, -1.0)
"""Weights of the steps in the first derivative of fourth order, over 12 steps."""


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
