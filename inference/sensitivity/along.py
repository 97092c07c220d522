"""Along one record: every answer at each of its values, and where the first place changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .contest import ROOT, Bracket, Change, closed_form_changes, narrowed
from .distance import EXACT, distance
from .setting import Setting
from .spans import Span

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""Tables that differ from a straight line by no more than this are affine in a record."""


@dataclass(frozen=True)
class Ratio:
    """The rows as (a + b x) / (c + d x), x being a value on a record's natural scale; `a` and `b` of shape (rows,)."""

    a: Array
    b: Array
    c: float
    d: float


def ratio_along(setting: Setting, record: str, values: Array) -> Ratio | None:
    """Return the rows as ratios of linear functions of a record, or None where they are not or are not known to be.

    They are where the record is a weight alone, or builds one table that is affine in it. That is found out from the tables at `values`,
    at least three, and holds for those.
    """
    tables = setting.readers.get(record, ())
    weighs = record in setting.weighing
    if len(tables) + weighs != 1:
        return None
    if weighs:
        ends = setting.answers([{record: 0.0}, {record: 1.0}])
        return Ratio(ends[:, 0], ends[:, 1] - ends[:, 0], 1.0, 0.0)
    found = setting.tables(tables[0], [{record: float(value)} for value in values])
    low, high = int(np.argmin(values)), int(np.argmax(values))
    slope = (found[high] - found[low]) / (values[high] - values[low])
    line = found[low] + np.multiply.outer(values - values[low], slope)
    if np.abs(found - line).max() > ROUNDING:
        return None
    present, curves = float(setting.centre[record][0]), setting.curves
    b = curves.cells[tables[0]].reshape(len(curves.means), -1) @ slope.ravel()
    d = float(curves.evidence[tables[0]].ravel() @ slope.ravel())
    return Ratio(curves.means - b * present, b, 1.0 - d * present, d)


def along(setting: Setting, reach: Sequence[Span], deviates: Array) -> tuple[Array, list[list[Change]]]:
    """Return every row at values of records, and the changes of the first place between them.

    Args:
        setting: the question.
        reach: the records.
        deviates: for each record the values, rising, in its standard deviations from its centre, shape (records, values).

    Returns:
        The rows, shape (rows, records, values), and for each record its changes, in closed form where `ratio_along` gives one.
    """
    values = np.stack([span.natural(line) for span, line in zip(reach, deviates, strict=True)])
    flat = [{span.record: float(value)} for span, line in zip(reach, values, strict=True) for value in line]
    rows = setting.answers(flat).reshape(-1, *values.shape)
    places = setting.first(rows)
    changes: list[list[Change]] = [[] for _ in reach]
    brackets = []
    for key, (span, mine) in enumerate(zip(reach, places, strict=True)):
        steps = np.flatnonzero(np.diff(mine))
        ratio = ratio_along(setting, span.record, values[key]) if len(steps) else None
        if ratio is not None:
            ends = float(values[key, 0]), float(values[key, -1])
            changes[key] = closed_form_changes(setting.contest, ratio.a[1:], ratio.b[1:], ratio.c, ratio.d, *ends)
        else:
            brackets += [Bracket(key, *deviates[key, k : k + 2].tolist(), *mine[k : k + 2].tolist()) for k in steps]

    def first(keys: NDArray[np.intp], at: Array) -> NDArray[np.intp]:
        natural = [{reach[key].record: float(reach[key].natural(value))} for key, value in zip(keys, at, strict=True)]
        return setting.first(setting.answers(natural))

    ids = setting.contest.ids
    for one in (one for found in narrowed(first, brackets, float(np.ptp(deviates))) for one in found):
        value = float(reach[one.key].natural((one.low + one.high) / 2))
        changes[one.key].append(Change(value, ids[one.before], ids[one.after], ROOT))
    return rows, changes


def record_distances(setting: Setting, record: str, values: Sequence[float]) -> tuple[Array, str]:
    """Return the distance of Chan and Darwiche from the centre to other values of a record, and whether it is exact."""
    model = setting.model
    tables = [name for name in model.states if record in model.parameters[name]]
    if not tables or not len(values):
        return np.zeros(len(values)), EXACT
    changes = [{record: float(value)} for value in values]
    return distance(model, {name: setting.tables(name, changes) for name in tables})


CHANGE_COLUMNS = ("value", "before", "after", "how", "distance", "distance_is")


def change_table(changes: Sequence[Change], distances: Array, kind: str) -> pd.DataFrame:
    """Return changes of the first place as a frame, each with its distance."""
    rows = [(one.value, one.before, one.after, one.how, far, kind) for one, far in zip(changes, distances, strict=True)]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
