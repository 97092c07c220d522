"""The distance of Chan and Darwiche between a network and a changed one, and the bound that it puts on every answer.

D(P, P') = ln max P'(x) / P(x) - ln min P'(x) / P(x) over all joint states x, 0 / 0 counting as 1. Whatever is asked and whatever is known,
the odds of the answer change by a factor between exp(-D) and exp(D), and no smaller bound holds for all questions. Source: Chan & Darwiche
2005, doi 10.1016/j.ijar.2004.07.001.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...model.network import Model
from ..asking import Known, ask, structure
from ..engine import cached_plan

Array = NDArray[np.float64]

EXACT, UPPER_BOUND = "exact", "upper bound"

MOST_ENTRIES = 50_000
"""Largest sum of clique entries for which the distance of a change in several tables is worked out exactly."""


def rows_distance(old: Array, new: Array) -> Array:
    """Return the distance between distributions on the last axis; the other axes broadcast."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(new) - np.log(old)
    ratio = np.where((old == 0) & (new == 0), 0.0, ratio)
    return np.asarray(ratio.max(axis=-1) - ratio.min(axis=-1))


def odds_bounds(probability: float, distance: float) -> tuple[float, float]:
    """Return between which values a probability stays when the network moves by a distance."""
    if probability in (0.0, 1.0) or math.isinf(distance):
        return (probability, probability) if probability in (0.0, 1.0) else (0.0, 1.0)
    factor = math.exp(-distance)
    low = probability * factor / (probability * factor + 1.0 - probability)
    return low, probability / (probability + (1.0 - probability) * factor)


_POSSIBLE: WeakKeyDictionary[Model, dict[str, NDArray[np.bool_]]] = WeakKeyDictionary()


def possible_rows(model: Model, variable: str) -> NDArray[np.bool_]:
    """Return which rows of a variable's table can be met at all, shape (states of each parent)."""
    known = _POSSIBLE.setdefault(model, {})
    if variable not in known:
        parents = model.parents[variable]
        known[variable] = np.asarray(ask(model, Known(), [parents])[parents][0] > 0 if parents else np.ones(()), dtype=bool)
    return known[variable]


def table_distance(model: Model, variable: str, new: Array) -> Array:
    """Return the exact distance from a model of one parameter set to the same with other tables of one variable, shape (S,).

    The extremes of P' / P are those of the table's rows that can be met, for all else cancels. `new` has the shape (S, *shape).
    """
    old = model.tables[variable]
    rows = possible_rows(model, variable)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(new) - np.log(old)
    ratio = np.where((old == 0) & (new == 0), 0.0, ratio)[:, rows].reshape(len(new), -1)
    return np.asarray(ratio.max(axis=1) - ratio.min(axis=1))


def distance(model: Model, changed: Mapping[str, Array]) -> tuple[Array, str]:
    """Return the distance from a model of one parameter set to the same with other tables, shape (S,), and whether it is exact.

    Args:
        model: the network.
        changed: by variable its new tables, shape (S, *shape).

    Returns:
        The distances with `EXACT`, or with `UPPER_BOUND` where several tables change and their ancestors are too many for the exact
        search; the bound is the sum of the distances of the single tables.
    """
    single = [table_distance(model, name, tables) for name, tables in changed.items()]
    bound = np.sum(single, axis=0)
    if len(changed) == 1:
        return bound, EXACT
    plan = cached_plan(structure(model), targets=tuple(changed))
    if plan.total_entries > MOST_ENTRIES:
        return bound, UPPER_BOUND
    finite = np.isfinite(bound)
    if not finite.any():
        return bound, EXACT
    result = bound.copy()
    ups, downs = {}, {}
    for name in plan.tables_needed:
        old = model.tables[name]
        if name in changed:
            new = changed[name][finite]
            shared = (old > 0) & (new > 0)
            ratio = np.where(shared, new, 1.0) / np.where(shared, old, 1.0)
            ups[name], downs[name] = np.where(shared, ratio, 0.0), np.where(shared, 1.0 / ratio, 0.0)
        else:
            ups[name] = downs[name] = (old > 0).astype(float)
    # The most probable state of "tables" that hold P' / P is the joint state at which the ratio is greatest.
    result[finite] = plan.most_probable(ups).log_joint + plan.most_probable(downs).log_joint
    return result, EXACT
