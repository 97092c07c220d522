"""Studies that could be done: what one would find about a parameter, and how probable that is under every value of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FindingError, unknown_name
from ...data.records import Parameter
from ..calibration.observing import MEDIAN_FACTOR

Array = NDArray[np.float64]

HUNDRED = "per 100 patient-years"


@dataclass(frozen=True)
class Design:
    """What a study of n patients needs besides n.

    Attributes:
        base_rate: for a log odds ratio, the probability in the half of the patients that it is compared with.
        sd: standard deviation between patients: of the quantity for a mean (a difference or a utility), of its logarithm for a median.
        groups: 1 for the mean of one group, 2 for the difference of two groups of n / 2.
    """

    base_rate: float | None = None
    sd: float | None = None
    groups: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be a study."""
        if self.base_rate is not None and not 0 < self.base_rate < 1:
            raise FindingError(f"design, base_rate: {self.base_rate}; accepted: between 0 and 1")
        if self.sd is not None and not self.sd > 0:
            raise FindingError(f"design, sd: {self.sd}; accepted: above 0")
        if self.groups not in (1, 2):
            raise FindingError(f"design, groups: {self.groups}; accepted: 1, 2")


@dataclass(frozen=True)
class Found:
    """What a study finds in every parameter set and its log likelihood under all others.

    `summary` has shape (S,); `log_likelihood` (S, S): row s is what was found in set s, column r the value of the parameter in set r.
    """

    summary: Array
    log_likelihood: Array


def _normal(values: Array, sd: Array, uniform: Array) -> Found:
    from scipy.special import ndtri

    summary = values + sd * ndtri(uniform)
    return Found(summary, -0.5 * ((summary[:, None] - values) / sd) ** 2 - np.log(sd))


def _probability(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    from scipy.special import bdtrik

    events = np.clip(np.ceil(bdtrik(uniform, n, values)), 0, n)
    return Found(events, events[:, None] * np.log(values) + (n - events[:, None]) * np.log1p(-values))


def _rate(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    from scipy.special import pdtrik

    expected = n * values / (100 if HUNDRED in f"{record.unit} {record.given}" else 1)
    events = np.maximum(np.ceil(pdtrik(uniform, expected)), 0)
    return Found(events, events[:, None] * np.log(expected) - expected)


def _log_odds_ratio(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    base = _given(record, design.base_rate, "base_rate", "the probability in the half of the patients without the exposure")
    exposed = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + values)))
    return _normal(values, np.sqrt((1 / (base * (1 - base)) + 1 / (exposed * (1 - exposed))) / (n / 2)), uniform)


def _mean(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    sd = _given(record, design.sd, "sd", f"the standard deviation between patients, in {record.unit or 'the units of the parameter'}")
    return _normal(values, np.full(len(values), design.groups * sd / np.sqrt(n)), uniform)


def _median(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    sd = _given(record, design.sd, "sd", "the standard deviation between patients of the logarithm")
    return _normal(np.log(values), np.full(len(values), MEDIAN_FACTOR * sd / np.sqrt(n)), uniform)


def _given(record: Parameter, value: float | None, field: str, meaning: str) -> float:
    if value is None:
        raise FindingError(f"{record.id} is a {record.kind}: its study needs Design({field}=...), {meaning}")
    return value


STUDIES: Mapping[str, Callable[[Parameter, Array, int, Design, Array], Found]] = {
    "probability": _probability,
    "rate": _rate,
    "log_odds_ratio": _log_odds_ratio,
    "difference": _mean,
    "utility": _mean,
    "median": _median,
}
"""The study of each kind of parameter: events among n patients (binomial), events in n patient-years (Poisson), an odds ratio from two
halves of n patients, a mean, a median (all normal)."""


def study(record: Parameter, values: Array, n: int, design: Design, uniform: Array) -> Found:
    """Return what a study of size n finds about a parameter whose values in the parameter sets are given, shape (S,).

    `uniform` (S,), between 0 and 1, settles the chance in what is found, so that studies of different sizes share it. Raises
    `UnknownNameError` for a kind of parameter that no study measures directly (a weight of a mix, a ratio of two others), `FindingError`
    where the design lacks what the kind needs or n is not at least 2.
    """
    if record.kind not in STUDIES:
        raise unknown_name("kind of parameter that a study measures", record.kind, STUDIES, where=record.id)
    if n < 2 or n != int(n):
        raise FindingError(f"n: {n}; accepted: a whole number of at least 2")
    return STUDIES[record.kind](record, values, int(n), design, uniform)
