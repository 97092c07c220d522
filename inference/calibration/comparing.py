"""Published values beside the network's predictions, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ...model.network import Model
from ..intervals import interval
from .evaluating import distinct, evaluate, shipped_models
from .observing import WIDTH
from .targets import Target, predicted, published

HEADINGS = ("evidence", "topic", "measure", "gap", "published", "low", "high", "predicted", "low", "high", "z")
LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """A target with its prediction, both in the unit of the published measure.

    `low`, `high`: the published 95 % interval, or the one that the sampling error gives. `prediction`: of the central network;
    `predicted_low`, `predicted_high`: central 95 % over the parameter sets. `z`: prediction less observed on the likelihood's scale, over
    the standard deviation of sampling, gap and studies together; the uncertainty of the parameters is not in it.
    """

    target: Target
    low: float
    high: float
    prediction: float
    predicted_low: float
    predicted_high: float
    z: float

    def row(self) -> tuple[str, ...]:
        """Return the table's row, in the order of `HEADINGS`."""
        target = self.target
        numbers = (target.value, self.low, self.high, self.prediction, self.predicted_low, self.predicted_high)
        return target.evidence, target.topic, target.measure, target.gap, *(f"{number:.3g}" for number in numbers), f"{self.z:+.2f}"


def compare(targets: Iterable[Target], models: Mapping[str, Model] | None = None) -> tuple[Comparison, ...]:
    """Return every target with its prediction; `models` by setting, the shipped ones where none are given."""
    chosen = tuple(targets)
    distributions = evaluate(distinct(chosen), shipped_models() if models is None else models)
    return tuple(_compared(target, np.atleast_1d(predicted(target, distributions, np))) for target in chosen)


def _compared(target: Target, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Comparison:
    low, high = interval(values, LEVEL)
    half = target.sd * WIDTH / 2
    ends = [float(published(target, np.asarray(target.observed + way * half), np)) for way in (-1, 1)]
    if target.low is not None and target.high is not None:
        ends = [target.low, target.high]
    told, below, above = (float(published(target, np.asarray(value), np)) for value in (values[0], low, high))
    return Comparison(target, ends[0], ends[1], told, below, above, float((values[0] - target.observed) / target.total_sd))


def table(comparisons: Iterable[Comparison]) -> str:
    """Return the comparisons as text, one a line under the headings, in columns."""
    rows = [HEADINGS, *(comparison.row() for comparison in comparisons)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
