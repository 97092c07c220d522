"""The published value and its sampling error on the likelihood's scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...data.errors import RefraError
from .targets import SCALES, SCORED, SHARES, STRETCH

WIDTH = 2 * 1.959964
"""Standard deviations between the ends of a 95 % interval."""

MEDIAN_OF_HALF_NORMAL = 0.67449
"""Median of a half-normal distribution of scale 1: the 75 % point of the standard normal one."""

MEDIAN_FACTOR = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean, for a normal sample."""


@dataclass(frozen=True)
class Observed:
    """A published value on the likelihood's scale, its sampling standard deviation, and the counts where they are known."""

    value: float
    sd: float
    events: float | None = None
    n: float | None = None


def _to_scale(scale: str, value: float, span: float) -> float:
    if scale == "log":
        return math.log(value)
    if scale == "logit":
        return math.log(value / (1 - value))
    return STRETCH * value / span


def _counted(events: float, n: float) -> Observed:
    """Return the empirical logit with half an event added to each side (Haldane 1956)."""
    yes, no = events + 0.5, n - events + 0.5
    return Observed(math.log(yes / no), math.sqrt(1 / yes + 1 / no), events, n)


def observe(
    measure: str,
    value: float,
    interval: tuple[float | None, float | None],
    counts: tuple[float | None, float | None],
    spread: float | None,
    span: float,
    unstated: Mapping[str, float],
) -> Observed:
    """Return a published value on the likelihood's scale with its sampling standard deviation.

    Arguments: the 95 % `interval`, the `counts` (events, n), the `spread` between patients (standard deviation; of the logarithm for a
    median), the `span` of the scores, and `unstated`, the standard deviation to take for each scale where nothing is printed. Shares use
    events of n, then the interval, then n; other measures the interval, then events (rates) or spread and n (means and medians).
    Raises `RefraError` for a value that the scale does not hold.
    """
    scale = SCALES[measure]
    low, high = interval
    events, n = counts
    if measure in SHARES and n is not None and (events is not None or low is None or high is None):
        return _counted(events if events is not None else value * n, n)
    if (scale == "logit" and not 0 < value < 1) or (scale == "log" and value <= 0):
        raise RefraError(f"{value:g} has no {scale}; a row without counts needs a value inside the range")
    place = _to_scale(scale, value, span)
    sd = unstated[scale]
    if low is not None and high is not None and not (scale != "difference" and low <= 0):
        sd = (_to_scale(scale, high, span) - _to_scale(scale, low, span)) / WIDTH
    elif measure == "rate_per_100py" and events:
        sd = 1 / math.sqrt(events)
    elif measure == "median" and n is not None:
        sd = MEDIAN_FACTOR * (spread if spread is not None else unstated["median_spread"]) / math.sqrt(n)
    elif measure in SCORED and n is not None and spread is not None:
        halves = 2 if measure == "mean_difference" else 1
        sd = STRETCH * halves * spread / (span * math.sqrt(n))
    return Observed(place, sd)
