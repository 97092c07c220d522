"""The network beside published numbers: rows that it was fitted to, and rows that were kept back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...model.draws import DEFAULT_SEED
from ...model.network import Model
from .evaluating import distinct, evaluate
from .observing import WIDTH
from .targets import RATIOS, SHARES, Target, predicted, published

Array = NDArray[np.float64]

COLUMNS = (
    "evidence", "topic", "measure", "gap", "published", "published_low", "published_high",
    "prediction", "prediction_low", "prediction_high", "expected_low", "expected_high",
    "error", "sign_right", "within_published", "covered_90", "covered_50", "z",
)  # fmt: skip
CLOSE = 0.08
"""An absolute error of a proportion up to this counts as close."""

NOISE_A_DRAW = 8


@dataclass(frozen=True)
class Check:
    """Predictions beside publications; `rows` has a line for each target, `summary` one for each topic and one for all."""

    rows: pd.DataFrame
    summary: pd.DataFrame


def check(targets: Iterable[Target], models: Mapping[str, Model], tau: Mapping[str, float], seed: int = DEFAULT_SEED) -> Check:
    """Predict every target and set the prediction beside what was published.

    In `rows`, `prediction_low` and `prediction_high` bound what the network predicts (the 90 % interval over its parameter sets);
    `expected_low` and `expected_high` where a study of that kind and size should come out (90 %, with the error of sampling, the gap and
    the difference between studies). `error` is prediction less published, on the logarithm for ratios. `sign_right` is for comparisons.
    Where no interval was published, that of the sampling error is taken for `within_published`. `covered_90` and `covered_50`: whether
    the published value lies where it should with that probability.

    Args:
        targets: the rows.
        models: the network of each setting, the centre first.
        tau: standard deviation between studies by design.
        seed: of the random errors of the expected intervals.
    """
    chosen = tuple(targets)
    distributions = evaluate(distinct(chosen), models)
    random = np.random.default_rng(seed)
    lines = [_line(one, np.atleast_1d(predicted(one, distributions, np)), tau[one.design], random) for one in chosen]
    rows = pd.DataFrame(lines, columns=list(COLUMNS))
    groups = [(str(topic), table) for topic, table in rows.groupby("topic", sort=True)]
    return Check(rows, pd.DataFrame([_summary(name, table) for name, table in (*groups, ("all", rows))]))


def _line(target: Target, values: Array, tau: float, random: np.random.Generator) -> tuple[object, ...]:
    drawn = values[1:] if len(values) > 1 else values
    spread = float(np.hypot(np.hypot(target.sd, target.gap_sd), tau))
    noise = spread * random.standard_normal((NOISE_A_DRAW, len(drawn)))
    expected = np.quantile((drawn + noise).ravel(), [0.05, 0.25, 0.75, 0.95])
    inner = np.quantile(drawn, [0.05, 0.95])
    half = target.sd * WIDTH / 2

    def shown(value: float) -> float:
        return float(published(target, np.asarray(value), np))

    low = shown(target.observed - half) if target.low is None else target.low
    high = shown(target.observed + half) if target.high is None else target.high
    told = shown(values[0])
    # A published difference of zero points nowhere.
    compared = len(target.groups) == 2 and target.measure != "auc" and target.observed != 0.0
    ratio = target.measure in RATIOS
    error = float(np.log(told / target.value)) if ratio else told - target.value
    return (
        target.evidence, target.topic, target.measure, target.gap, target.value, low, high, told, shown(inner[0]), shown(inner[1]),
        shown(expected[0]), shown(expected[3]), error, bool(values[0] * target.observed > 0) if compared else None,
        bool(low <= told <= high),
        bool(expected[0] <= target.observed <= expected[3]), bool(expected[1] <= target.observed <= expected[2]),
        float((values[0] - target.observed) / spread),
    )  # fmt: skip


def _summary(name: str, table: pd.DataFrame) -> dict[str, object]:
    shares = table[table["measure"].isin(SHARES)]
    ratios = table[table["measure"].isin(RATIOS)]
    compared = table[table["sign_right"].notna()]

    def share(values: pd.Series) -> float:
        return float(values.astype(float).mean()) if len(values) else np.nan

    return {
        "topic": name,
        "rows": len(table),
        "proportions": len(shares),
        "close": share(shares["error"].abs() <= CLOSE),
        "mean_absolute_error": float(shares["error"].abs().mean()) if len(shares) else np.nan,
        "ratios": len(ratios),
        "ratios_within": share(ratios["within_published"]),
        "comparisons": len(compared),
        "signs_right": share(compared["sign_right"]),
        "covered_90": share(table["covered_90"]),
        "covered_50": share(table["covered_50"]),
    }
