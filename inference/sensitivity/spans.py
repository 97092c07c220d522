"""How far each parameter record reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data.fitted import fitted
from ...data.loading import parameters
from ...model.derivations import Z95
from ...model.draws import FITTED, natural

Array = NDArray[np.float64]


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

    def natural(self, deviates: ArrayLike) -> Array:
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
