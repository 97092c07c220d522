"""A published number as a target of the joint calibration, and what the network predicts for it on the likelihood's scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .questions import Question

SHARES = ("proportion", "sensitivity", "specificity")
RATIOS = ("odds_ratio", "risk_ratio", "hazard_ratio")
DIFFERENCES = ("risk_difference", "mean_difference", "mean")
SCORED = ("mean", "mean_difference")
COMPARED = (*RATIOS, "risk_difference", "mean_difference", "auc")
MEASURES = (*SHARES, *RATIOS, *DIFFERENCES, "rate_per_100py", "median", "auc")

SCALES = {
    **dict.fromkeys((*SHARES, "auc"), "logit"),
    **dict.fromkeys((*RATIOS, "rate_per_100py", "median"), "log"),
    **dict.fromkeys(DIFFERENCES, "difference"),
}
"""The scale on which a prediction and the published value are compared, by measure."""

STRETCH = 4.0
"""Differences are divided by the range of the scores and multiplied by this, the slope of the logit at one half.

So one standard deviation between studies serves shares and differences alike.
"""

TINY = 1e-9


@dataclass(frozen=True)
class Term:
    """One question and a number for each state of its variable: P(event | state), or the state's score."""

    question: Question
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Group:
    """What is predicted for one group of patients: shares of alternatives, each a product (shares) or a sum (scores) of terms."""

    alternatives: tuple[tuple[float, tuple[Term, ...]], ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term, in order."""
        return tuple(term for _, terms in self.alternatives for term in terms)


@dataclass(frozen=True)
class Target:
    """A row of evidence as a question, with its value on the likelihood's scale.

    `evidence`, `topic`, `measure`, `design`, `study`: as in the registry. `groups`: the row's own group and, for comparisons, the
    comparator. `cuts`: cut-offs between the states, for medians. `span`: range of the scores, for differences. `period`: years over which
    a yearly probability is turned into the row's. `value`, `low`, `high`: as published. `observed`, `sd`: value and sampling standard
    deviation on `scale`. `events`, `n`: counts of a binomial likelihood where known. `gap`, `gap_sd`: how far the row is from what the
    network means, and the standard deviation for it. `tau`: prior scale of the standard deviation between studies of this design.
    """

    evidence: str
    topic: str
    measure: str
    design: str
    study: str
    groups: tuple[Group, ...]
    value: float
    low: float | None
    high: float | None
    observed: float
    sd: float
    gap: str
    gap_sd: float
    tau: float
    events: float | None = None
    n: float | None = None
    cuts: tuple[float, ...] = ()
    span: float = 1.0
    period: float = 1.0
    setting: str = "trial"
    note: str = ""

    @property
    def scale(self) -> str:
        """The likelihood's scale: `logit`, `log` or `difference`."""
        return SCALES[self.measure]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The distinct questions that the prediction needs, in order."""
        return tuple(dict.fromkeys(term.question for group in self.groups for term in group.terms))


def _weighted(term: Term, distributions: Mapping[Question, Any]) -> Any:
    """Return the sum over states of weight x probability, shape (S,)."""
    distribution = distributions[term.question]
    return sum(weight * distribution[..., state] for state, weight in enumerate(term.weights) if weight)


def probability(group: Group, distributions: Mapping[Question, Any]) -> Any:
    """Return P(event) of a group, shape (S,): the terms of an alternative multiply, alternatives are mixed."""
    total: Any = 0.0
    for share, terms in group.alternatives:
        product: Any = share
        for term in terms:
            product = product * _weighted(term, distributions)
        total = total + product
    return total


def score(group: Group, distributions: Mapping[Question, Any]) -> Any:
    """Return the expected score of a group, shape (S,): the terms of an alternative add up, alternatives are mixed."""
    return sum(share * sum(_weighted(term, distributions) for term in terms) for share, terms in group.alternatives)


def logit(p: Any, xp: ModuleType) -> Any:
    """Return log(p / (1 - p)), kept away from 0 and 1."""
    inside = xp.clip(p, TINY, 1 - TINY)
    return xp.log(inside) - xp.log1p(-inside)


def log_hazard(p: Any, xp: ModuleType) -> Any:
    """Return log(-log(1 - p)), the log of a rate times the period, kept away from 0 and 1."""
    return xp.log(-xp.log1p(-xp.clip(p, TINY, 1 - TINY)))


def log_median(distribution: Any, cuts: tuple[float, ...], xp: ModuleType) -> Any:
    """Return the log of the median, shape (S,), of a quantity whose states meet at `cuts`.

    The logit of the distribution function is taken to be linear in the log of the quantity between two cut-offs, and to go on so beyond
    the outer ones (exact for one log-logistic distribution).
    """
    below = xp.cumsum(distribution, axis=-1)
    heights = [logit(below[..., k], xp) for k in range(len(cuts))]
    places = [math.log(cut) for cut in cuts]
    found: Any = None
    for k in range(len(cuts) - 1):
        rise = xp.maximum(heights[k + 1] - heights[k], TINY)
        crossing = places[k] - heights[k] * (places[k + 1] - places[k]) / rise
        found = crossing if found is None else xp.where(heights[k] < 0, crossing, found)
    return found


def concordance(higher: Term, lower: Term, distributions: Mapping[Question, Any]) -> Any:
    """Return P(X > Y) + P(X = Y) / 2 for a member of one group and one of the other, shape (S,); weights give the order of the states."""
    x, y = distributions[higher.question], distributions[lower.question]
    total: Any = 0.0
    for i, high in enumerate(higher.weights):
        for j, low in enumerate(lower.weights):
            credit = 1.0 if high > low else 0.5 if high == low else 0.0
            total = total + credit * x[..., i] * y[..., j]
    return total


def predicted(target: Target, distributions: Mapping[Question, Any], xp: ModuleType) -> Any:
    """Return what the network predicts for a target on the likelihood's scale, shape (S,).

    `distributions` maps every question of the target to an array of shape (S, states) (or (states,)); `xp` is numpy or jax.numpy.
    """
    measure, groups = target.measure, target.groups
    if measure == "median":
        return log_median(distributions[groups[0].terms[0].question], target.cuts, xp)
    if measure == "auc":
        return logit(concordance(groups[0].terms[0], groups[1].terms[0], distributions), xp)
    if measure in SCORED:
        values = [score(group, distributions) for group in groups]
        return STRETCH * (values[0] - values[1] if len(values) == 2 else values[0]) / target.span
    shares = [probability(group, distributions) for group in groups]
    if target.period != 1.0:
        shares = [-xp.expm1(target.period * xp.log1p(-xp.clip(p, 0.0, 1 - TINY))) for p in shares]
    if measure in SHARES:
        return logit(shares[0], xp)
    if measure == "rate_per_100py":
        return log_hazard(shares[0], xp) + math.log(100)
    if measure == "odds_ratio":
        return logit(shares[0], xp) - logit(shares[1], xp)
    if measure == "risk_ratio":
        return xp.log(xp.clip(shares[0], TINY, 1.0)) - xp.log(xp.clip(shares[1], TINY, 1.0))
    if measure == "hazard_ratio":
        return log_hazard(shares[0], xp) - log_hazard(shares[1], xp)
    return STRETCH * (shares[0] - shares[1])


def published(target: Target, value: Any, xp: ModuleType) -> Any:
    """Turn a value on the likelihood's scale back into the measure that was published."""
    if target.scale == "logit":
        return 1 / (1 + xp.exp(-value))
    if target.scale == "log":
        return xp.exp(value)
    return value * target.span / STRETCH
