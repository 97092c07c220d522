"""Pure functions that turn evidence rows into the centre and spread of a parameter; a test re-runs every one.

Each takes evidence rows and the arguments of the parameter record, and returns `(centre, spread)`: the centre on the natural scale, the
spread on the scale of the parameter's distribution. The spread is that of a *new* setting: sampling error and the variation between
studies together, since one study's sampling error alone is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..data.records import Evidence

Z95 = 1.959964
NO_SAMPLE_SIZE = 0.35
"""Standard error (logit or log) taken for a row that prints neither interval nor sample size."""


def logit(p: float) -> float:
    """Return log(p / (1 - p))."""
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + math.exp(-x))


def _proportion(row: Evidence, complement: bool) -> tuple[float, float]:
    """Return a proportion's logit and standard error; the interval is trusted before the sample size."""
    n = row.n
    p = row.value
    if n:
        # half an event keeps proportions of 0 and 1 finite
        p = min(max(p, 0.5 / n), 1 - 0.5 / n)
    if row.ci_low is not None and row.ci_high is not None and row.ci_low > 0 and row.ci_high < 1:
        se = (logit(row.ci_high) - logit(row.ci_low)) / (2 * Z95)
    elif n:
        se = 1 / math.sqrt(n * p * (1 - p))
    else:
        se = NO_SAMPLE_SIZE
    return (-logit(p) if complement else logit(p)), se


def _log_ratio(row: Evidence) -> tuple[float, float]:
    low, high = row.ci_low, row.ci_high
    se = (math.log(high) - math.log(low)) / (2 * Z95) if low and high else NO_SAMPLE_SIZE
    return math.log(row.value), se


def random_effects(estimates: Sequence[tuple[float, float]], floor: float) -> tuple[float, float]:
    """Pool (estimate, standard error) pairs: DerSimonian and Laird (10.1016/0197-2456(86)90046-2).

    `floor` is the least between-study standard deviation assumed. Returns the mean and the predictive standard deviation.
    """
    weights = [1 / se**2 for _, se in estimates]
    mean = sum(w * y for w, (y, _) in zip(weights, estimates, strict=True)) / sum(weights)
    q = sum(w * (y - mean) ** 2 for w, (y, _) in zip(weights, estimates, strict=True))
    scale = sum(weights) - sum(w**2 for w in weights) / sum(weights)
    between = max(0.0, (q - (len(estimates) - 1)) / scale) if scale > 0 else 0.0
    tau = max(math.sqrt(between), floor)
    weights = [1 / (se**2 + tau**2) for _, se in estimates]
    mean = sum(w * y for w, (y, _) in zip(weights, estimates, strict=True)) / sum(weights)
    return mean, math.sqrt(1 / sum(weights) + tau**2)


def pooled_proportion(rows: Sequence[Evidence], heterogeneity: str = "0.3", complement: str = "") -> tuple[float, float]:
    """Pool proportions on the logit scale; the ids in `complement` count as one minus their value."""
    turned = set(complement.split())
    mean, spread = random_effects([_proportion(row, row.id in turned) for row in rows], float(heterogeneity))
    return expit(mean), spread


def pooled_log_ratio(rows: Sequence[Evidence], heterogeneity: str = "0.2", factor: str = "1") -> tuple[float, float]:
    """Pool odds, risk or hazard ratios on the log scale, then multiply by `factor` (a shrinkage stated in the record).

    The spread is not shrunk with the centre, so that a shrunk effect stays as uncertain as it was.
    """
    mean, spread = random_effects([_log_ratio(row) for row in rows], float(heterogeneity))
    return mean * float(factor), spread


def pooled_ratio(rows: Sequence[Evidence], heterogeneity: str = "0.2") -> tuple[float, float]:
    """Pool ratios on the log scale and return the ratio itself."""
    mean, spread = random_effects([_log_ratio(row) for row in rows], float(heterogeneity))
    return math.exp(mean), spread


def pooled_rate(rows: Sequence[Evidence], heterogeneity: str = "0.3", factor: str = "1") -> tuple[float, float]:
    """Pool rates or positive medians on the log scale, times `factor`."""
    mean, spread = random_effects([_log_ratio(row) for row in rows], float(heterogeneity))
    return math.exp(mean) * float(factor), spread


def ratio_of_values(rows: Sequence[Evidence], spread: str = "0.3") -> tuple[float, float]:
    """Return the first row's value over the second's."""
    first, second = rows
    return first.value / second.value, float(spread)


def log_odds_between(rows: Sequence[Evidence], heterogeneity: str = "0.2", factor: str = "1") -> tuple[float, float]:
    """Return the log odds ratio of the first proportion against the second, times `factor`."""
    (a, se_a), (b, se_b) = (_proportion(row, False) for row in rows)
    return (a - b) * float(factor), math.sqrt(se_a**2 + se_b**2 + float(heterogeneity) ** 2)


def square_root_difference(rows: Sequence[Evidence], against: str = "", spread: str = "0.4") -> tuple[float, float]:
    """Return sqrt(value) - sqrt(`against`), the size of a joint-count difference on the scale that DAS28 uses."""
    (row,) = rows
    return math.sqrt(row.value) - math.sqrt(float(against)), float(spread)


def mean_difference(rows: Sequence[Evidence], heterogeneity: str = "0.2", factor: str = "1") -> tuple[float, float]:
    """Pool differences on their own scale, times `factor`."""
    pairs = []
    for row in rows:
        se = NO_SAMPLE_SIZE
        if row.ci_low is not None and row.ci_high is not None:
            se = (row.ci_high - row.ci_low) / (2 * Z95)
        pairs.append((row.value, se))
    mean, spread = random_effects(pairs, float(heterogeneity))
    return mean * float(factor), spread


def pooled_risk_difference(rows: Sequence[Evidence], heterogeneity: str = "0.03", spread: str = "0.4") -> tuple[float, float]:
    """Pool risk differences and return the size as a probability, with the logit spread stated in the record."""
    centre, _ = mean_difference(rows, heterogeneity)
    return abs(centre), float(spread)


def share_positive(rows: Sequence[Evidence], within: str = "yes", heterogeneity: str = "0.3") -> tuple[float, float]:
    """Turn a two by two table round: P(group 1 | marked) from P(marked | group 1) and P(marked | group 2).

    The two rows print events and n of the mark in each group; `within` is `yes` for the marked and `no` for the others.
    """
    first, second = rows
    if first.events is None or first.n is None or second.events is None or second.n is None:
        raise ValueError(f"{first.id}, {second.id}: events and n are needed")
    a, b = (first.events, second.events) if within == "yes" else (first.n - first.events, second.n - second.events)
    return a / (a + b), math.sqrt(1 / a + 1 / b + float(heterogeneity) ** 2)


def log_ratio_share(rows: Sequence[Evidence], spread: str = "0.5") -> tuple[float, float]:
    """Return the log size of the first row's ratio as a share of the mean log size of the others."""
    first, *others = (math.log(row.value) for row in rows)
    return first / (sum(others) / len(others)), float(spread)


DERIVATIONS: dict[str, Callable[..., tuple[float, float]]] = {
    function.__name__: function
    for function in (
        pooled_proportion, pooled_log_ratio, pooled_ratio, pooled_rate, ratio_of_values, log_odds_between,
        square_root_difference, mean_difference, pooled_risk_difference, share_positive, log_ratio_share,
    )
}  # fmt: skip


def derive(name: str, rows: Sequence[Evidence], arguments: dict[str, str]) -> tuple[float, float]:
    """Run the derivation called `name` on evidence rows with a record's arguments."""
    return DERIVATIONS[name](rows, **arguments)
